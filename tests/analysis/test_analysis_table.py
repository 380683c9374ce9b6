"""`python -m analysis fit --csv`: any table of the three formats, and nothing but that table."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from analysis import fit, laws
from analysis.__main__ import main

N, D = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(1e9, 1e12, 8)))
LOSS = (400.0 * N**-0.34 + 410.0 * D**-0.28 + 1.7) * np.exp(
    0.005 * np.random.default_rng(0).normal(size=N.size)
)
COLUMNS = ("--columns", "N=size", "D=tokens", "loss=held out")


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "runs.csv"
    lines = [
        f"{n!r},{d!r},{x!r},run{i % 6}"
        for i, (n, d, x) in enumerate(zip(N.tolist(), D.tolist(), LOSS.tolist(), strict=True))
    ]
    path.write_text("\n".join(["size,tokens,held out,run", *lines]) + "\n")
    return path


def run(path, *arguments):
    return main(["fit", "--csv", str(path), "--law", "chinchilla", "--replicates", "30", *arguments])


def printed(capsys):
    return json.loads(capsys.readouterr().out)


def test_a_csv_gives_what_the_function_gives(csv, capsys):
    assert run(csv, *COLUMNS, "--json", "--cluster", "run") == 0
    document = printed(capsys)
    result = fit(laws["chinchilla"], {"N": N, "D": D}, LOSS)
    assert document["objective"] == pytest.approx(result.objective, rel=1e-9)
    estimates = {row["parameter"]: row["estimate"] for row in document["parameters"]}
    assert estimates["alpha"] == pytest.approx(result.parameters["alpha"], rel=1e-6)
    assert (document["n"], document["resampled_units"]) == (48, 6)
    assert document["credentials"]["share_of_starts"] > 0


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_other_formats_give_the_same(csv, suffix, capsys):
    run(csv, *COLUMNS, "--json")
    expected = printed(capsys)
    other = csv.with_suffix(suffix)
    duckdb.sql(f"copy (from '{csv}') to '{other}' (format {'parquet' if suffix == '.parquet' else 'json'})")
    assert run(other, *COLUMNS, "--json") == 0
    found = printed(capsys)
    assert found["objective"] == pytest.approx(expected["objective"], rel=1e-9)
    for one, same in zip(found["parameters"], expected["parameters"], strict=True):
        assert one["upper"] == pytest.approx(same["upper"], rel=1e-6)


def test_where_selects_rows(csv, capsys):
    assert (
        run(csv, *COLUMNS, "--json", "--where", "run in ('run0', 'run1', 'run2', 'run3') and size > 0") == 0
    )
    assert printed(capsys)["n"] == 32


def test_where_reaches_no_file_and_no_second_statement(csv, tmp_path, capsys):
    secret = tmp_path / "secret.csv"
    secret.write_text("size,tokens,held out,run\n1,1,1,1\n")
    for condition in (
        f"size in (select size from read_csv('{secret}'))",
        f"size in (select size from '{secret}')",
        f"true) union all select 1, null, size, tokens, \"held out\" from read_csv('{secret}'",
        f"true); copy rows to '{tmp_path}/out.csv'; select (1",
        f"true); set enable_external_access = true; select * from read_text('{secret}') where (true",
        "size > ",
    ):
        assert run(csv, *COLUMNS, "--where", condition) == 2
        assert capsys.readouterr().err.startswith("error: --where: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs.csv", "secret.csv"]


def test_bad_tables_are_one_line(csv, tmp_path, capsys):
    text = csv.read_text()
    zero, words, few, single = (
        tmp_path / name for name in ("zero.csv", "words.csv", "few.csv", "single.csv")
    )
    zero.write_text(text.replace(repr(LOSS.tolist()[2]), "0.0").replace(repr(LOSS.tolist()[4]), "-1"))
    words.write_text(text.replace(repr(LOSS.tolist()[2]), "none"))
    few.write_text("\n".join(text.splitlines()[:4]))
    single.write_text("\n".join(line for line in text.splitlines() if ",run0" in line or "size" in line))
    for path, arguments, line in (
        (zero, COLUMNS, "losses must be positive and finite; rows 3, 5 are not"),
        (words, COLUMNS, f"{words}: column held out (loss) is varchar, not a number"),
        (few, COLUMNS, "3 points cannot fit the 5 parameters of law chinchilla"),
        (
            csv,
            (*COLUMNS, "--where", "size < 1.1e8"),
            "law chinchilla needs at least two values of N; all are 1e+08",
        ),
        (csv, (*COLUMNS, "--where", "size < 0"), f"{csv}: no row satisfies --where"),
        (csv, ("--columns", "N=size", "D=tokens"), "--columns lacks loss: law chinchilla needs N, D, loss"),
        (
            csv,
            ("--columns", "N=size", "D=toks", "loss=held out"),
            f"{csv}: no column 'toks'; it has size, tokens, ",
        ),
        (csv, ("--columns", "f=size"), "--columns f=size: give SYMBOL=COLUMN for N, D, loss"),
        (csv, (*COLUMNS, "--cluster", "seed"), f"{csv}: no column 'seed'; it has size, tokens, "),
        (Path("none.csv"), COLUMNS, "none.csv: no such file"),
        (Path("none.xlsx"), COLUMNS, "none.xlsx: a table is one of .csv, "),
        (csv, (*COLUMNS, "--delta", "0"), "delta = 0 must be finite and positive"),
    ):
        assert run(path, *arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: {line}")
        assert error.count("\n") == 1
