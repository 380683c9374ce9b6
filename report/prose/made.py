"""How it was made."""

from report import phrases
from report.numerals import duration, power_of_ten
from report.phrases import Rows, flowed


def made(rows: Rows) -> str:
    """Compute, time and provenance."""
    facts = phrases.facts(rows)
    if facts.simulated:
        return "@tbl-grid counts the losses that were drawn, and @tbl-made records what drew and fitted them."
    if phrases.imported(rows):
        return "@tbl-grid counts the imported runs, and @tbl-made records what is known of them."
    if not facts.ok:
        return "No run has succeeded yet."
    return flowed(
        f"""The {phrases.number_of(facts.ok, "run")} took {power_of_ten(facts.flops)} FLOP of training, at six
        operations per parameter and token, and {duration(facts.wall_s)} of wall time, runs side by side
        counted each. @tbl-grid counts them, and @tbl-made lists what they and the fits were made with. Every
        number in this report is read from the warehouse through the dbt models of `models/report/`, and each
        loss leads by its `run_key` to the rows of `raw.runs` that it is the mean of."""
    )
