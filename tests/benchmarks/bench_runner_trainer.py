"""The runner against transformers' Trainer: python tests/benchmarks/bench_runner_trainer.py [--checkpoints 4]

Four checkpoints x two datasets x five sizes are 40 small runs, at 1 and at 10 million parameters. The same
losses, epoch by epoch; then runs per hour of `python -m runner sweep`, of a script with a Trainer for each
run, and of one process that reuses its Trainer. The latter two are timed on one run of each size, and the
others extrapolated from it. Everything reads the same tokens; making these is left out of all times.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

SHAPES = {1: (4, 128, 4), 10: (5, 384, 6)}  # million parameters: layers, hidden, heads
SIZES = (6, 12, 24, 48, 96)
DATASETS = ("statistics", "python")
CONTEXT, BATCH, RATE, PATIENCE, EPOCHS, EVALUATION = 64, 8, 5e-4, 3, 6, 64
STUDY = """
study: bench
description: Small runs.
context: {context}
models: [{{path: {model}, tokens_per_step: 1}}]
pretrain_steps: {steps}
datasets: [{datasets}]
data_points: {sizes}
training:
  {{batch: {batch}, learning_rate: {rate}, patience: {patience}, max_epochs: {epochs}, threads: {threads}}}
fit: {{min_steps: 1}}
workers: {workers}
"""


def make(folder: Path, millions: int, checkpoints: int, workers: int) -> Path:
    """Checkpoints of random weights, tokens, and the study that wants them."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM
    from transformers.utils import logging

    from runner.declaration import study_from, suite_from
    from runner.pretrain import train_tokenizer
    from runner.tokens import points_of

    logging.disable_progress_bar()
    layers, hidden, heads = SHAPES[millions]
    tokenizer = train_tokenizer(suite_from("smoke"), folder / "cache")
    model = folder / f"{millions}m"
    for step in range(1, checkpoints + 1):
        torch.manual_seed(step)
        shape = GPTNeoXConfig(
            vocab_size=1024,
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=4 * hidden,
            max_position_embeddings=CONTEXT,
            bos_token_id=0,
            eos_token_id=0,
            use_cache=False,
        )
        GPTNeoXForCausalLM(shape).save_pretrained(model / f"step{step}")
        (model / f"step{step}" / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    file = folder / f"{millions}m.yml"
    file.write_text(
        STUDY.format(
            context=CONTEXT,
            model=model,
            steps=list(range(1, checkpoints + 1)),
            datasets=", ".join(DATASETS),
            sizes=list(SIZES),
            batch=BATCH,
            rate=RATE,
            patience=PATIENCE,
            epochs=EPOCHS,
            threads=max(1, (os.cpu_count() or 1) // workers),
            workers=workers,
        )
    )
    study = study_from(str(file))
    for dataset in DATASETS:
        tokens = points_of(study, study.models[0], dataset, folder / "cache")
        for split in ("train", "validation", "heldout"):
            np.save(folder / f"{dataset}-{split}.npy", getattr(tokens, split))
    return file


def order_of(seed: int, epoch: int, points: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64([seed, epoch])).permutation(points)


def trainer_runs(
    folder: Path, model_folder: Path, runs: list[tuple[str, int]]
) -> Iterator[dict[str, object]]:
    """Each run (dataset, data points) with one model and one Trainer: what a careful script of it does."""
    import torch
    from torch.utils.data import Sampler
    from transformers import (
        AutoModelForCausalLM,
        EarlyStoppingCallback,
        PrinterCallback,
        Trainer,
        TrainingArguments,
    )
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()

    class InOrder(Sampler):
        """The runner's order: a shuffle of each epoch's own."""

        def __init__(self, points: int) -> None:
            self.points, self.epoch = points, 0

        def __iter__(self) -> Iterator[int]:
            self.epoch += 1
            return iter(order_of(0, self.epoch, self.points).tolist())

        def __len__(self) -> int:
            return self.points

    class Ordered(Trainer):
        def _get_train_sampler(self, train_dataset: object = None) -> Sampler:
            return InOrder(len(self.train_dataset if train_dataset is None else train_dataset))

    def examples(points: np.ndarray) -> list[dict[str, torch.Tensor]]:
        # The first token is predicted from nothing: masked, Trainer does not count it.
        made = []
        for point in torch.from_numpy(points.astype(np.int64)):
            labels = point.clone()
            labels[0] = -100
            made.append({"input_ids": point, "labels": labels})
        return made

    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    trainer = None
    for dataset, size in runs:
        began = time.perf_counter()
        split = {s: np.load(folder / f"{dataset}-{s}.npy") for s in ("train", "validation", "heldout")}
        chosen = np.random.Generator(np.random.PCG64(0)).permutation(len(split["train"]))[:size]
        model.load_state_dict(weights)
        with tempfile.TemporaryDirectory() as output:
            if trainer is None:
                trainer = Ordered(
                    model=model,
                    args=TrainingArguments(
                        output_dir=output,
                        per_device_train_batch_size=BATCH,
                        per_device_eval_batch_size=EVALUATION,
                        learning_rate=RATE,
                        lr_scheduler_type="constant",
                        weight_decay=0.0,
                        max_grad_norm=0.0,
                        optim="adamw_torch_fused",
                        num_train_epochs=EPOCHS,
                        eval_strategy="epoch",
                        save_strategy="epoch",
                        logging_strategy="epoch",
                        save_total_limit=1,
                        save_only_model=True,
                        load_best_model_at_end=True,
                        metric_for_best_model="eval_loss",
                        greater_is_better=False,
                        prediction_loss_only=True,
                        disable_tqdm=True,
                        report_to="none",
                        use_cpu=True,
                        dataloader_pin_memory=False,
                    ),
                    train_dataset=examples(split["train"][chosen]),
                    eval_dataset=examples(split["validation"]),
                )
                trainer.remove_callback(PrinterCallback)
            stopping = EarlyStoppingCallback(early_stopping_patience=PATIENCE)
            trainer.add_callback(stopping)
            trainer.args.output_dir = output
            trainer.train_dataset = examples(split["train"][chosen])
            trainer.eval_dataset = examples(split["validation"])
            trainer.optimizer = trainer.lr_scheduler = None
            zero = [trainer.evaluate(examples(split[s]))["eval_loss"] for s in ("validation", "heldout")]
            trainer.train()  # with a log of its own
            log = list(trainer.state.log_history)
            heldout = trainer.evaluate(examples(split["heldout"]))["eval_loss"]
            trainer.remove_callback(stopping)
        yield {
            "dataset": dataset,
            "size": size,
            "validation": [zero[0], *(e["eval_loss"] for e in log if "eval_loss" in e)],
            "train": [e["loss"] for e in log if "loss" in e],
            "loss": heldout,
            "seconds": time.perf_counter() - began,
        }


def in_a_process(folder: Path, model: Path, runs: list[tuple[str, int]]) -> tuple[float, list[dict]]:
    """Seconds of the whole process, and what each run gave."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--trainer", json.dumps([str(folder), str(model), runs])],
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, [json.loads(line) for line in done.stdout.splitlines()]


def sweep(folder: Path, study: Path) -> float:
    """Seconds of `python -m runner sweep`, from an empty warehouse."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "runner", "sweep", "--study", str(study)],
        cwd=folder,
        env={
            **os.environ,
            "TRANSFER_LAWS_CACHE": str(folder / "cache"),
            "TRANSFER_LAWS_WAREHOUSE": str(study.with_suffix(".duckdb")),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - began


def recorded(study: Path) -> tuple[list[tuple], tuple]:
    """The epochs of the first checkpoint's runs; and of all runs count, seconds and tokens per second."""
    import duckdb

    with duckdb.connect(str(study.with_suffix(".duckdb")), read_only=True) as database:
        epochs = database.execute(
            "select dataset, data_points, epoch, train_loss, validation_loss, loss from raw.runs"
            " join raw.epochs using (run_id) where pretrain_steps = 1 order by all"
        ).fetchall()
        (summary,) = database.execute(
            "select count(*), sum(wall_s), avg(tokens_per_s), any_value(n_params)"
            " from raw.runs where status = 'ok'"
        ).fetchall()
    return epochs, summary


def where_time_goes(folder: Path, model_folder: Path, dataset: str, size: int) -> dict[str, float]:
    """Seconds of one run by part, this process having one thread."""
    import torch
    from accelerate import Accelerator
    from transformers import AutoModelForCausalLM

    from runner import finetune
    from runner.study import Training

    parts: dict[str, float] = {}

    def timed(owner: object, name: str, part: str) -> None:
        inner = getattr(owner, name)

        def outer(*arguments: object, **options: object) -> object:
            began = time.perf_counter()
            try:
                return inner(*arguments, **options)
            finally:
                parts[part] = parts.get(part, 0.0) + time.perf_counter() - began

        setattr(owner, name, outer)

    torch.set_num_threads(1)
    began = time.perf_counter()
    accelerator = Accelerator(cpu=True)
    model = accelerator.prepare(AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32))
    split = {s: np.load(folder / f"{dataset}-{s}.npy") for s in ("train", "validation", "heldout")}
    parts["loading, once for a checkpoint"] = time.perf_counter() - began
    passes = finetune.Passes(BATCH, EVALUATION)
    began = time.perf_counter()
    zero = [finetune.evaluate(model, split[s], passes, accelerator) for s in ("heldout", "validation")]
    parts["zero-shot losses, once for a checkpoint and dataset"] = time.perf_counter() - began
    timed(finetune, "evaluate", "evaluation")
    timed(finetune, "_epoch", "training: forward")
    timed(accelerator, "backward", "training: backward")
    timed(torch.optim.AdamW, "step", "training: optimiser")
    timed(finetune, "weights_of", "copies of weights")
    timed(finetune, "restore", "copies of weights")
    chosen = np.random.Generator(np.random.PCG64(0)).permutation(len(split["train"]))[:size]
    training = Training(batch=BATCH, learning_rate=RATE, patience=PATIENCE, max_epochs=EPOCHS)
    began = time.perf_counter()
    finetune.finetune(
        model,
        split["train"][chosen],
        split["validation"],
        split["heldout"],
        *zero,
        training,
        passes,
        0,
        accelerator,
    )
    whole = time.perf_counter() - began
    parts["training: forward"] -= parts["training: backward"] + parts["training: optimiser"]
    parts["else in the run"] = whole - sum(seconds for part, seconds in parts.items() if "once" not in part)
    return parts


def compare(folder: Path, millions: int, checkpoints: int, workers: int) -> None:
    study = make(folder, millions, checkpoints, workers)
    model = folder / f"{millions}m" / "step1"
    sample = [(DATASETS[i % 2], size) for i, size in enumerate(SIZES)]
    print(f"\n{millions} million parameters, timed one after the other:", flush=True)
    seconds = sweep(folder, study)
    epochs, (count, busy, speed, n_params) = recorded(study)
    print(f"  {seconds:6.1f} s  the sweep of {count} runs", flush=True)
    reused_seconds, reused = in_a_process(folder, model, sample)
    print(f"  {reused_seconds:6.1f} s  {len(sample)} runs with a Trainer that is reused", flush=True)
    scripts = []
    for run in sample:
        scripts.append(in_a_process(folder, model, [run]))
        print(f"  {scripts[-1][0]:6.1f} s  a Trainer script: {run[0]}, {run[1]} data points", flush=True)

    apart = 0.0
    for _, (theirs,) in scripts:
        ours = [e for e in epochs if e[:2] == (theirs["dataset"], theirs["size"])]
        # Trainer does not count the checkpoint as it came as a best epoch, so it can stop one epoch later.
        apart = max(apart, *(abs(e[4] - t) for e, t in zip(ours, theirs["validation"], strict=False)))
        if (
            theirs["size"] % BATCH == 0
        ):  # Trainer's mean of batches is one over tokens only where all are full
            apart = max(apart, *(abs(e[3] - t) for e, t in zip(ours[1:], theirs["train"], strict=False)))
    print(f"\n{n_params:,} parameters, {count} runs, {workers} workers, load {os.getloadavg()[0]:.1f}")
    print(f"  largest difference of an epoch's losses from Trainer's, nats per token: {apart:.1e}")
    per_hour = count / seconds * 3600
    print(
        f"  runner          {per_hour:7.0f} runs per hour "
        f"({seconds:.0f} s in all, {speed:.0f} tokens per second of training)"
    )
    of_scripts = sum(s for s, _ in scripts) / len(sample)
    of_runs = sum(r["seconds"] for r in reused)
    start = reused_seconds - of_runs
    of_reused = of_runs / len(sample) + start / count
    for name, each in (("Trainer scripts", of_scripts), ("reused Trainer", of_reused)):
        print(
            f"  {name:15} {3600 / each:7.0f} runs per hour, "
            f"the runner {per_hour * each / 3600:.1f} times as many"
        )
    print(
        f"  a worker trains {busy / seconds / workers:.0%} of the sweep's time; "
        f"one run of {SIZES[2]} data points on one thread:"
    )
    for part, took in where_time_goes(folder, model, DATASETS[0], SIZES[2]).items():
        print(f"    {took:7.3f} s  {part}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The runner against transformers' Trainer.")
    parser.add_argument("--checkpoints", type=int, default=4, help="ten runs each; 1 is quick")
    parser.add_argument(
        "--parameters", type=int, nargs="+", choices=SHAPES, default=list(SHAPES), help="millions"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trainer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trainer:
        where, weights, wanted = json.loads(options.trainer)
        for run in trainer_runs(Path(where), Path(weights), wanted):
            print(json.dumps(run), flush=True)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            for size in options.parameters:
                compare(Path(temporary), size, options.checkpoints, options.workers)
