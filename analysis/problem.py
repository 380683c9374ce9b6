"""From a law and a table of points to the arrays that the kernels work on, and back to natural parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import exp, inf, log

import numpy as np
from numpy.typing import ArrayLike

from analysis.kernel import Floats, Points, Shape
from analysis.laws import Law


class AnalysisError(Exception):
    """Input that cannot be analysed: one line that says which rows, columns or names, and what is known."""


@dataclass(frozen=True)
class Problem:
    """A law on data: index tables, levels and the bounds of each coordinate (k,)."""

    law: Law
    shape: Shape
    points: Points
    lower: Floats
    upper: Floats

    @property
    def n(self) -> int:
        return int(self.points.y.size)


def columns(law: Law, variables: Mapping[str, ArrayLike]) -> dict[str, Floats]:
    """The law's variables as float64 arrays (n,), checked; raises AnalysisError."""
    missing = [variable.symbol for variable in law.variables if variable.symbol not in variables]
    if missing:
        wanted = ", ".join(variable.symbol for variable in law.variables)
        raise AnalysisError(f"law {law.name} needs {', '.join(missing)}: its variables are {wanted}")
    arrays = {v.symbol: np.asarray(variables[v.symbol], dtype=np.float64) for v in law.variables}
    if len({array.shape for array in arrays.values()}) != 1 or next(iter(arrays.values())).ndim != 1:
        raise AnalysisError(f"the variables of law {law.name} must be one-dimensional and of one length")
    for variable in law.variables:
        shifted = arrays[variable.symbol] + variable.shift
        wrong = ~(np.isfinite(shifted) & (shifted > 0))
        if wrong.any():
            raise AnalysisError(
                f"law {law.name}: {variable.symbol} must be finite and above {0.0 - variable.shift:g}; "
                f"{_rows(wrong)} {'is' if wrong.sum() == 1 else 'are'} not"
            )
    return arrays


def problem(
    law: Law,
    variables: Mapping[str, ArrayLike],
    loss: ArrayLike,
    fixed: Mapping[str, float] | None = None,
) -> Problem:
    """Check the data and build the problem.

    variables: arrays (n,) by symbol; loss (n,), positive (nats per token); fixed: parameters held, natural
    units. Raises AnalysisError for fewer points than free parameters, a variable with a single value, losses
    that are zero, negative or not finite, and a parameter that is unknown, outside its domain or cannot be
    held.
    """
    held = dict(fixed or {})
    _check_held(law, held)
    arrays = columns(law, variables)
    losses = np.asarray(loss, dtype=np.float64)
    if losses.ndim != 1 or any(array.shape != losses.shape for array in arrays.values()):
        raise AnalysisError("the loss and the variables must be one-dimensional and of one length")
    wrong = ~(np.isfinite(losses) & (losses > 0))
    if wrong.any():
        verb = "is" if wrong.sum() == 1 else "are"
        raise AnalysisError(f"losses must be positive and finite; {_rows(wrong)} {verb} not")
    free = len(law.parameters) - len(held)
    if losses.size < free:
        raise AnalysisError(f"{losses.size} points cannot fit the {free} parameters of law {law.name}")
    for symbol, array in arrays.items():
        if np.unique(array).size < 2:
            raise AnalysisError(f"law {law.name} needs at least two values of {symbol}; all are {array[0]:g}")
    shape = _shape(law)
    y_centre = 0.0 if law.outer else float(np.log(losses).mean())
    points = _points(law, arrays, np.log(losses) - y_centre, y_centre)
    lower, upper = _bounds(law, points)
    posed = Problem(law, shape, points, lower, upper)
    for symbol in held:
        posed = uncentred(posed, symbol)
    if held:
        theta = to_theta(posed, {symbol: held.get(symbol, 1.0) for symbol in law.symbols})
        for symbol in held:
            i = law.symbols.index(symbol)
            posed.lower[i] = posed.upper[i] = theta[i]
    return posed


def uncentred(posed: Problem, symbol: str) -> Problem:
    """The same problem with the parameter as a coordinate of its own.

    A coefficient's coordinate is its term's size at the centre of the data; held, it needs its variables
    uncentred.
    """
    law = posed.law
    bound = {v for term in law.terms if term.coefficient == symbol for v in term.powers}
    centre = np.array(
        [0.0 if v.symbol in bound else c for v, c in zip(law.variables, posed.points.centre, strict=True)]
    )
    return replace(
        posed, points=posed.points._replace(centre=centre), lower=posed.lower.copy(), upper=posed.upper.copy()
    )


def _check_held(law: Law, held: Mapping[str, float]) -> None:
    for symbol, value in held.items():
        if symbol not in law.symbols:
            raise AnalysisError(f"law {law.name} has no parameter {symbol}; it has {', '.join(law.symbols)}")
        if not law.holdable(symbol):
            raise AnalysisError(f"law {law.name} is not fitted with {symbol} held")
        low, high = law.parameters[law.symbols.index(symbol)].domain
        if not (low <= value <= high and abs(value) < inf):
            raise AnalysisError(f"{symbol} = {value:g} is outside its domain [{low:g}, {high:g}]")


def _rows(wrong: np.ndarray) -> str:
    found = np.flatnonzero(wrong)
    names = ", ".join(str(i + 1) for i in found[:5]) + (", …" if found.size > 5 else "")
    return f"row {names}" if found.size == 1 else f"rows {names}"


def _shape(law: Law) -> Shape:
    index = {symbol: i for i, symbol in enumerate(law.symbols)}
    exponent = np.full((len(law.terms), len(law.variables)), -1, dtype=np.int64)
    fixed = np.zeros(exponent.shape)
    for t, term in enumerate(law.terms):
        for v, variable in enumerate(law.variables):
            power = term.powers.get(variable.symbol, 0.0)
            if isinstance(power, str):
                exponent[t, v] = index[power]
            else:
                fixed[t, v] = power
    offsets = [index[law.offsets[v.symbol]] if v.symbol in law.offsets else -1 for v in law.variables]
    return Shape(
        coefficient=np.array([index[term.coefficient] for term in law.terms], dtype=np.int64),
        exponent=exponent,
        fixed=fixed,
        offset=np.array(offsets, dtype=np.int64),
        outer=index[law.outer] if law.outer else -1,
    )


def _points(law: Law, arrays: Mapping[str, Floats], y: Floats, y_centre: float) -> Points:
    shifted = [arrays[v.symbol] + v.shift for v in law.variables]
    distinct = [np.unique(values, return_inverse=True) for values in shifted]
    size = max(values.size for values, _ in distinct)
    padded = np.array([np.pad(values, (0, size - values.size), mode="edge") for values, _ in distinct])
    return Points(
        values=padded,
        counts=np.array([values.size for values, _ in distinct], dtype=np.int64),
        sign=np.array([1.0 if v.falls else -1.0 for v in law.variables]),
        centre=np.array([np.log(values).mean() for values in shifted]),
        unit=np.array([values.min() for values in shifted]),
        level=np.array([inverse for _, inverse in distinct], dtype=np.uint64),
        y=y,
        y_centre=y_centre,
    )


def _bounds(law: Law, points: Points) -> tuple[Floats, Floats]:
    # An exponent of 300 / (range of log v) keeps every exponential far inside float64 and is never reached by
    # data.
    widest = max(
        float(np.abs(np.log(points.values[v, : points.counts[v]]) - points.centre[v]).max())
        for v in range(len(law.variables))
    )
    steepest = min(20.0, 300.0 / widest)
    lower, upper = np.zeros(len(law.parameters)), np.full(len(law.parameters), inf)
    for i, parameter in enumerate(law.parameters):
        if parameter.kind == "exponent":
            lower[i], upper[i] = -steepest, steepest
        elif parameter.kind == "offset":
            upper[i] = log(1e6)
    if law.outer:
        lower[law.symbols.index(law.outer)] = 1e-3
    return lower, upper


def to_theta(problem: Problem, natural: Mapping[str, float]) -> Floats:
    """Natural parameters → solver coordinates (k,)."""
    plain = problem.law.plain(natural)
    theta = np.array([plain[symbol] for symbol in problem.law.symbols], dtype=np.float64)
    out: Floats = _scaled(problem, theta[None, :], -1.0)[0]
    return out


def to_natural(problem: Problem, thetas: Floats) -> Floats:
    """Solver coordinates (B, k) → natural parameters (B, k), columns in the law's order."""
    plain = _scaled(problem, thetas, 1.0)
    law = problem.law
    if law.outer is None and all(parameter.kind != "scale" for parameter in law.parameters):
        return plain
    rows = (law.natural(dict(zip(law.symbols, row.tolist(), strict=True))) for row in plain)
    return np.array([[row[symbol] for symbol in law.symbols] for row in rows])


def _scaled(problem: Problem, thetas: Floats, direction: float) -> Floats:
    """Coefficients between their size at the centre of the data and 1, and offsets between z and o."""
    shape, points = problem.shape, problem.points
    out = thetas.copy()
    for t, c in enumerate(shape.coefficient):
        at_centre = np.full(len(thetas), points.y_centre)
        for v in range(points.centre.size):
            x = thetas[:, shape.exponent[t, v]] if shape.exponent[t, v] >= 0 else shape.fixed[t, v]
            at_centre = at_centre + x * points.sign[v] * points.centre[v]
        with np.errstate(over="ignore"):
            out[:, c] = thetas[:, c] * np.exp(direction * at_centre)
    for v, z in enumerate(shape.offset):
        if z >= 0:
            unit = points.unit[v]
            out[:, z] = unit * np.expm1(thetas[:, z]) if direction > 0 else np.log1p(thetas[:, z] / unit)
    return out


@dataclass(frozen=True)
class Starts:
    """thetas (S, k) to start from; release (S,) where the coefficients are first solved for."""

    thetas: Floats
    release: np.ndarray


def starts(problem: Problem) -> Starts:
    """The law's grid of starts, and that of its exponents and offsets with the coefficients solved for."""
    law = problem.law
    coefficients = [p for p in law.parameters if p.kind in ("coefficient", "scale")]
    others = [p for p in law.parameters if p.kind not in ("coefficient", "scale")]
    rows: list[Floats] = []
    release: list[bool] = []
    names = [p.symbol for p in others]
    solved = [dict(zip(names, values, strict=True)) for values in product(*(p.starts for p in others))]
    share = 1.0 / len(law.terms)
    for chosen in solved:
        natural = chosen | {p.symbol: 1.0 for p in coefficients}
        theta = to_theta(problem, natural)
        theta[problem.shape.coefficient] = share
        rows.append(theta)
        release.append(True)
    if all(p.starts for p in coefficients):
        for chosen in solved:
            for values in product(*(p.starts for p in coefficients)):
                logs = dict(zip((p.symbol for p in coefficients), values, strict=True))
                rows.append(to_theta(problem, chosen | {symbol: exp(c) for symbol, c in logs.items()}))
                release.append(False)
    thetas = np.clip(np.array(rows), problem.lower, problem.upper)
    return Starts(thetas, np.array(release))
