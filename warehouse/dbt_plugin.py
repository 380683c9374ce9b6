"""What dbt does before it opens the warehouse (profiles.yml names this module)."""

from typing import Any

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from warehouse.store import WarehouseError, connect, drain


class Plugin(BasePlugin):  # type: ignore[misc]  # mypy skips dbt (pyproject.toml)
    """Finds the warehouse and appends what waits in its spool."""

    def update_connection_config(
        self,
        creds: DuckDBCredentials,
        config: dict[str, Any],  # noqa: ARG002  # the hook's signature
    ) -> None:
        """Called before dbt opens the file, which would make it. Raises one line where it is no warehouse."""
        try:
            with connect(creds.path, read_only=True):
                pass
            drain(creds.path)
        except WarehouseError as error:
            raise DbtRuntimeError(str(error)) from None
