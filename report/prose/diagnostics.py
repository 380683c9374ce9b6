"""How far the fits are to be trusted: residuals, profiles, replicates, conditions, extrapolation, sizes."""

import pandas as pd

from report import phrases
from report.numerals import count, fixed, listed, percent, significant
from report.phrases import PANEL, SYMBOLS, Rows, flowed

RARE = 0.05  # a p-value below this is called a departure, without a correction for the number of tests
LEVEL = 0.95  # of the intervals that the conditions are held against
TELLING = 1.0  # Cook's distance from which one experiment is said to carry a fit

CONDITIONS = {
    "f to infinity": r"the floor does not depend on $p$ ($f \to \infty$)",
    "p to infinity": r"the exponent of $f$ is the same at the limit ($p \to \infty$)",
    "p at zero": "the curve from scratch has the law's exponent and floor ($p = 0$)",
    "f at zero": "the losses before fine-tuning follow from the law ($f = 0$)",
}


def residuals(rows: Rows) -> str:
    """What the tests say, and on which experiments the fits lean."""
    tested = rows["table_diagnostics"]
    if tested.empty:
        return "There are no residuals to look at, for lack of a fit."
    sentences = ["@fig-residuals shows what the fits leave over, and @tbl-diagnostics tests it."]
    for column, what in (
        ("heteroscedasticity_p", "are wider in one part of the grid than in another"),
        ("normality_p", "have other tails than a normal distribution"),
        ("clustering_by_steps_p", "of one checkpoint resemble each other"),
        ("clustering_by_points_p", "of one number of data points resemble each other"),
    ):
        known = tested[tested[column].notna()]
        found = _names(rows, known[known[column] < RARE])
        if len(found):
            everywhere = len(found) == len(known) > 1
            sentences.append(f"Residuals {what} {'in every fit' if everywhere else f'on {listed(found)}'}.")
    if (tested["clustering_by_steps_p"] < RARE).any():
        sentences.append(
            """Such runs are not independent, which is why the intervals of this report resample whole
            checkpoints."""
        )
    carried = tested[tested["greatest_influence"] >= TELLING]
    if carried.empty and tested["greatest_influence"].notna().any():
        sentences.append("No fit rests on a single experiment: every Cook's distance is below one.")
    sentences += [
        f"""The fit on {phrases.panel_name(rows, row.dataset, row.model)} leans on one experiment, that
        with {phrases.number_of(row.most_influential_points, "data point")} after
        {phrases.number_of(row.most_influential_steps, "step")}: leaving it out moves all fitted losses by
        {significant(row.greatest_influence, 2)} in Cook's measure."""
        for row in carried.itertuples()
    ]
    return flowed(" ".join(sentences))


def profiles(rows: Rows) -> str:
    """Which parameters have a closed profile."""
    drawn = rows["figure_profiles"]
    if drawn.empty:
        return "There is no profile to draw, for lack of a fit."
    each = drawn.drop_duplicates([*PANEL, "parameter"])
    opened = each[each["lower"].isna() | each["upper"].isna()]
    named = [
        f"{listed([SYMBOLS[parameter] for parameter in of_fit['parameter']])} on {name}"
        for name, of_fit in phrases.panels(rows, opened)
    ]
    found = (
        f"""Of the {count(len(each))} profiles {count(len(opened))} stay below the threshold on a side,
        so that the data bound the parameter from the other side at most: {listed(named)}."""
        if named
        else "All of them pass the threshold on both sides: the data bound every parameter."
    )
    return flowed(
        f"""A profile holds one parameter at a value and fits the others again (@fig-profiles): the deviance
        says how much worse the law then fits. {found}"""
    )


def replicates(rows: Rows) -> str:
    """Which pair of parameters trades most, in every fit."""
    known = rows["figure_correlations"].dropna(subset="correlation")
    if known.empty:
        return "There are no bootstrap replicates to draw, for lack of a fit."
    named = []
    for name, of_fit in phrases.panels(rows, known):
        pair = of_fit.loc[of_fit["correlation"].abs().idxmax()]
        named.append(
            f"{SYMBOLS[pair.one]} and {SYMBOLS[pair.other]} ({fixed(pair.correlation, 2)}) on {name}"
        )
    return flowed(
        f"""Intervals look at one parameter at a time. The replicates of the bootstrap show how they move
        together (@fig-replicates): along a ridge, one parameter makes up for another, and neither is known as
        well as their combination. @fig-correlations gives the rank correlations of all fits; the strongest
        are of {listed(named)}."""
    )


def conditions(rows: Rows) -> str:
    """Which conditions hold on which datasets."""
    tested = rows["table_conditions"]
    if tested["estimate"].isna().all():
        return "Not one of the conditions could be measured."
    sentences = []
    for condition, stated in CONDITIONS.items():
        of_condition = tested[(tested["condition"] == condition) & tested["estimate"].notna()]
        if of_condition.empty:
            continue
        holds = {name: of_fit["compatible"].all() for name, of_fit in phrases.panels(rows, of_condition)}
        agreed = [name for name, held in holds.items() if held]
        against = [name for name, held in holds.items() if not held]
        if not against:
            verdict = "nothing speaks against it"
        elif not agreed:
            verdict = f"the data speak against it{' in every fit' if len(against) > 1 else ''}"
        else:
            verdict = f"""nothing speaks against it on {listed(agreed)};
                the data speak against it on {listed(against)}"""
        sentences.append(f"That {stated}: {verdict}.")
    measured = tested["compatible"].dropna()
    outside = int(len(measured) - measured.sum())
    by_chance = significant(len(measured) * (1 - LEVEL), 2)
    sentences.append(
        f"""Of the {phrases.number_of(len(measured), "interval")} {count(outside)} leave zero out; were every
        condition true, about {by_chance} would."""
    )
    return flowed(" ".join(sentences))


def extrapolation(rows: Rows) -> str:
    """How far the law fitted to the smaller half is off in the larger."""
    held_out = rows["figure_extrapolation"].drop_duplicates(PANEL)
    if held_out.empty:
        return ""
    named = [
        f"""{percent(row.mean_relative_error)} on {name} (its fit to everything:
        {percent(row.mean_relative_error_of_fit)}), where the band holds {count(row.n_within_band)} of
        {count(row.n)} losses"""
        for name, of_fit in phrases.panels(rows, held_out)
        for row in of_fit.itertuples()
    ]
    return flowed(
        f"""Fitted only at or below the medians of both variables, the law is asked for the experiments above
        both (@fig-extrapolation). Its mean error there is {listed(named)}."""
    )


def several_sizes(rows: Rows) -> str:
    """Metadata that shows the section on model size, where the study compares several."""
    return "" if rows["figure_model_size"].empty else "---\nseveral-sizes: true\n---"


def model_size(rows: Rows) -> str:
    """Whether the gap shrinks with the model, and how surely."""
    sized = rows["figure_model_size"]
    sentences = []
    for (dataset, method), of_panel in sized[sized["quantity"] == "gap"].groupby(["dataset", "method"]):
        first = of_panel.iloc[0]
        where = f"{dataset}, {method}" if sized["method"].nunique() > 1 else dataset
        moved = "falls by" if first.slope < 0 else "rises by"
        sure = (
            "so that its sign is open"
            if first.slope_lower <= 0 <= first.slope_upper
            else "so that its sign is not in doubt"
        )
        sentences.append(
            f"""On {where}, with {phrases.number_of(len(of_panel), "model")}, $G$ {moved}
            {significant(abs(first.slope), 2)} nats·point$^\\beta$ for a tenfold of parameters (95 % interval
            of the change {significant(first.slope_lower, 2)} to {significant(first.slope_upper, 2)}),
            {sure}."""
        )
    return flowed(" ".join(sentences))


def _names(rows: Rows, table: pd.DataFrame) -> list[str]:
    return [name for name, _ in phrases.panels(rows, table)]
