"""Laws and statistics: arrays in, arrays out. `from analysis import fit, laws`."""

from analysis.fit import Fit, fit
from analysis.laws import Law, laws
from analysis.problem import AnalysisError

__all__ = ["AnalysisError", "Fit", "Law", "fit", "laws"]
