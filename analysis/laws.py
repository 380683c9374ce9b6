"""The registry of laws: each is its formula, its parameters with their domain and starts, and its source.

    laws["transfer"].parameters        laws["chinchilla"].formula

Every law here is a member of one family, and so one solver (analysis/kernel.py) fits them all:

    log L = s * log( sum over terms t of  C_t * prod over variables v of (v + o_v)^(-x_tv) )

with coefficients C_t >= 0, exponents x_tv (shared between terms where they carry one name), offsets o_v >= 0
and an outer power s (1 unless the law says otherwise). A new law is one more entry of `laws`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Literal

Kind = Literal["coefficient", "scale", "exponent", "offset"]


@dataclass(frozen=True)
class Variable:
    """An input of a law. `falls` is False where the law rises with it (its exponent is printed positive)."""

    symbol: str
    meaning: str
    unit: str
    shift: float = 0.0
    falls: bool = True


@dataclass(frozen=True)
class Parameter:
    """One parameter of a law, with the values that the solver starts from.

    kind: `coefficient` C in [0, inf); `scale` X_c in (0, inf), which enters as C = X_c^x; `exponent` x in
    (-inf, inf), negative where the loss rises with the variable; `offset` o in [0, inf).
    starts: logarithms for coefficients, natural values otherwise. Coefficients without starts are solved for:
    with the exponents held, a law is linear in them.
    """

    symbol: str
    meaning: str
    unit: str
    kind: Kind
    starts: tuple[float, ...] = ()

    @property
    def domain(self) -> tuple[float, float]:
        return (-inf, inf) if self.kind == "exponent" else (0.0, inf)


@dataclass(frozen=True)
class Term:
    """C * prod of (v + o_v)^(-x): the coefficient's symbol, and each variable's exponent (a symbol or a
    number).
    """

    coefficient: str
    powers: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Law:
    """A scaling law; see the module for the family."""

    name: str
    formula: str
    source: str
    variables: tuple[Variable, ...]
    parameters: tuple[Parameter, ...]
    terms: tuple[Term, ...]
    offsets: Mapping[str, str] = field(default_factory=dict)
    outer: str | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(parameter.symbol for parameter in self.parameters)

    def plain(self, natural: Mapping[str, float]) -> dict[str, float]:
        """Printed parameters → those of the family: a scale becomes a coefficient, x is divided by the outer
        power.
        """
        values = dict(natural)
        for parameter in self.parameters:
            if self.outer and parameter.kind == "exponent" and parameter.symbol != self.outer:
                values[parameter.symbol] = natural[parameter.symbol] / natural[self.outer]
        for symbol, exponent in self._scales().items():
            x = exponent if isinstance(exponent, float) else values[exponent]
            values[symbol] = natural[symbol] ** x
        return values

    def natural(self, plain: Mapping[str, float]) -> dict[str, float]:
        """The inverse of `plain`."""
        values = dict(plain)
        for symbol, exponent in self._scales().items():
            x = exponent if isinstance(exponent, float) else plain[exponent]
            values[symbol] = plain[symbol] ** (1 / x) if x != 0 else inf
        for parameter in self.parameters:
            if self.outer and parameter.kind == "exponent" and parameter.symbol != self.outer:
                values[parameter.symbol] = plain[parameter.symbol] * plain[self.outer]
        return values

    def holdable(self, symbol: str) -> bool:
        """Whether a parameter is a coordinate of the family by itself, and so can be held or profiled."""
        kind = next(parameter.kind for parameter in self.parameters if parameter.symbol == symbol)
        return kind != "scale" and (self.outer is None or kind != "exponent" or symbol == self.outer)

    def _scales(self) -> dict[str, str | float]:
        scales = {parameter.symbol for parameter in self.parameters if parameter.kind == "scale"}
        return {t.coefficient: next(iter(t.powers.values())) for t in self.terms if t.coefficient in scales}


def _coefficient(symbol: str, meaning: str, starts: tuple[float, ...] = (), unit: str = "nats") -> Parameter:
    return Parameter(symbol, meaning, unit, "coefficient", starts)


def _exponent(symbol: str, meaning: str, starts: tuple[float, ...]) -> Parameter:
    return Parameter(symbol, meaning, "1", "exponent", starts)


_THIRDS = (0.0, 1 / 3, 2 / 3, 1.0)
_HALVES = (0.0, 0.5, 1.0, 1.5, 2.0)

_P = Variable("p", "pre-training", "optimiser steps")
_F = Variable("f", "fine-tuning data", "data points")
_N = Variable("N", "model size", "parameters")
_D = Variable("D", "training data", "tokens")

_A = _coefficient("A", "what pre-training can still remove", (0.0, 2.0, 4.0, 6.0, 8.0), "nats·step^α·point^β")
_G = _coefficient("G", "transfer gap", (-5.0, -10 / 3, -5 / 3, 0.0, 5 / 3, 10 / 3, 5.0), "nats·point^β")
_E = _coefficient("E", "irreducible loss", (0.0, 1.0, 2.0, 3.0))
_ALPHA = _exponent("alpha", "how fast pre-training pays", _THIRDS)
_BETA = _exponent("beta", "how fast fine-tuning data pay", _THIRDS)

_a = _coefficient("a0", "what pre-training can still remove")
_TRANSFER_TERMS = (Term("A", {"p": "alpha", "f": "beta"}), Term("G", {"f": "beta"}), Term("E"))
_TABLE5 = "Barnett 2024, Table 5, form "


def _five(*symbols: str) -> tuple[Term, ...]:
    """Table 5's common skeleton, (coefficient, exponent of p, gap, exponent of f[, floor])."""
    a, x, gap, y, *floor = symbols
    return (Term(a, {"p": x, "f": y}), Term(gap, {"f": y}), *(Term(e) for e in floor))


def _offset(symbol: str, meaning: str, unit: str, starts: tuple[float, ...]) -> Parameter:
    return Parameter(symbol, meaning, unit, "offset", starts)


_entries = (
    Law(
        "transfer",
        "(A·p^-alpha + G)·f^-beta + E",
        "Barnett 2024, eq. 1, 2 and 5; Mikami et al. 2021",
        (_P, _F),
        (_A, _G, _ALPHA, _BETA, _E),
        _TRANSFER_TERMS,
    ),
    Law(
        "transfer-shifted",
        "(A·(p+1)^-alpha + G)·(f+1)^-beta + E",
        "Barnett 2024, eq. 7",
        (
            Variable("p", "pre-training", "optimiser steps", shift=1.0),
            Variable("f", "fine-tuning data", "data points", shift=1.0),
        ),
        (_A, _G, _ALPHA, _BETA, _E),
        _TRANSFER_TERMS,
    ),
    Law(
        "table5-2",
        "(a0·p^-a1 + a2)·(f + a3)^-a4 + a5",
        _TABLE5 + "2",
        (_P, _F),
        (
            _a,
            _exponent("a1", "how fast pre-training pays", _THIRDS),
            _coefficient("a2", "transfer gap"),
            _offset("a3", "data that pre-training already holds", "data points", (0.0, 10.0, 300.0)),
            _exponent("a4", "how fast fine-tuning data pay", _THIRDS),
            _coefficient("a5", "irreducible loss"),
        ),
        _five("a0", "a1", "a2", "a4", "a5"),
        offsets={"f": "a3"},
    ),
    Law(
        "table5-3",
        "(a0·(p + a1)^-a2 + a3)·f^-a4 + a5",
        _TABLE5 + "3",
        (_P, _F),
        (
            _a,
            _offset("a1", "offset of pre-training", "optimiser steps", (0.0, 30.0, 3000.0)),
            _exponent("a2", "how fast pre-training pays", _THIRDS),
            _coefficient("a3", "transfer gap"),
            _exponent("a4", "how fast fine-tuning data pay", _THIRDS),
            _coefficient("a5", "irreducible loss"),
        ),
        _five("a0", "a2", "a3", "a4", "a5"),
        offsets={"p": "a1"},
    ),
    Law(
        "table5-4",
        "(a0·(p + a1)^-a2 + a3)·(f + a4)^-a5 + a6",
        _TABLE5 + "4",
        (_P, _F),
        (
            _a,
            _offset("a1", "offset of pre-training", "optimiser steps", (0.0, 30.0, 3000.0)),
            _exponent("a2", "how fast pre-training pays", _THIRDS),
            _coefficient("a3", "transfer gap"),
            _offset("a4", "data that pre-training already holds", "data points", (0.0, 10.0, 300.0)),
            _exponent("a5", "how fast fine-tuning data pay", _THIRDS),
            _coefficient("a6", "irreducible loss"),
        ),
        _five("a0", "a2", "a3", "a5", "a6"),
        offsets={"p": "a1", "f": "a4"},
    ),
    Law(
        "table5-5",
        "(a0·p^-a1 + a2)·f^-a3",
        _TABLE5 + "5",
        (_P, _F),
        (
            _a,
            _exponent("a1", "how fast pre-training pays", _THIRDS),
            _coefficient("a2", "transfer gap"),
            _exponent("a3", "how fast fine-tuning data pay", _THIRDS),
        ),
        _five("a0", "a1", "a2", "a3"),
    ),
    Law(
        "chinchilla",
        "E + A·N^-alpha + B·D^-beta",
        "Hoffmann et al. 2022, eq. 2",
        (_N, _D),
        (
            _coefficient("A", "what a larger model can remove", (0.0, 5.0, 10.0, 15.0, 20.0, 25.0)),
            _coefficient("B", "what more data can remove", (0.0, 5.0, 10.0, 15.0, 20.0, 25.0)),
            _coefficient("E", "irreducible loss", (-1.0, -0.5, 0.0, 0.5, 1.0)),
            _exponent("alpha", "how fast size pays", _HALVES),
            _exponent("beta", "how fast data pay", _HALVES),
        ),
        (Term("A", {"N": "alpha"}), Term("B", {"D": "beta"}), Term("E")),
    ),
    Law(
        "kaplan-nd",
        "((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D",
        "Kaplan et al. 2020, eq. 1.5",
        (_N, _D),
        (
            Parameter("N_c", "model size that alone would give a loss of one nat", "parameters", "scale"),
            Parameter("D_c", "data that alone would give a loss of one nat", "tokens", "scale"),
            _exponent("alpha_N", "how fast size pays", (0.03, 0.1, 0.3, 1.0)),
            _exponent("alpha_D", "how fast data pay", (0.03, 0.1, 0.3, 1.0)),
        ),
        (Term("N_c", {"N": "alpha_N"}), Term("D_c", {"D": 1.0})),
        outer="alpha_D",
    ),
    Law(
        "power",
        "(X_c/X)^alpha",
        "Kaplan et al. 2020, eq. 1.1 to 1.3",
        (Variable("X", "parameters, data or compute", "that of X"),),
        (
            Parameter("X_c", "X at which the loss is one nat", "that of X", "scale"),
            _exponent("alpha", "how fast X pays", (0.03, 0.1, 0.3, 1.0)),
        ),
        (Term("X_c", {"X": "alpha"}),),
    ),
    Law(
        "power-floor",
        "G·f^-beta + E",
        "Barnett 2024, appendix A, the limit of eq. 2 at p → ∞; Lin et al. 2024 without pre-learned data",
        (_F,),
        (
            _coefficient("G", "what fine-tuning can still remove", _G.starts),
            _BETA,
            _coefficient("E", "irreducible loss", _E.starts),
        ),
        (Term("G", {"f": "beta"}), Term("E")),
    ),
    Law(
        "effective-data",
        "k·D_F^alpha·N^beta",
        "Hernandez et al. 2021, eq. 1.1; Barnett 2024, eq. 8",
        (
            Variable("D_F", "fine-tuning data", "tokens", falls=False),
            Variable("N", "model size", "non-embedding parameters", falls=False),
        ),
        (
            _coefficient("k", "data transferred for one token and one parameter", unit="tokens"),
            _exponent("alpha", "how transfer grows with fine-tuning data", (0.0, 0.25, 0.5, 1.0)),
            _exponent("beta", "how transfer grows with model size", (0.0, 0.25, 0.5, 1.0)),
        ),
        (Term("k", {"D_F": "alpha", "N": "beta"}),),
    ),
)

laws: Mapping[str, Law] = MappingProxyType({law.name: law for law in _entries})
