"""Studies whose losses are drawn from the transfer law, appended by the same door as a sweep's runs.

simulate(url, parameters=TABLE2, pretrain_steps=STEPS, data_points=SIZES)
"""

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from warehouse.store import Record, append, drain

# Barnett 2024, Table 2, and the paper's grid (paper.md).
TABLE2 = {
    "fictional encyclopedia": {"A": 284.766, "G": 2.570, "alpha": 0.730, "beta": 0.123, "E": 0.538},
    "math arXiv": {"A": 317.966, "G": 0.166, "alpha": 0.756, "beta": 0.059, "E": 1.758},
    "statistics textbook": {"A": 177.321, "G": 1.305, "alpha": 0.627, "beta": 0.126, "E": 1.367},
    "Enron emails": {"A": 181.482, "G": 0.595, "alpha": 0.611, "beta": 0.159, "E": 1.373},
    "house cat genome": {"A": 43.556, "G": 0.548, "alpha": 0.718, "beta": 0.228, "E": 2.677},
}
STEPS = (128, 256, 512, 1000, 2000, 4000, 8000, 16000, 24000, 33000, 48000, 64000, 96000, 128000, 143000)
SIZES = (10, 20, 40, 75, 130, 220, 370, 550, 800, 1100)

MODEL, N_PARAMS, N_PARAMS_NON_EMBEDDING = "drawn", 1_000_000, 800_000
ONE_MODEL: Mapping[str, Mapping[str, float]] = {MODEL: {}}
TOKENS_PER_STEP = 2_097_152
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE = 3


def transfer_loss(law: Mapping[str, float], p: float, f: float) -> float:
    """(A·p^-α + G)·f^-β + E in nats per token, for p > 0 (Barnett 2024, eq. 1)."""
    return (law["A"] * p ** -law["alpha"] + law["G"]) * f ** -law["beta"] + law["E"]


def simulate(
    url: str,
    *,
    study: str = "simulated",
    parameters: Mapping[str, Mapping[str, float]],
    pretrain_steps: Sequence[int],
    data_points: Sequence[int],
    noise: float = 0.01,
    seed: int = 0,
    seeds: Sequence[int] = (0,),
    context: int = 256,
    fit_min_steps: int = 1,
    with_scratch: bool = False,
    models: Mapping[str, Mapping[str, float]] = ONE_MODEL,
) -> None:
    """Append a whole study: its declaration, datasets, checkpoints, runs and epochs.

    `parameters` gives each dataset its law. A loss is the law's times exp(noise·z), z standard normal and
    determined by the run's key, so that studies of the same `seed` share the runs that both contain. Before
    fine-tuning it is A·p^-α + G + E (Appendix A).
    `with_scratch` adds step 0, whose loss is C·f^-β + E (Appendix A) with C the law's coefficient at half the
    smallest step. `models` gives each model the factors of the laws' parameters and of the model's size (N).
    """
    steps = ((0,) if with_scratch else ()) + tuple(pretrain_steps)
    declaration = {
        "study": study,
        "description": "Losses drawn from the transfer law.",
        "context": context,
        "models": [{"suite": None, "size": None, "path": model} for model in models],
        "pretrain_steps": list(steps),
        "datasets": list(parameters),
        "data_points": list(data_points),
        "seeds": list(seeds),
        "methods": ["full"],
        "fit": {"min_steps": fit_min_steps},
    }
    fingerprints = {
        dataset: _digest("dataset", dataset, sorted(law.items()), noise, seed, context)
        for dataset, law in parameters.items()
    }
    runs: list[dict[str, object]] = []
    epochs: list[dict[str, object]] = []
    for model, dataset, p, f, run_seed in itertools.product(models, parameters, steps, data_points, seeds):
        other = () if model == MODEL else (model,)
        key = _digest("run", fingerprints[dataset], p, f, run_seed, *other)
        law = {
            symbol: models[model].get(symbol, 1.0) * value for symbol, value in parameters[dataset].items()
        }
        mean = transfer_loss(law, p or min(pretrain_steps) / 2, f)
        loss = mean * math.exp(noise * np.random.default_rng(int(key, 16)).standard_normal())
        cell = {"dataset": dataset, "pretrain_steps": p, "data_points": f, "seed": run_seed} | _sized(
            model, models
        )
        identity = {
            "run_id": _digest(declaration, key),
            "run_key": key,
            "dataset_fingerprint": fingerprints[dataset],
        }
        at_zero = transfer_loss(law, p or min(pretrain_steps) / 2, 1)
        run, curve = _run(identity | cell, context, loss, at_zero, BEGAN + timedelta(seconds=len(runs)))
        runs.append(run)
        epochs += curve
    digest = _digest(declaration, [run["run_key"] for run in runs])
    rows: dict[str, list[dict[str, object]]] = {
        "raw.studies": [
            {
                "study": study,
                "declaration_digest": digest,
                "context": context,
                "fit_min_steps": fit_min_steps,
                "simulated": True,
                "declaration": declaration,
                "declared_at": datetime.now(UTC),
            }
        ],
        "raw.study_runs": [
            {"study": study, "declaration_digest": digest, "run_key": run["run_key"]} for run in runs
        ],
        "raw.datasets": [_dataset(*named, context, max(data_points)) for named in fingerprints.items()],
        "raw.checkpoints": [_checkpoint(p, _sized(model, models)) for model in models for p in steps],
        "raw.runs": runs,
        "raw.epochs": epochs,
    }
    append(Record(f"simulated-{digest}", rows), url)
    drain(url)


def _run(
    cell: dict[str, object], context: int, loss: float, loss_zero_shot: float, started: datetime
) -> tuple[dict[str, object], list[dict[str, object]]]:
    p, f = int(str(cell["pretrain_steps"])), int(str(cell["data_points"]))
    # Fewer epochs with more pre-training, as Appendix E finds.
    best_epoch = 2 + round(8 / (1 + math.log10(1 + p)))
    epochs = best_epoch + PATIENCE
    tokens_seen = epochs * f * context
    n_params = int(str(cell["n_params"]))
    run: dict[str, object] = cell | {
        "revision": f"step{p}",
        "checkpoint_digest": _checkpoint_digest(p, cell),
        "pretrain_tokens": p * TOKENS_PER_STEP,
        "context": context,
        "tokens": f * context,
        "method": "full",
        "status": "ok",
        "loss": loss,
        "loss_validation": loss * 0.99,
        "loss_zero_shot": loss_zero_shot,
        "epochs": epochs,
        "best_epoch": best_epoch,
        "optimizer_steps": epochs * math.ceil(f / 16),
        "tokens_seen": tokens_seen,
        "flops": 6.0 * n_params * tokens_seen,
        "wall_s": 0.5,
        "peak_memory_bytes": 100_000_000,
        "device": "none",
        "host": "simulator",
        "started_at": started,
        "finished_at": started + timedelta(seconds=0.5),
        "config": {"batch": 16, "patience": PATIENCE},
        "provenance": {
            "commit": "0" * 40,
            "dirty": False,
            "python": "3.11.0",
            "packages": {"numpy": np.__version__},
            "platform": "none",
            "processor": "none",
            "cores": 1,
        },
    }
    curve: list[dict[str, object]] = [
        {
            "run_id": cell["run_id"],
            "epoch": epoch,
            "train_loss": None if epoch == 0 else loss * (0.9 + 0.5 * 0.5**epoch),
            "validation_loss": loss * (0.99 + 0.01 * (epoch - best_epoch) ** 2),
            "elapsed_s": 0.5 * epoch / epochs,
        }
        for epoch in range(epochs + 1)
    ]
    return run, curve


def _dataset(dataset: str, fingerprint: str, context: int, largest: int) -> dict[str, object]:
    return {
        "dataset": dataset,
        "fingerprint": fingerprint,
        "source": "drawn from the transfer law",
        "licence": "none",
        "documents": 1000,
        "duplicates_dropped": 0,
        "characters": 4 * context * (largest + 320),
        "tokenizer": _digest("tokenizer"),
        "context": context,
        "tokens": context * (largest + 320),
        "train_points": largest,
        "validation_points": 64,
        "heldout_points": 256,
        "sample": "No text: losses drawn from a law.",
        "recorded_at": BEGAN,
    }


def _sized(model: str, models: Mapping[str, Mapping[str, float]]) -> dict[str, object]:
    size = models[model].get("N", 1.0)
    return {
        "model": model,
        "n_params": int(N_PARAMS * size),
        "n_params_non_embedding": int(N_PARAMS_NON_EMBEDDING * size),
    }


def _checkpoint_digest(p: int, of_model: Mapping[str, object]) -> str:
    return _digest("checkpoint", p, *(() if of_model["model"] == MODEL else (of_model["model"],)))


def _checkpoint(p: int, of_model: Mapping[str, object]) -> dict[str, object]:
    return {
        **of_model,
        "revision": f"step{p}",
        "pretrain_steps": p,
        "digest": _checkpoint_digest(p, of_model),
        "source": "drawn from the transfer law",
        "pretrain_tokens": p * TOKENS_PER_STEP,
        "heldout_loss": None,
        "recorded_at": BEGAN,
    }


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
