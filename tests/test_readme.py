"""Every command in the README runs, here on the smoke study, and says what the README says it does."""

import io
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from runner.declaration import study_from
from tests.workplace import ROOT, Workplace

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip()
    for line in README.splitlines()
    if line.startswith("    ") and line.split()[0] in ("make", "python", "dbt", "quarto")
]
FOUR = ["python -m runner sweep", "dbt build", "python -m analysis fit", "quarto render report/"]

ALLOCATE = "python -m analysis allocate --budget 1e6 --cost-step 1 --cost-point 100"
ANY_TABLE = (
    "python -m analysis fit --csv losses.csv --law chinchilla --columns N=params D=tokens loss=loss --json"
)

FETCH = "python -m runner data fetch enron --from enron_mail_20150507.tar.gz"
PAPER = "python -m runner plan --study barnett2024 --gpu-memory 80"

SLURM = "python -m runner sweep --study mine.yml --slurm --nodes 4 --gpus-per-node 8 --time 24:00:00"

IMPORT = (
    "python -m warehouse import runs.csv --study theirs --map p=steps f=examples loss=val_loss "
    "--set dataset=code context=256"
)

# How each runs on the smoke study, in this order; the two of make are looked at below.
ON_SMOKE = {
    "python -m runner plan --study mine.yml": "python -m runner plan --study {mine}",
    "python -m runner sweep": "python -m runner sweep --study smoke",
    "python -m runner sweep --study mine.yml": "python -m runner sweep --study {smoke}",
    "python -m runner status --study mine.yml": "python -m runner status --study {smoke}",
    "python -m runner sweep --study mine.yml --workers auto": (
        "python -m runner sweep --study {smoke} --workers auto"
    ),
    "python -m runner sweep --study mine.yml --shard 1/4": (
        "python -m runner sweep --study {smoke} --shard 1/4"
    ),
    SLURM: SLURM.replace("mine.yml", "{smoke}") + " --dry-run",
    "python -m runner status --study mine.yml --watch": "python -m runner status --study {smoke} --watch",
    PAPER: PAPER,
    "python -m runner data list": "python -m runner data list",
    "python -m runner data show statistics": "python -m runner data show statistics",
    FETCH: FETCH.replace("enron_mail", "{folder}/enron_mail"),
    "python -m warehouse status": "python -m warehouse status",
    "python -m warehouse verify": "python -m warehouse verify",
    "python -m warehouse export tables": "python -m warehouse export {folder}/tables",
    IMPORT: IMPORT.replace("runs.csv", "{folder}/runs.csv"),
    "dbt build": "dbt build --target-path {target} --log-path {target}",
    "python -m analysis fit": "python -m analysis fit",
    "python -m analysis transfer": "python -m analysis transfer --replicates 50",
    ALLOCATE: ALLOCATE,
    "python -m analysis cv": "python -m analysis cv --study smoke",
    "python -m analysis compare": "python -m analysis compare --study smoke",
    ANY_TABLE: ANY_TABLE.replace("losses.csv", "{losses}"),
    "quarto render report/": "python -m report --study smoke --output {output}",
}


@pytest.fixture(scope="module")
def here(smoke: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A copy of the swept smoke study."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copy(smoke.warehouse, folder)
    example = README.partition("```yaml\n")[2].partition("```")[0]
    (folder / "mine.yml").write_text(example)
    shutil.copy(ROOT / "runner" / "studies" / "smoke.yml", folder / "smoke.yml")
    losses = [
        f"{n},{d},{1.7 + 400 * n**-0.34 + 410 * d**-0.28}" for n in (1e6, 1e7, 1e8) for d in (1e8, 1e9, 1e10)
    ]
    (folder / "losses.csv").write_text("\n".join(["params,tokens,loss", *losses]))
    runs = [
        f"{p},{n},{(4 * p**-0.5 + 1) * n**-0.2 + 1}" for p in (64, 128, 256, 512) for n in (8, 16, 32, 64)
    ]
    (folder / "runs.csv").write_text("\n".join(["steps,examples,val_loss", *runs]))
    with tarfile.open(folder / "enron_mail_20150507.tar.gz", "w:gz") as archive:
        for number in range(12):
            mail = f"Message-ID: <{number}>\nFrom: a@enron.com\n\n{'A mail of some length. ' * 9}{number}\n"
            member = tarfile.TarInfo(f"maildir/a/{number}.")
            member.size = len(mail)
            archive.addfile(member, io.BytesIO(mail.encode()))
    return Workplace(folder, smoke.cache)


def test_no_command_is_left_out() -> None:
    assert set(COMMANDS) == {"make demo", "make test", *ON_SMOKE}


def test_the_example_study_is_valid(here: Workplace) -> None:
    assert study_from(str(here.folder / "mine.yml")).study == "mine"


@pytest.mark.parametrize("command", ON_SMOKE)
def test_command(here: Workplace, command: str) -> None:
    places = {
        "mine": here.folder / "mine.yml",
        "smoke": here.folder / "smoke.yml",
        "target": here.folder / "target",
        "losses": here.folder / "losses.csv",
        "output": here.folder / "output",
        "folder": here.folder,
    }
    words = [word.format(**places) for word in ON_SMOKE[command].split()]
    environment = here.environment
    if command == FETCH:  # the tests' cache keeps no source of this one
        environment |= {"TRANSFER_LAWS_CACHE": str(here.folder / "cache")}
    program = {"python": sys.executable, "dbt": str(Path(sys.executable).with_name("dbt"))}
    done = subprocess.run(
        [program[words[0]], *words[1:]], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if command == "python -m analysis fit":
        assert re.search(r"alpha|α", done.stdout)
    if command == "quarto render report/":
        assert len(list((here.folder / "output").rglob("*.png"))) >= 3


def test_make_demo_is_exactly_the_four_commands() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [line for line in planned.splitlines() if line in FOUR][:3] == FOUR[:3]
    assert f"then {FOUR[3]}" in planned


def test_the_four_commands_stand_in_the_readme_in_order() -> None:
    assert [command for command in COMMANDS if command in FOUR] == FOUR
