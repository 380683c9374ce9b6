"""What dbt does before it opens the warehouse (profiles.yml names this module)."""

from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from warehouse import lake
from warehouse.place import place
from warehouse.store import WarehouseError, connect, drain


class Plugin(BasePlugin):  # type: ignore[misc]  # mypy skips dbt (pyproject.toml)
    """Finds the warehouse and appends what waits in its spool."""

    def update_connection_config(
        self,
        creds: DuckDBCredentials,
        config: dict[str, Any],  # noqa: ARG002  # the hook's signature
    ) -> None:
        """Called before dbt opens the file, which would make it. Raises one line where it is no warehouse."""
        url = creds.attach[0].path if creds.attach else creds.path
        try:
            with connect(url, read_only=True):
                pass
            drain(url)
            if creds.attach:
                where = place(url)
                creds.attach[0].path = lake.source(where)
                creds.attach[0].options = {"data_path": where.data}
        except WarehouseError as error:
            raise DbtRuntimeError(str(error)) from None

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called before dbt attaches a lake."""
        if self.creds is not None and self.creds.attach:
            try:
                lake.load_extensions(conn, self.creds.attach[0].options["data_path"])
            except WarehouseError as error:
                raise DbtRuntimeError(str(error)) from None
            conn.execute(lake.PATIENCE)
