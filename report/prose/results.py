"""What came out."""

from report import phrases
from report.numerals import count, listed, percent, significant
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
