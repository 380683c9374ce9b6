"""What a study cannot say."""

import json

from report import phrases
from report.phrases import Rows, flowed


def limits(rows: Rows) -> str:
    """What this study cannot say, by what its grid lacks."""
    facts = phrases.facts(rows)
    if facts.simulated:
        return flowed(
            """A simulated study says nothing about texts or models. It shows whether the pipeline finds the
            law that was put in, and how well a grid and a noise like these would tell it."""
        )
    sentences = []
    if len(json.loads(facts.declaration)["seeds"]) == 1:
        sentences.append("Every cell was run with one seed, so that the scatter between seeds is not known.")
    if facts.n_models == 1:
        sentences.append("All checkpoints are of one model: how the law depends on its size is left open.")
    if facts.n_datasets == 1:
        sentences.append("With one dataset there is no comparison of transfer gaps.")
    return " ".join(sentences)
