"""`clustergenie serve`: start the control plane."""

from pathlib import Path

from clustergenie.cli.server import borrow, settings_for, starting


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: Path | None = None,
    database_url: str | None = None,
    worker_count: int | None = None,
    worker_queue: int | None = None,
    log_level: str | None = None,
    environment: str | None = None,
    role: str | None = None,
) -> None:
    """Start the control plane, with everything in this process unless --role says otherwise.

    Args:
        host: The address to listen on (127.0.0.1).
        port: The port to listen on (8080).
        data_dir: Where the database and the local droplets live.
        database_url: Another database than SQLite in the data directory.
        worker_count: How many jobs run at a time.
        worker_queue: How many claimed jobs may wait in memory.
        log_level: debug, info, warning or error.
        environment: The label that logs and metrics carry: dev, staging, production…
        role: What this process does: all of it is `all`.
    """
    settings = settings_for(
        host=host,
        port=port,
        data_dir=str(data_dir) if data_dir else None,
        database_url=database_url,
        worker_count=worker_count,
        worker_queue=worker_queue,
        log_level=log_level,
        environment=environment,
        role=role,
    )
    with starting():
        borrow("serve")(settings)
