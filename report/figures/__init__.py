"""The figures of the report: one function each, from the rows of one dbt model to a matplotlib Figure.

`rows` is a pandas DataFrame of one study's rows; `colours` maps each of the study's datasets to its colour
(`style.palette`). Small multiples have a panel per dataset, and per model and method where there are several.
Losses are held-out, nats per token; steps are optimiser steps of pre-training; data points are sequences.
A module for each subject, which only report/parts.py asks for.
"""

from report.figures import (
    decisions,
    extrapolation,
    law,
    measured,
    model_size,
    profiles,
    replicates,
    residuals,
    splits,
    transfer,
)

__all__ = [
    "decisions",
    "extrapolation",
    "law",
    "measured",
    "model_size",
    "profiles",
    "replicates",
    "residuals",
    "splits",
    "transfer",
]
