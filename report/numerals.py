"""How the report writes numbers: counts, quantities with units, estimates rounded to their errors."""

import math

FIGURE_SPACE = "\u2007"
NO_BREAK_SPACE = "\u00a0"
MINUS = "\u2212"


def count(value: float) -> str:
    """A whole number with thousands separated: 1,234."""
    return f"{int(value):,}"


def decimals_of(standard_error: float) -> int:
    """Decimals that leave the standard error two significant digits; never fewer than none."""
    if not math.isfinite(standard_error) or standard_error <= 0:
        return 3
    return max(0, 1 - math.floor(math.log10(standard_error)))


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals and a true minus sign."""
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def with_error(estimate: float, standard_error: float | None) -> str:
    """estimate (standard error), both to the error's second digit: 0.730 (0.021)."""
    if standard_error is None or not math.isfinite(standard_error):
        return fixed(estimate, 3)
    decimals = decimals_of(standard_error)
    return f"{fixed(estimate, decimals)}{NO_BREAK_SPACE}({fixed(standard_error, decimals)})"


def interval(lower: float, upper: float, decimals: int) -> str:
    """[lower, upper] with so many decimals."""
    return f"[{fixed(lower, decimals)}, {fixed(upper, decimals)}]"


def significant(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, without an exponent: 0.0123, 4.57, 1,230."""
    if not math.isfinite(value):
        return "∞"
    if value == 0:
        return "0"
    return fixed(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def percent(share: float, digits: int = 2) -> str:
    """A share as a percentage to so many significant digits; one that rounds to all is written so."""
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    return f"{significant(100 * share, digits)} %"


def power_of_ten(value: float, digits: int = 3) -> str:
    """Markdown for a quantity far from one: $1.23 \\times 10^{15}$."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    mantissa = round(value / 10**exponent, digits - 1)
    if abs(mantissa) >= 10:
        mantissa, exponent = mantissa / 10, exponent + 1
    times = "" if mantissa == 1 and digits == 1 else f"{mantissa:.{digits - 1}f} \\times "
    return f"${times}10^{{{exponent}}}$"


def scaled(value: float) -> str:
    """A positive quantity of any size: 0.0123, 4.57, 1,230, or Markdown for a power of ten beyond 100,000."""
    return power_of_ten(value, 2) if math.isfinite(value) and value >= 1e5 else significant(value)


def duration(seconds: float) -> str:
    """A time with the unit that suits it: 48 s, 6.4 min, 3.2 h, 12 days."""
    for unit, length, limit in (("s", 1.0, 120.0), ("min", 60.0, 7200.0), ("h", 3600.0, 172800.0)):
        if seconds < limit:
            return f"{significant(seconds / length, 2)} {unit}"
    return f"{significant(seconds / 86400.0, 2)} days"


def aligned(texts: list[str]) -> list[str]:
    """Texts padded with figure spaces so that the first decimal points stand in one column."""
    parts = [text.partition(".") for text in texts]
    before = max(len(head) for head, _, _ in parts)
    after = max(len(dot + tail) for _, dot, tail in parts)
    return [
        FIGURE_SPACE * (before - len(head)) + text + FIGURE_SPACE * (after - len(dot + tail))
        for text, (head, dot, tail) in zip(texts, parts, strict=True)
    ]


def listed(items: list[str], conjunction: str = "and") -> str:
    """a, b and c."""
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"
