"""What the study cost, and what the paper's did."""

from report.numerals import duration, power_of_ten, scaled
from report.phrases import Rows, facts, flowed, imported, number_of


def cost(rows: Rows) -> str:
    """The whole study beside the published one."""
    parts = rows["table_cost"].set_index("part")
    if parts.empty:
        return "No run has succeeded yet, so that nothing has been spent."
    if facts(rows).simulated:
        return "The losses were drawn, so that @tbl-cost counts what the runs they stand for would have cost."
    if imported(rows):
        return "What the runs cost elsewhere is not known here (@tbl-cost)."
    whole, published = parts.loc["study"], parts.loc["published"]
    ratio = whole.flops / published.flops
    beside = (
        f"{scaled(ratio)} times as much as" if ratio >= 1 else f"less by a factor of {scaled(1 / ratio)} than"
    )
    return flowed(
        f"""The study's {number_of(whole.runs, "run")} took {power_of_ten(whole.flops)} FLOP and
        {duration(whole.wall_s)} of wall time (@tbl-cost), {beside} the {power_of_ten(published.flops)} FLOP
        that @barnett2024 states for {number_of(published.runs, "run")}. That figure follows from counting a
        data point as one token; counted as the tokens that it has, as here, it is as many times larger."""
    )
