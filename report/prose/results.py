"""What came out."""

import pandas as pd

from report import phrases
from report.numerals import count, listed, percent, significant, with_error
from report.phrases import Rows, flowed


def losses(rows: Rows) -> str:
    """Whether loss falls with both kinds of training, and what the random initialisation says."""
    facts = phrases.facts(rows)
    measured = rows["figure_losses"]
    if measured.empty:
        return "No run of this study has succeeded yet, so that there is no loss to show."
    sentences = ["@fig-losses shows all measured losses."]
    if facts.steps_pairs and facts.points_pairs:
        sentences.append(
            f"""Between neighbours on the grid, loss falls with more pre-training in
            {percent(facts.steps_falls / facts.steps_pairs)} of {count(facts.steps_pairs)} pairs and with more
            data in {percent(facts.points_falls / facts.points_pairs)} of {count(facts.points_pairs)}."""
        )
    sentences += [phrases.scratch(name, panel) for name, panel in phrases.panels(rows, measured)]
    return flowed(" ".join(sentences))


def fits(rows: Rows) -> str:
    """How well the law fits, what its parameters are and which of them the data cannot tell."""
    if phrases.fits(rows).empty:
        return (
            "No law has been fitted yet; `python -m analysis fit` fills the tables and figures that follow."
        )
    sentences = [
        phrases.fit_quality(rows),
        "@tbl-parameters gives the parameters and @tbl-intervals their intervals.",
        phrases.gaps(rows),
    ]
    estimates = rows["table_parameters"]
    for status, verb in (("not identified", "do not identify"), ("at a boundary", "put at its boundary")):
        named = [
            f"{phrases.SYMBOLS[row.parameter]} on {phrases.panel_name(rows, row.dataset, row.model)}"
            for row in estimates[estimates["status"] == status].itertuples()
        ]
        if named:
            sentences.append(f"The data {verb} {listed(named)}.")
    return flowed(" ".join(sentences))


def cross_sections(rows: Rows) -> str:
    """What the cross-sections show: the largest residual."""
    both = rows["figure_cross_sections"].query("in_fit and fitted.notna() and loss.notna()")
    if both.empty:
        return "@fig-cross-sections shows the measured losses alone, for lack of a fit."
    residual = (both["loss"] - both["fitted"]) / both["fitted"]
    worst = both.loc[residual.abs().idxmax()]
    return flowed(
        f"""@fig-cross-sections cuts the fitted surface at a few numbers of data points. The largest residual
        of all is {percent(abs(residual[worst.name]))} of the loss: on
        {phrases.panel_name(rows, worst.dataset, worst.model)}, with {count(worst.data_points)} data points
        after {phrases.number_of(worst.pretrain_steps, "step")}, the measured loss lies
        {"above" if residual[worst.name] > 0 else "below"} the law."""
    )


def variation(rows: Rows) -> str:
    """How much the exponents vary across datasets, and whether the paper's claim holds (section 5.1)."""
    ratios = rows["parameter_variation"].query("quantity == 'alpha/beta'")
    claim = r"$\alpha$ varies across datasets less than a quarter as much as $\beta$"
    if ratios.empty:
        identified = phrases.identified_on(rows, "alpha", "beta")
        return flowed(
            f"""To test that, as @barnett2024 finds, {claim}, takes three datasets on which both are
            identified; this study has {count(identified) if identified else "none"}."""
        )
    spread = rows["parameter_variation"].set_index(["model", "method", "quantity"])
    sentences = [f"@barnett2024 finds that {claim}."]
    for row in ratios.itertuples():
        alpha, beta = (spread.loc[(row.model, row.method, symbol)] for symbol in ("alpha", "beta"))
        where = phrases.of_model(rows, row.model)
        verdict = (
            "bears that out"
            if row.upper < row.claimed_most
            else "speaks against it"
            if row.lower > row.claimed_most
            else "leaves it open"
        )
        sentences.append(
            rf"""Across {phrases.number_of(row.n_datasets, "dataset")}{where}, the coefficient of variation is
            {with_error(alpha["estimate"], alpha["standard_error"])} of $\alpha$ and
            {with_error(beta["estimate"], beta["standard_error"])} of $\beta$; their ratio of
            {significant(row.estimate, 2)} [{significant(row.lower, 2)}, {significant(row.upper, 2)}] (the
            paper's is {significant(row.published, 2)}) {verdict}: it is less than a quarter in
            {percent(row.below_claimed)} of the bootstrap replicates."""
        )
    return flowed(" ".join(sentences))


def exponent_errors(rows: Rows) -> str:
    """How well the exponents are known, and whether as well as the paper says (section 5.2)."""
    errors = rows["exponent_errors"].query("status == 'identified'").sort_values("standard_error")
    if errors.empty:
        return (
            "The data identify no exponent, so that there is no standard error to compare with the paper's."
        )
    least, most = errors.iloc[0], errors.iloc[-1]
    n = sorted(errors["n"].unique())
    of = count(n[0]) if len(n) == 1 else f"{count(n[0])} to {count(n[-1])}"
    drawn = "checkpoints" if (errors["resample"] == "checkpoints").all() else "experiments"
    verdict = "none is" if most.standard_error <= most.claimed_most else "the largest is"
    return flowed(
        rf"""The exponents' standard errors, with {drawn} resampled, lie between
        {significant(least.standard_error, 2)} and {significant(most.standard_error, 2)}
        (±{significant(most.monte_carlo_error, 1)} for so many replicates), from {of} experiments a dataset:
        {verdict} above the range of {significant(most.claimed_least, 1)} to
        {significant(most.claimed_most, 1)} that @barnett2024 finds from {count(most.claimed_of)}."""
    )


def epochs(rows: Rows) -> str:
    """How long runs took to converge, and how that changes along both variables (appendix E)."""
    trends = rows["epochs_trends"].dropna(subset="standard_error")
    if trends.empty:
        return flowed(
            """@tbl-grid counts the runs. How the epochs until they stopped change along either variable
            (@fig-epochs), these runs do not tell."""
        )
    said = [
        _trend(rows, trends[trends["variable"] == variable], things)
        for variable, things in (("pretrain_steps", "the steps"), ("data_points", "the data points"))
    ]
    return flowed(
        f"""@tbl-grid counts the runs, and @fig-epochs shows how long they took: the epochs until the
        validation loss had not fallen for as long as the study's patience.
        {" ".join(one for one in said if one)} @barnett2024 finds
        fewer epochs with more pre-training, and no clear trend along the data."""
    )


def _trend(rows: Rows, trends: pd.DataFrame, things: str) -> str:
    if trends.empty:
        return ""
    named = [
        f"{with_error(row.slope, row.standard_error)} on {phrases.panel_name(rows, row.dataset, row.model)}"
        for row in trends.sort_values("slope").itertuples()
    ]
    if len(named) > 4:
        return f"Ten times {things} change them by between {named[0]} and {named[-1]}."
    return f"Ten times {things} change them by {listed(named)}."
