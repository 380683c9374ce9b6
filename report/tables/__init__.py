"""The tables of the report: one function each, from the rows of one dbt model to a great_tables GT.

`rows` is a pandas DataFrame of one study's rows, at least one. Estimates are rounded to the second
digit of their standard error, the ends of intervals to the first, and decimal points stand in one column.
A module for each subject, which only report/parts.py asks for.
"""

from report.tables import cost, diagnostics, forms, law, study

__all__ = ["cost", "diagnostics", "forms", "law", "study"]
