"""`clustergenie simulated-cloud`: run a cloud that is not there, for several replicas to share."""

from pathlib import Path

from clustergenie.cli.server import borrow, starting


def simulated_cloud(
    *,
    state: Path,
    host: str = "127.0.0.1",
    port: int = 9090,
    servers: str = "",
    seed: int = 0,
    log_level: str = "info",
) -> None:
    """Run a simulated cloud; replicas reach it by CLUSTERGENIE_SIMULATED_URL. Whoever reaches it may do anything.

    Args:
        state: The directory that keeps its machines.
        host: The address to listen on (127.0.0.1).
        port: The port to listen on (9090).
        servers: Where its agents find the control plane, separated by commas; else where each order says.
        seed: What its chances are drawn from.
        log_level: debug, info, warning or error.
    """
    with starting():
        borrow("simulated_cloud")(
            host=host, port=port, state=state.absolute(), servers=servers, seed=seed, log_level=log_level
        )
