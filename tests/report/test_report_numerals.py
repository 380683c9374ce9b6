"""How numbers are written."""

import pytest

from report import numerals

NBSP = numerals.NO_BREAK_SPACE


@pytest.mark.parametrize(
    ("estimate", "error", "written"),
    [
        (0.73021, 0.0213, f"0.730{NBSP}(0.021)"),
        (284.766, 38.55, f"285{NBSP}(39)"),
        (2847.66, 385.5, f"2,848{NBSP}(386)"),
        (-0.0512, 0.0097, f"−0.0512{NBSP}(0.0097)"),
        (1.5, 0.0999, f"1.50{NBSP}(0.10)"),
        (0.0, 0.0, f"0.000{NBSP}(0.000)"),
        (-0.0004, 0.076, f"0.000{NBSP}(0.076)"),
        (38.04, 1.1e28, f"38.0{NBSP}(1.1{NBSP}×{NBSP}10²⁸)"),
    ],
)
def test_an_estimate_is_rounded_to_the_second_digit_of_its_error(
    estimate: float, error: float, written: str
) -> None:
    assert numerals.with_error(estimate, error) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.012345, "0.0123"),
        (4.567, "4.57"),
        (1234.5, "1,234"),
        (9.996, "10.0"),
        (0.0, "0"),
        (float("inf"), "∞"),
    ],
)
def test_significant_digits(value: float, written: str) -> None:
    assert numerals.significant(value) == written


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [
        (1.234e15, 3, "1.23 × 10¹⁵"),
        (9.999e15, 2, "1.0 × 10¹⁶"),
        (1e-3, 1, "10⁻³"),
        (5e-4, 1, "5 × 10⁻⁴"),
        (0.0, 3, "0"),
    ],
)
def test_powers_of_ten(value: float, digits: int, written: str) -> None:
    assert numerals.power_of_ten(value, digits).replace(NBSP, " ") == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(4.96, "5.0 s"), (119, "119 s"), (384, "6.4 min"), (11_520, "3.2 h"), (1_036_800, "12 days")],
)
def test_durations(seconds: float, written: str) -> None:
    assert numerals.duration(seconds) == written.replace(" ", numerals.NO_BREAK_SPACE)


@pytest.mark.parametrize(
    ("share", "written"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.00512, "0.51 %"), (0.934, "93 %"), (0.9996, "99.96 %")],
)
def test_percentages(share: float, written: str) -> None:
    assert numerals.percent(share) == written.replace(" ", numerals.NO_BREAK_SPACE)


def test_decimal_points_stand_in_one_column() -> None:
    aligned = numerals.aligned(["0.73 (0.02)", "285 (39)", "1,234.5 (2.1)", "–"])
    assert aligned[0].index(".") == aligned[2].index(".") == 5


def test_lists() -> None:
    assert numerals.listed([]) == ""
    assert numerals.listed(["a"]) == "a"
    assert numerals.listed(["a", "b", "c"]) == "a, b and c"
