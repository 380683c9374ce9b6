"""A suite goes on where it was left, to the weights it would have had unbroken."""

from dataclasses import replace
from pathlib import Path

import pytest

from runner import pretrain as pretraining
from runner.checkpoints import checkpoint, size_folder, suite_tokenizer
from runner.pretrain import pretrain
from runner.study import Model, Size, Suite

SUITE = Suite(  # of the smoke suite's text and tokenizer
    suite="unbroken",
    text="statistics",
    vocabulary=400,
    context=32,
    batch=16,
    learning_rate=5e-3,
    warmup=2,
    steps=(0, 4, 8),
    models={"narrow": Size(1, 16, 2), "wide": Size(1, 32, 2)},
    threads=1,
)


@pytest.fixture(scope="module")
def unbroken(cache: Path) -> dict[str, bytes]:
    pretrain(SUITE, cache)
    return weights(SUITE, cache)


def weights(suite: Suite, cache: Path) -> dict[str, bytes]:
    """The weights of every checkpoint of the suite, by size and revision."""
    return {
        f"{size} step{step}": (size_folder(suite, size, cache) / f"step{step}/model.safetensors").read_bytes()
        for size in suite.models
        for step in suite.steps
    }


def test_steps_and_sizes_added_later_go_on_to_the_same_weights(
    unbroken: dict[str, bytes], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = replace(SUITE, suite="grown", steps=(0, 4), models={"narrow": Size(1, 16, 2)}, decay_steps=8)
    pretrain(first, cache)
    assert weights(first, cache) == {name: unbroken[name] for name in ("narrow step0", "narrow step4")}
    grown = replace(first, steps=SUITE.steps, models=SUITE.models)
    batches = counted(monkeypatch)
    pretrain(grown, cache)
    assert weights(grown, cache) == unbroken
    assert len(batches) == 4 + 8  # narrow from step 4, wide from the start
    pretrain(grown, cache)
    assert len(batches) == 12
    between = replace(grown, steps=(0, 2, 4, 8))
    pretrain(between, cache)
    assert len(batches) == 12 + 2 * 2
    assert {name: weights(between, cache)[name] for name in unbroken} == unbroken


def test_interrupted_it_resumes(
    unbroken: dict[str, bytes], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = replace(SUITE, suite="interrupted")
    monkeypatch.setattr(pretraining, "STATE_EVERY_S", 0.0)
    batches = counted(monkeypatch, until=6)
    with pytest.raises(KeyboardInterrupt):
        pretrain(suite, cache)
    folder = size_folder(suite, "narrow", cache)
    assert sorted(p.name for p in folder.iterdir()) == ["state.pt", "step0", "step4"]
    monkeypatch.undo()
    batches = counted(monkeypatch)
    pretrain(suite, cache)
    assert weights(suite, cache) == unbroken
    assert len(batches) == (8 - 6) + 8


def counted(monkeypatch: pytest.MonkeyPatch, until: int | None = None) -> list[None]:
    """One entry a batch trained; at so many the run is interrupted."""
    batches: list[None] = []
    rate = pretraining._rate

    def counting(*where: int) -> float:
        batches.append(None)
        return rate(*where)

    monkeypatch.setattr(pretraining, "_rate", counting)
    if until is not None:
        losses = pretraining.token_losses

        def interrupting(*given: object) -> object:
            if len(batches) == until:
                raise KeyboardInterrupt
            return losses(*given)

        monkeypatch.setattr(pretraining, "token_losses", interrupting)
    return batches


def test_what_decides_the_weights_decides_the_folder(cache: Path) -> None:
    folder = size_folder(SUITE, "wide", cache)
    wide = SUITE.models["wide"]
    for same in (
        replace(SUITE, threads=2),
        replace(SUITE, steps=(0, 8)),
        replace(SUITE, models={"wide": wide}),
        replace(SUITE, decay_steps=8),
    ):
        assert size_folder(same, "wide", cache) == folder
    for other in (
        replace(SUITE, steps=(0, 16)),  # over which the rate decays
        replace(SUITE, models={"wide": replace(wide, heads=4)}),
        replace(SUITE, seed=1),
        replace(SUITE, batch=8),
    ):
        assert size_folder(other, "wide", cache) != folder


@pytest.mark.usefixtures("unbroken")
def test_sizes_share_text_and_tokenizer_and_differ_in_parameters(cache: Path) -> None:
    tokenizer = suite_tokenizer(SUITE, cache).read_bytes()
    counts = []
    for size in SUITE.models:
        folder = size_folder(SUITE, size, cache)
        assert (folder / "step8" / "tokenizer.json").read_bytes() == tokenizer
        found = checkpoint(Model(path=str(folder), tokens_per_step=512), 8, cache)
        assert found.n_params is not None
        counts.append(found.n_params)
        losses = [float((folder / f"step{s}" / "heldout_loss.json").read_text()) for s in (0, 8)]
        assert losses[1] < losses[0]
    assert counts[0] < counts[1]
