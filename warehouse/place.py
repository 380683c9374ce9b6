"""Where a warehouse is: a DuckDB file, or a DuckLake whose catalogue is in PostgreSQL.

    warehouse.duckdb
    ducklake:postgres:dbname=laws host=db.example user=me data_path=/shared/laws

A lake's URL holds libpq's parameters (never a password: that comes from PGPASSWORD or ~/.pgpass) and
    data_path   the folder, or s3:// address, of its data files
    spool       the folder of its spool; default: data_path with .spool after it
    snapshot    an earlier state of the lake, to be read and not written
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from warehouse.migrations import WarehouseError

LAKE = "ducklake:postgres:"
_LIBPQ = (
    *("host", "hostaddr", "port", "dbname", "user", "service", "passfile", "connect_timeout"),
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "target_session_attrs"),
)
_OURS = ("data_path", "spool", "snapshot")
_PAIR = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']*)(?=\s|$)")
_WITHIN_S = "5"  # to reach a server; a sweep's append waits for this at worst


@dataclass(frozen=True)
class Place:
    """name: what messages call it. spool: the folder of records that wait for it.

    Of a file: its path. Of a lake: libpq's parameters without a password, the data files' folder, and the
    snapshot that is meant, None being the latest.
    """

    name: str
    spool: Path
    file: Path | None = None
    catalogue: str = ""
    data: str = ""
    snapshot: int | None = None


class MissingError(WarehouseError):
    """There is no warehouse at a place."""

    def __init__(self, where: Place) -> None:
        super().__init__(
            f"{where.name}: no such warehouse: `python -m runner sweep` makes one with runs in it, "
            "`python -m warehouse migrate` an empty one"
        )


def default_url() -> str:
    """The warehouse that is meant where none is named."""
    return os.environ.get("TRANSFER_LAWS_WAREHOUSE") or "warehouse.duckdb"


def place(url: str | None = None) -> Place:
    """The place that a URL names. Raises WarehouseError, without the URL's text, where it names none."""
    url = url or default_url()
    if url.startswith(LAKE):
        return _lake(url.removeprefix(LAKE))
    if url.startswith("ducklake:"):
        raise WarehouseError(f"a lake's catalogue is in PostgreSQL: {LAKE}dbname=… data_path=…")
    file = Path(url).absolute()
    return Place(str(file), file.with_name(file.name + ".spool"), file)


def _lake(text: str) -> Place:
    pairs: dict[str, str] = {}
    at = 0
    while text[at:].strip():
        found = _PAIR.match(text, at)
        if found is None:
            raise WarehouseError(f"the lake's URL is not {LAKE}key=value key=value …")
        key, value = found.groups()
        pairs[key] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith("'") else value
        at = found.end()
    if "password" in pairs or "sslpassword" in pairs:
        raise WarehouseError("the lake's URL holds a password: give it in PGPASSWORD or ~/.pgpass instead")
    if unknown := [key for key in pairs if key not in (*_LIBPQ, *_OURS)]:
        known = ", ".join((*_LIBPQ, *_OURS))
        raise WarehouseError(f"the lake's URL has the unknown key {unknown[0]!r}; known are {known}")
    data = pairs.get("data_path", "")
    if not data:
        raise WarehouseError("the lake's URL has no data_path, the folder of its data files")
    remote = "://" in data
    if not remote:
        data = str(Path(data).absolute())
    if remote and "spool" not in pairs:
        raise WarehouseError("the lake's data_path is no folder, so its URL needs a spool=FOLDER")
    snapshot = pairs.get("snapshot")
    if snapshot is not None and not re.fullmatch(r"\d{1,18}", snapshot):
        raise WarehouseError(f"the lake's snapshot is a number, not {snapshot!r}")
    server = {key: value for key, value in pairs.items() if key in _LIBPQ}
    name = "the lake " + server.get("dbname", server.get("service", ""))
    name = name.rstrip() + (f" on {server['host']}" if server.get("host") else "")
    return Place(
        name=name if snapshot is None else f"{name}, snapshot {snapshot}",
        spool=Path(pairs.get("spool", data + ".spool")).absolute(),
        catalogue=" ".join(
            f"{key}='{_escaped(value)}'" for key, value in ({"connect_timeout": _WITHIN_S} | server).items()
        ),
        data=data,
        snapshot=None if snapshot is None else int(snapshot),
    )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
