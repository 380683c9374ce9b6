"""The results store: a DuckDB database that runs are appended to and everything else is derived from."""
