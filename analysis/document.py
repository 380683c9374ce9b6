"""A fit as a document: what `--json` prints, and the same as a table for a reader."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite

from analysis.bootstrap import Bootstrap
from analysis.fit import Fit, status_of
from analysis.profile import IDENTIFIED, Profile


def document(result: Fit, resampled: Bootstrap, profiled: Mapping[str, Profile]) -> dict[str, object]:
    """Parameters, standard errors, intervals, objective, credentials and status, in JSON's own types."""
    percentile, bca, errors = resampled.percentile(), resampled.bca(), resampled.standard_errors
    parameters = []
    for parameter in result.law.parameters:
        symbol = parameter.symbol
        profile = profiled.get(symbol)
        parameters.append(
            {
                "parameter": symbol,
                "meaning": parameter.meaning,
                "unit": parameter.unit,
                "estimate": result.parameters[symbol],
                "standard_error": errors[symbol],
                "lower": percentile[symbol][0],
                "upper": percentile[symbol][1],
                "interval_method": "percentile",
                "bca": bca[symbol],
                "profile": [profile.lower, profile.upper] if profile else None,
                "status": profile.status if profile else IDENTIFIED,
                "bound": profile.bound if profile else None,
            }
        )
    statuses = {symbol: profile.status for symbol, profile in profiled.items()}
    return plain(
        {
            "law": result.law.name,
            "formula": result.law.formula,
            "n": result.problem.n,
            "options": asdict(result.settings),
            "replicates": len(resampled.values),
            "resampled_units": resampled.units,
            "changed_basin": resampled.changed_basin,
            "objective": result.objective,
            "mean_absolute_error": result.mean_absolute_error,
            "mean_relative_error": result.mean_relative_error,
            "status": status_of(result.search, statuses),
            "credentials": asdict(result.credentials),
            "parameters": parameters,
        }
    )


def plain(values: Mapping[str, object]) -> dict[str, object]:
    """The same with what JSON cannot say, an infinity, as null, and tuples as lists."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def table(heading: str, rows: Sequence[Mapping[str, object]]) -> str:
    """Estimates with their errors and intervals, one a line, and the status of what is not identified."""
    lines = [heading, f"  {'':<8}{'estimate':>12}{'std. error':>12}   95 % interval"]
    for row in rows:
        status = "" if row["status"] == IDENTIFIED else f"  {row['status']}{_bound(row)}"
        lines.append(
            f"  {row['parameter']:<8}{row['estimate']:>12.4g}{row['standard_error']:>12.2g}"
            f"   [{row['lower']:.4g}, {row['upper']:.4g}]{status}"
        )
    return "\n".join(lines)


def _bound(row: Mapping[str, object]) -> str:
    bound, estimate = row["bound"], row["estimate"]
    if not isinstance(bound, float) or not isinstance(estimate, float):
        return ""
    return f", at {'most' if bound >= estimate else 'least'} {bound:.4g}"
