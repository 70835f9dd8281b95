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
    public_url: str | None = None,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    tls_ca: Path | None = None,
    auth: str | None = None,
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
        public_url: Where browsers and agents reach it, if not at that address and port.
        tls_cert: The certificate to serve HTTPS with, and those between it and its root, as PEM.
        tls_key: Its private key, as PEM.
        tls_ca: The root by which agents know the certificate, where their system does not know it.
        auth: auto, required, or off (on a loopback address only).
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
        public_url=public_url,
        tls_cert=str(tls_cert) if tls_cert else None,
        tls_key=str(tls_key) if tls_key else None,
        tls_ca=str(tls_ca) if tls_ca else None,
        auth=auth,
    )
    with starting():
        borrow("serve")(settings)
