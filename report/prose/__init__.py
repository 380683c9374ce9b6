"""The report's paragraphs that depend on the study: each function takes a study's rows and returns Markdown.

Every number comes from a row, and a sentence that could be false of another study is chosen by the data.
A module for each section of the manuscript, which asks for `prose.SECTION.paragraph(rows)`.
"""

from report.prose import cost, decisions, diagnostics, forms, limits, made, method, opening, results, samples

__all__ = [
    "cost",
    "decisions",
    "diagnostics",
    "forms",
    "limits",
    "made",
    "method",
    "opening",
    "results",
    "samples",
]
