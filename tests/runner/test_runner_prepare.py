"""Texts and suites are made by one process at a time, and one that dies leaves the next to go on."""

import os
import signal
import time
from pathlib import Path

from runner.checkpoints import size_folder
from runner.declaration import suite_from
from tests.processes import Started, started
from tests.workplace import Workplace


def test_of_two_that_want_a_suite_one_makes_it_and_the_other_takes_over_when_it_is_killed(
    smoke: Workplace, tmp_path: Path
) -> None:
    place = Workplace(tmp_path, tmp_path / "cache")

    def pretrain(name: str) -> Started:
        return started(["pretrain", "--suite", "smoke"], tmp_path, place.environment, tmp_path / name)

    first = pretrain("first")
    suite = suite_from("smoke")
    folder = size_folder(suite, "tiny", place.cache)
    while not (folder / "step8").is_dir():
        assert first.code() is None, first.printed()
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGSTOP)
    second = pretrain("second")
    while "another process makes texts or checkpoints: waiting for it" not in second.printed():
        assert second.code() is None, second.printed()
        time.sleep(0.01)
    first.kill()
    assert second.code(300) == 0, second.printed()
    for step in suite.steps:
        made, unbroken = (
            (size_folder(suite, "tiny", cache) / f"step{step}" / "model.safetensors").read_bytes()
            for cache in (place.cache, smoke.cache)
        )
        assert made == unbroken
