"""What no law can be fitted to is one line and exit status 2, from a table and from a warehouse alike."""

import pytest

from analysis.__main__ import main
from warehouse.store import connect

GRID = [(p, f, (4 * p**-0.5 + 1.5) * f**-0.2 + 1) for p in (32, 64, 128, 256) for f in (8, 16, 32, 64)]
COLUMNS = (
    "study varchar, dataset varchar, model varchar, method varchar, in_fit boolean, pretrain_steps bigint, "
    "data_points bigint, n_params_non_embedding bigint, loss double, loss_zero_shot double"
)


def with_loss(value):
    return [(p, f, value if row == 2 else loss) for row, (p, f, loss) in enumerate(GRID)]


BAD = {
    "few": (GRID[:4], "4 points cannot fit the 5 parameters of law transfer"),
    "single p": (
        [(32, f, 9.0 / f) for f in (1, 2, 3, 4, 5)],
        "law transfer needs at least two values of p; all are 32",
    ),
    "single f": (
        [(p, 8, 9.0 / p) for p in (1, 2, 3, 4, 5)],
        "law transfer needs at least two values of f; all are 8",
    ),
    "zero": (with_loss(0.0), "losses must be positive and finite; row 3 is not"),
    "negative": (with_loss(-1.0), "losses must be positive and finite; row 3 is not"),
}
UNREADABLE = {
    "nan": (with_loss("nan"), "column loss (loss) is missing or not finite in row 3"),
    "infinite": (with_loss("inf"), "column loss (loss) is missing or not finite in row 3"),
    "empty": (with_loss(""), "column loss (loss) is missing or not finite in row 3"),
    "text": (with_loss("broken"), "column loss (loss) is varchar, not a number"),
}
IN_A_WAREHOUSE = BAD | {
    "nan": (with_loss(float("nan")), "losses must be positive and finite; row 3 is not"),
    "infinite": (with_loss(float("inf")), "losses must be positive and finite; row 3 is not"),
}


def from_csv(path, rows, law="transfer"):
    lines = [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join(["p,f,loss", *lines]) + "\n")
    columns = ("--columns", "p=p", "f=f", "loss=loss")
    return main(["fit", "--csv", str(path), "--law", law, *columns, "--replicates", "2"])


@pytest.mark.parametrize("what", [*BAD, *UNREADABLE])
def test_a_table_that_cannot_be_fitted(what, tmp_path, capsys):
    rows, line = (BAD | UNREADABLE)[what]
    path = tmp_path / "losses.csv"
    assert from_csv(path, rows) == 2
    said = capsys.readouterr()
    assert said.err == f"error: {f'{path}: ' if what in UNREADABLE else ''}{line}\n"
    assert not said.out


def test_a_column_or_a_law_that_is_not_there(tmp_path, capsys):
    path = tmp_path / "losses.csv"
    assert from_csv(path, GRID, law="linear") == 2
    assert capsys.readouterr().err.startswith("error: unknown law 'linear'; known: transfer, ")
    columns = ("--columns", "p=p", "f=f", "loss=perplexity")
    assert main(["fit", "--csv", str(path), "--law", "transfer", *columns]) == 2
    assert capsys.readouterr().err == f"error: {path}: no column 'perplexity'; it has p, f, loss\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A study with a dataset for each kind of bad losses, and a good one that comes last."""
    path = str(tmp_path_factory.mktemp("bad") / "warehouse.duckdb")
    datasets = {name: rows for name, (rows, _) in IN_A_WAREHOUSE.items()} | {"whole": GRID}
    with connect(path) as connection:
        connection.execute("create schema experiments; create schema cross_validation")
        connection.execute(f"create table experiments.experiments ({COLUMNS})")
        connection.executemany(
            "insert into experiments.experiments values ('s', ?, 'm', 'full', true, ?, ?, 1000, ?, 9)",
            [(name, *row) for name, rows in datasets.items() for row in rows],
        )
        connection.execute(
            "create table experiments.fit_inputs as select distinct study, dataset, model, method, "
            "dataset as fingerprint from experiments.experiments"
        )
        connection.execute(
            "create table cross_validation.splits as select distinct study, dataset, model, method, "
            "1 as split, 128 as max_steps, 32 as max_data_points from experiments.experiments"
        )
    return path


def test_datasets_that_cannot_be_fitted_do_not_stop_the_one_that_can(url, capsys):
    assert main(["fit", "--warehouse", url, "--replicates", "2"]) == 2
    said = capsys.readouterr()
    lines = {f"error: s · {name} · m · full: {line}" for name, (_, line) in IN_A_WAREHOUSE.items()}
    assert {line for line in said.err.splitlines() if line.startswith("error: ")} == lines
    assert "Traceback" not in said.err
    assert "s · whole · m · full" in said.out
    with connect(url, read_only=True) as connection:
        assert connection.execute("select dataset from analysis.fits").fetchall() == [("whole",)]


def test_nor_do_they_stop_its_cross_validation(url, capsys):
    assert main(["cv", "--warehouse", url]) == 2
    said = capsys.readouterr()
    for name, (_, line) in IN_A_WAREHOUSE.items():
        assert f"error: {name} · transfer: {line}" in said.err.splitlines()
    assert "s · whole · table5-5: 1 of 1 splits fitted, 35 regularisations" in said.out
    with connect(url, read_only=True) as connection:
        rows = connection.execute("select distinct dataset from analysis.cv_scores order by 1").fetchall()
    assert rows == [("whole",)]
