"""What the law and the curves from scratch say to someone who can pay for only so much."""

import pandas as pd

from report import phrases
from report.numerals import count, fixed, listed, percent, significant, with_error
from report.phrases import Rows, flowed


def worth(rows: Rows) -> str:
    """Pre-training in units of fine-tuning data: between two steps the exchange does not depend on f."""
    known = rows["pretraining_worth"]
    if known.empty:
        return (
            "What pre-training is worth in fine-tuning data follows from a fit, of which there is none yet."
        )
    sizes = phrases.declared(rows, "data_points")
    beyond = (
        f"""The sizes measured span a factor of {significant(sizes[-1] / sizes[0], 2)}; a larger exchange is
        an extrapolation."""
        if (known["multiplier"] > sizes[-1] / sizes[0]).any()
        else ""
    )
    windows = {phrases.window(row) for row in known.itertuples()}
    ends = f", {windows.pop()}," if len(windows) == 1 else ""
    return flowed(
        rf"""By @eq-law, pre-training for $p_2$ steps instead of $p_1$ lowers the loss as much as multiplying
        the fine-tuning data by
        $\bigl((A\,p_1^{{-\alpha}} + G) / (A\,p_2^{{-\alpha}} + G)\bigr)^{{1/\beta}}$, whatever their number.
        Between the ends of the fitted window{ends} that factor is {listed(phrases.exchanged(rows))}, with 95
        % intervals in brackets. {beyond} @fig-iso-loss draws the whole exchange."""
    )


def transferred(rows: Rows) -> str:
    """Effective data as the measured curves give it: how it was read, how much, and where there is none."""
    table = rows["data_transferred"]
    if table.empty:
        return flowed(
            """It is read from the losses of a random initialisation, which a study measures where it declares
            runs from scratch."""
        )
    counts = table["reading"].value_counts()
    total = len(table)
    read = [
        f"{count(counts[reading])} {said}"
        for reading, said in (
            ("interpolated", "inside the measured curve"),
            ("extrapolated", "beyond its end, by a power law of its own"),
            ("censored", "only as a bound, beyond its end"),
        )
        if reading in counts
    ]
    few = table["data_points"].min()
    most = table[table["data_points"] == few]["pretrain_steps"].max()
    corner = table[(table["data_points"] == few) & (table["pretrain_steps"] == most)]
    named = [
        f"{_multiplier(row)} on {phrases.panel_name(rows, row.dataset, row.model)}"
        for row in corner.sort_values("multiplier").itertuples()
    ]
    return flowed(
        f"""Of {phrases.number_of(total, "experiment")} with pre-training, $D_E$ is read from the loss of
        {listed(read)} (@fig-transferred). With {phrases.number_of(few, "data point")}, the checkpoint at
        {phrases.number_of(most, "step")} multiplies the data by {listed(named)}. {_ossified(table)}"""
    )


def transfer_law(rows: Rows) -> str:
    """Hernandez's law of the effective data transferred, where it was fitted."""
    table = rows["table_transferred"]
    if table.empty:
        return flowed(
            """`python -m analysis transfer` fits it to what was read inside the curves, where there is enough
            of that, and extends the curves beyond their ends."""
        )
    sentences = []
    for dataset, law in table.groupby("dataset", sort=False):
        first = law.iloc[0]
        exponents = [
            f"{phrases.SYMBOLS[row.parameter]} is {with_error(row.estimate, row.standard_error)}"
            for row in law.itertuples()
            if row.parameter != "k"
        ]
        sentences.append(
            f"""On {dataset}, over {phrases.number_of(first["n"], "experiment")} of
            {phrases.number_of(first["checkpoints"], "checkpoint")}, {listed(exponents)}."""
        )
    if "beta" not in set(table["parameter"]):
        sentences.append(r"With one size of model $N^{\beta}$ is part of $k$, and $\beta$ is not known.")
    printed = table.dropna(subset="published_estimate").drop_duplicates("parameter")
    known = [
        f"{phrases.SYMBOLS[row.parameter]} = {significant(row.published_estimate, 2)}"
        for row in printed.itertuples()
    ]
    sentences.append(
        f"""Standard errors are cluster-robust by checkpoint; @hernandez2021 find {listed(known)} from text to
        Python."""
    )
    return flowed(" ".join(sentences))


def allocation(rows: Rows) -> str:
    """How a budget is best divided, for the budget that the figure is drawn for."""
    asked = rows["figure_allocation"].query("question == 'budget'")
    if asked.empty:
        return "How to divide a budget follows from a fit, of which there is none yet."
    questions = asked.groupby(["cost_step", "cost_point", "budget"], sort=False)
    sentences = [_divided(rows, question) for _, question in questions]
    if asked["extrapolated"].any():
        sentences.append("Where the best steps or data points were never measured, that is an extrapolation.")
    return flowed(" ".join([*sentences, *_moved(rows)]))


def _divided(rows: Rows, question: pd.DataFrame) -> str:
    first = question.iloc[0]
    named = [
        f"""{percent(row.share)}{_band(row)} on {phrases.panel_name(rows, row.dataset, row.model)} (for a
        loss of {fixed(row.loss, 2)})"""
        for row in question.sort_values("share").itertuples()
    ]
    steps, points = (first["budget"] / first[cost] for cost in ("cost_step", "cost_point"))
    return f"""Of a budget that buys {count(round(steps))} steps and no data, or {count(round(points))} data
        points and no steps, fine-tuning data should take {listed(named)} (@fig-allocation)."""


def _band(row: object) -> str:
    return "" if pd.isna(row.share_lower) else f" [{percent(row.share_lower)}, {percent(row.share_upper)}]"


def _moved(rows: Rows) -> list[str]:
    """How far the share moves with the gap, over all that the figure assumes."""
    by_gap = rows["figure_allocation"].query("question == 'gap'")
    if by_gap.empty:
        return []
    ends = by_gap.groupby(["dataset", "model", "method"])["share"].agg(["min", "max"])
    rise = (ends["max"] - ends["min"]).median()
    return [
        f"""From a gap of {significant(by_gap["gap"].min(), 1)} to one of
        {significant(by_gap["gap"].max(), 2)} the share rises by {count(round(100 * rise))} percentage
        points{" in the median" if len(ends) > 1 else ""}."""
    ]


def _multiplier(row: object) -> str:
    if pd.notna(row.multiplier):
        return significant(row.multiplier, 2)
    if pd.notna(row.at_least_points):
        return f"more than {significant(row.at_least_points / row.data_points, 2)}"
    return f"less than {significant(row.at_most_points / row.data_points, 2)}"


def _ossified(table: pd.DataFrame) -> str:
    hurt = table["ossified"].fillna(False).astype(bool)
    if not hurt.any():
        return "Nowhere is there a sign of *ossification*, pre-training that hurts."
    return f"""In {phrases.number_of(int(hurt.sum()), "experiment")} pre-training hurts: a random
        initialisation reaches the same loss with fewer data (*ossification*)."""
