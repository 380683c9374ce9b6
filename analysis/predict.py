"""A law's formula on arrays: many sets of parameters × many points."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from analysis.kernel import Floats
from analysis.laws import Law
from analysis.problem import columns


def predict(law: Law, values: Floats, variables: Mapping[str, ArrayLike]) -> Floats:
    """The law at natural parameters values (R, k), columns in the law's order, for variables (m,): (R, m).

    Raises AnalysisError where a variable is missing or outside its domain. Zero coefficients are allowed.
    """
    arrays = columns(law, variables)
    index = {symbol: i for i, symbol in enumerate(law.symbols)}
    rows = [law.plain(dict(zip(law.symbols, row, strict=True))) for row in values.tolist()]
    plain = np.array([[row[symbol] for symbol in law.symbols] for row in rows])
    total = np.zeros((len(plain), next(iter(arrays.values())).size))
    for term in law.terms:
        exponent = np.zeros_like(total)
        for variable in law.variables:
            power = term.powers.get(variable.symbol, 0.0)
            if power == 0.0:
                continue
            x = plain[:, [index[power]]] if isinstance(power, str) else power
            offset = (
                plain[:, [index[law.offsets[variable.symbol]]]] if variable.symbol in law.offsets else 0.0
            )
            log_v = np.log(arrays[variable.symbol][None, :] + variable.shift + offset)
            exponent += x * log_v if not variable.falls else -x * log_v
        with np.errstate(divide="ignore"):
            total += np.exp(np.log(plain[:, [index[term.coefficient]]]) + exponent)
    return total ** plain[:, [index[law.outer]]] if law.outer else total
