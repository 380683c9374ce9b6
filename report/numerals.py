"""How the report writes numbers: counts, quantities with units, estimates rounded to their errors."""

import math
import re

FIGURE_SPACE = "\u2007"
NO_BREAK_SPACE = "\u00a0"
MINUS = "\u2212"
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def count(value: float) -> str:
    """A whole number with thousands separated: 1,234."""
    return f"{int(value):,}"


def decimals_of(standard_error: float, digits: int = 2) -> int:
    """Decimals that leave the standard error so many significant digits; three where it is zero."""
    return _decimals(standard_error, digits) if standard_error > 0 else 3


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals and a true minus sign; of what rounds to zero no sign."""
    return f"{value:z,.{decimals}f}".replace("-", MINUS)


def with_error(estimate: float, standard_error: float | None) -> str:
    """estimate (standard error), both to the error's second digit: 0.730 (0.021)."""
    if standard_error is None or not math.isfinite(standard_error):
        return fixed(estimate, 3)
    if standard_error >= 1e5:
        return f"{scaled(estimate)}{NO_BREAK_SPACE}({scaled(standard_error)})"
    decimals = decimals_of(standard_error)
    return f"{fixed(estimate, decimals)}{NO_BREAK_SPACE}({fixed(standard_error, decimals)})"


def interval(lower: float, upper: float, decimals: int) -> str:
    """[lower, upper] with so many decimals."""
    return f"[{fixed(lower, decimals)},{NO_BREAK_SPACE}{fixed(upper, decimals)}]"


def significant(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, without an exponent: 0.0123, 4.57, 1,230."""
    if not math.isfinite(value):
        return "∞"
    return fixed(value, _decimals(value, digits)) if value else "0"


def percent(share: float) -> str:
    """A share as a percentage to two significant digits, or more if it would round to all: 93 %, 99.6 %."""
    decimals = _decimals(100 * share, 2) if share else 0
    while share < 1 and float(f"{100 * share:.{decimals}f}") == 100:
        decimals += 1
    return f"{fixed(100 * share, decimals)}{NO_BREAK_SPACE}%"


def power_of_ten(value: float, digits: int = 3) -> str:
    """A quantity far from one: 1.23 × 10¹⁵; a mantissa of just one is left out."""
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    times = "" if mantissa == "1" else f"{mantissa}{NO_BREAK_SPACE}×{NO_BREAK_SPACE}"
    return f"{times}10{str(int(exponent)).translate(SUPERSCRIPTS)}"


def scaled(value: float) -> str:
    """A positive quantity of any size: 0.0123, 4.57, 1,230; a power of ten where very large or small."""
    ordinary = value == 0 or 1e-4 <= value < 1e5 or not math.isfinite(value)
    return significant(value) if ordinary else power_of_ten(value, 2)


def duration(seconds: float) -> str:
    """A time with the unit that suits it: 48 s, 6.4 min, 3.2 h, 12 days."""
    for unit, length, limit in (("s", 1.0, 120.0), ("min", 60.0, 7200.0), ("h", 3600.0, 172800.0)):
        if seconds < limit:
            return f"{significant(seconds / length, 2)}{NO_BREAK_SPACE}{unit}"
    return f"{significant(seconds / 86400.0, 2)}{NO_BREAK_SPACE}days"


def aligned(texts: list[str]) -> list[str]:
    """Texts padded with figure spaces so that, set to the left, their first numbers' decimal points align."""
    whole = [len(re.match(r"\D*[\d,]*", text).group()) for text in texts]
    return [FIGURE_SPACE * (max(whole) - n) + text for text, n in zip(texts, whole, strict=True)]


def listed(items: list[str], conjunction: str = "and") -> str:
    """a, b and c."""
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


def _decimals(value: float, digits: int) -> int:
    # By way of the printed exponent, as 0.0999 rounds to 0.10.
    return max(0, digits - 1 - int(f"{abs(value):.{digits - 1}e}".partition("e")[2]))
