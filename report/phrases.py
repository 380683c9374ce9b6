"""Parts of sentences about a study, each computed from its rows; prose/ puts them together."""

import json
import math
from collections.abc import Iterable, Mapping

import pandas as pd

from report.numerals import count, fixed, listed, percent, scaled, significant, with_error

Rows = Mapping[str, pd.DataFrame]
PANEL = ["dataset", "model", "method"]
SYMBOLS = {"A": "$A$", "G": "$G$", "alpha": r"$\alpha$", "beta": r"$\beta$", "E": "$E$"}


def facts(rows: Rows) -> pd.Series:
    """The one row of study_facts."""
    return rows["study_facts"].iloc[0]


def imported(rows: Rows) -> bool:
    """Whether the runs come from elsewhere, and with them no more than their table said."""
    return bool(json.loads(facts(rows)["declaration"]).get("imported"))


def fits(rows: Rows) -> pd.DataFrame:
    """One row per fit."""
    return rows["table_parameters"].drop_duplicates(PANEL)


def panel_name(rows: Rows, dataset: str, model: str) -> str:
    """The dataset, and the model too where the study has several."""
    return f"{dataset} ({model})" if rows["figure_losses"]["model"].nunique() > 1 else dataset


def panels(rows: Rows, table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each panel, with its name, in the study's order of datasets."""
    order = {dataset: i for i, dataset in enumerate(json.loads(facts(rows)["declaration"])["datasets"])}
    found = sorted(table.groupby(PANEL), key=lambda item: (order[item[0][0]], item[0]))
    return [(panel_name(rows, dataset, model), panel) for (dataset, model, _), panel in found]


def stale(rows: Rows) -> list[str]:
    """The panels whose runs have changed since their fit."""
    return [panel_name(rows, row.dataset, row.model) for row in fits(rows).query("stale").itertuples()]


def of_model(rows: Rows, model: str) -> str:
    """of demo-1m, where the study has several models; otherwise nothing."""
    return f" of {model}" if rows["figure_losses"]["model"].nunique() > 1 else ""


def identified_on(rows: Rows, *parameters: str) -> int:
    """On how many datasets all of these parameters are identified."""
    table = rows["table_parameters"]
    known = table[table["parameter"].isin(parameters) & (table["status"] != "not identified")]
    per_dataset = known.groupby(PANEL)["parameter"].nunique()
    return per_dataset[per_dataset == len(parameters)].reset_index()["dataset"].nunique() if len(known) else 0


def number_of(n: int, thing: str) -> str:
    """1 dataset, 3 datasets."""
    return f"{count(n)} {thing}" if n == 1 else f"{count(n)} {thing}s"


def millions(parameters: float) -> str:
    """1.06 million, 2.8 billion."""
    if parameters >= 1e9:
        return f"{significant(parameters / 1e9)} billion"
    return f"{significant(parameters / 1e6)} million"


def declared(rows: Rows, key: str) -> list[int]:
    """A list of numbers of the study's declaration, ascending."""
    return sorted(json.loads(facts(rows)["declaration"])[key])


def steps(rows: Rows) -> str:
    """6 checkpoints between 32 and 1,024 steps of pre-training and a random initialisation."""
    of_study = declared(rows, "pretrain_steps")
    positive = [p for p in of_study if p > 0]
    phrase = number_of(len(positive), "checkpoint")
    if len(positive) > 1:
        phrase += f" between {count(positive[0])} and {count(positive[-1])} steps of pre-training"
    elif positive:
        phrase += f" at {number_of(positive[0], 'step')} of pre-training"
    if 0 not in of_study:
        return phrase
    return f"{phrase} and a random initialisation" if positive else "a random initialisation"


def sizes(rows: Rows) -> str:
    """6 sizes from 8 to 256 data points of 64 tokens."""
    of_study = declared(rows, "data_points")
    points = f"data points of {count(facts(rows)['context'])} tokens"
    if len(of_study) == 1:
        return f"{count(of_study[0])} {points}"
    return f"{count(len(of_study))} sizes from {count(of_study[0])} to {count(of_study[-1])} {points}"


def list_of(values: Iterable[float]) -> str:
    """0, 32, 64 and 128."""
    return listed([count(value) for value in values])


def dataset_names(rows: Rows) -> str:
    """3 datasets (statistics, encyclopedia and python)."""
    names = json.loads(facts(rows)["declaration"])["datasets"]
    return (
        f"{number_of(len(names), 'dataset')} ({listed(names)})"
        if len(names) > 1
        else f"the dataset {names[0]}"
    )


def fit_quality(rows: Rows) -> str:
    """One sentence: the mean relative error of each fit, or of the best and the worst of many."""
    errors = fits(rows).sort_values("mean_relative_error")
    named = [
        f"{percent(row.mean_relative_error)} on {panel_name(rows, row.dataset, row.model)}"
        for row in errors.itertuples()
    ]
    if len(named) > 4:
        return f"The law fits with a mean error between {named[0]} and {named[-1]}, as a share of the loss."
    return f"The law fits with a mean error of {listed(named)}, as a share of the loss."


def gaps(rows: Rows) -> str:
    """One sentence: the identified transfer gaps, the smallest first, and whether intervals part the ends."""
    gap = rows["table_intervals"].query("parameter == 'G' and status != 'not identified'")
    gap = gap[gap["interval_method"] == "percentile"].sort_values("estimate")
    if gap.empty:
        return "The data identify the transfer gap of no dataset."
    named = [
        f"{with_error(row.estimate, row.standard_error)} on {panel_name(rows, row.dataset, row.model)}"
        for row in gap.itertuples()
    ]
    sentence = f"The transfer gap $G$ is {listed(named)} (standard errors in parentheses)"
    if len(gap) == 1:
        return f"{sentence}."
    if gap.iloc[0]["upper"] < gap.iloc[-1]["lower"]:
        return f"{sentence}; the intervals of the smallest and the largest do not overlap."
    return f"{sentence}; the intervals of the smallest and the largest overlap, so that their order is open."


def models(rows: Rows) -> str:
    """a model of 1.06 million parameters; 3 models of 1.06 million to 12 million parameters."""
    parameters = [millions(n) for n in sorted(rows["study_models"]["n_params"].dropna())]
    if not parameters:
        return number_of(int(facts(rows)["n_models"]), "model")
    if len(parameters) == 1:
        return f"a model of {parameters[0]} parameters"
    return f"{count(len(parameters))} models of {parameters[0]} to {parameters[-1]} parameters"


def grid(rows: Rows) -> str:
    """One sentence: how many runs the grid has, and where they are counted."""
    runs = number_of(facts(rows)["wanted"], "run")
    return f"The grid has {steps(rows)}, and {sizes(rows)}; with {dataset_names(rows)} that makes {runs}."


def exchanged(rows: Rows) -> list[str]:
    """For each fit, the smallest factor first: what its window's pre-training is worth in fine-tuning data.

    9.6 [7.1, 13] on statistics (from 32 to 1,024 steps), the steps only where they differ between datasets.
    """
    worth = rows["pretraining_worth"].sort_values("multiplier")
    differ = len(worth[["first_steps", "last_steps"]].drop_duplicates()) > 1
    return [
        f"{_factor(row)} on {panel_name(rows, row.dataset, row.model)}{f' ({window(row)})' if differ else ''}"
        for row in worth.itertuples()
    ]


def window(row: object) -> str:
    """from 32 to 1,024 steps."""
    return f"from {count(row.first_steps)} to {number_of(row.last_steps, 'step')}"


def worth(rows: Rows) -> str:
    """One sentence: the least and the most that the window's pre-training is worth in fine-tuning data.

    A factor above the span of the study's sizes is an extrapolation: the sentence says that it is more.
    """
    known = exchanged(rows)
    if len(rows["pretraining_worth"][["first_steps", "last_steps"]].drop_duplicates()) != 1:
        return ""
    steps_of_window = window(rows["pretraining_worth"].iloc[0])
    more = f"Pre-training {steps_of_window} is worth multiplying the fine-tuning data by"
    greatest = rows["pretraining_worth"].sort_values("multiplier").iloc[-1]
    data_points = declared(rows, "data_points")
    span = data_points[-1] / data_points[0]
    if greatest.multiplier > span:
        where = panel_name(rows, greatest.dataset, greatest.model)
        known[-1] = f"more than the factor of {significant(span, 2)} that its sizes span on {where}"
    ends = known[0] if len(known) == 1 else f"{known[0]} and by {known[-1]}"
    return f"{more} {ends} (95 % intervals in brackets)."


def _factor(row: object) -> str:
    if pd.isna(row.multiplier) or not math.isfinite(row.multiplier):
        return "a factor that the fit does not identify"
    if pd.isna(row.lower) or pd.isna(row.upper):
        return scaled(row.multiplier)
    return f"{scaled(row.multiplier)} [{scaled(row.lower)}, {scaled(row.upper)}]"


def scratch(name: str, panel: pd.DataFrame) -> str:
    """What the longest pre-training does at the largest size, and how far it stretches the smallest."""
    surface = panel.pivot(index="data_points", columns="pretrain_steps", values="loss")
    if 0 not in surface.columns or len(surface.columns) == 1:
        return ""
    most, few, longest = surface.index.max(), surface.index.min(), surface.columns.max()
    from_scratch, pretrained = surface.at[most, 0], surface.at[most, longest]
    stretched = surface.at[few, longest]
    if pd.isna([from_scratch, pretrained, stretched]).any():
        return ""
    sentence = f"""On {name}, {number_of(most, "data point")} bring a random initialisation to
        {fixed(from_scratch, 2)} nats per token and the checkpoint at {number_of(longest, "step")} to
        {fixed(pretrained, 2)}"""
    if most == few:
        return f"{sentence}."
    return f"""{sentence}; with {number_of(few, "data point")} that checkpoint reaches {fixed(stretched, 2)},
        {"less" if stretched < from_scratch else "no less"} than the random initialisation with
        {count(most)}."""


def flowed(text: str) -> str:
    """A paragraph on one line."""
    return " ".join(text.split())
