"""What a report opens with: what is lacking, and what the study found."""

import json

from report import phrases
from report.numerals import count, duration, listed
from report.phrases import Rows, flowed

TITLE = "What pre-training on one text is worth on another"


def title(rows: Rows) -> str:
    """The report's title, which says so where the study is simulated."""
    return f"{TITLE} (simulated)" if phrases.facts(rows).simulated else TITLE


def mark(rows: Rows) -> str:
    """That a study is simulated, for every page: a band that stays on screen, a header on paper."""
    facts = phrases.facts(rows)
    if not facts.simulated:
        return ""
    text = f"Simulated: no model was trained for the study {facts.study}"
    return f"""::: {{.content-visible when-format="html"}}
::: {{.simulated}}
{text}
:::
:::

```{{=typst}}
#state("running-header", "").update({json.dumps(text, ensure_ascii=False)})
```"""


def notice(rows: Rows) -> str:
    """What comes before all else: that a study is simulated, that runs are lacking, that fits are stale."""
    facts = phrases.facts(rows)
    boxes = []
    if facts.simulated:
        boxes.append(
            ("warning", "Simulated", "No model was trained: the losses were drawn from the law, with noise.")
        )
    if phrases.imported(rows):
        text = "The runs were made elsewhere and imported: what their table does not say is not known here."
        boxes.append(("note", "Imported", text))
    if facts.failed or facts.missing:
        lacking = {"have failed": facts.failed, "are missing": facts.missing}
        text = f"""Of the study's {count(facts.wanted)} runs,
            {listed([f"{count(n)} {state}" for state, n in lacking.items() if n])}. What follows rests on the
            {count(facts.ok)} that succeeded."""
        boxes.append(("note", "Incomplete", text))
    if stale := phrases.stale(rows):
        text = f"""The runs on {listed(stale)} have changed since the law was fitted to them:
            `python -m analysis fit` fits it again."""
        boxes.append(("note", "Stale", text))
    return "\n\n".join(
        f'::: {{.callout-{kind} title="{title}" icon=false}}\n{flowed(text)}\n:::'
        for kind, title, text in boxes
    )


def abstract(rows: Rows) -> str:
    """The study in one paragraph: what was done, how well the law fits, what it says."""
    facts = phrases.facts(rows)
    grid = f"{phrases.dataset_names(rows)} with {phrases.sizes(rows)}"
    if facts.simulated:
        opening = f"""The study *{facts.study}* is simulated: {count(facts.ok)} losses were drawn from the law
            of transfer, for {phrases.steps(rows)} and {grid}."""
    elif phrases.imported(rows):
        opening = f"""The study *{facts.study}* holds {phrases.number_of(facts.ok, "run")} that were made
            elsewhere, of {phrases.steps(rows)} and {grid}."""
    else:
        opening = f"""How much is pre-training on one text worth on another? We fine-tune
            {phrases.models(rows)} from {phrases.steps(rows)} to convergence on {grid}:
            {phrases.number_of(facts.ok, "run")}, {duration(facts.wall_s)} in all."""
    if phrases.fits(rows).empty:
        return flowed(f"{opening} No law has been fitted to the losses yet.")
    return flowed(f"{opening} {phrases.fit_quality(rows)} {phrases.gaps(rows)} {phrases.worth(rows)}")
