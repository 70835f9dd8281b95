"""Type the product description's commands as they stand there, with curl itself."""

import json
import shlex
import socket
import subprocess
from typing import Any

KTD_PORT = 8080


def free() -> bool:
    """Whether this test may have the port that the product description names."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", KTD_PORT))
        except OSError:
            return False
        return True


def typed(command: str, port: int) -> tuple[int, Any]:
    """Run a command line of the product description; its status and JSON body. Only a taken port is replaced."""
    words = shlex.split(command if port == KTD_PORT else command.replace(f":{KTD_PORT}", f":{port}"))
    assert words[0] == "curl"
    told = subprocess.run(
        [*words, "--silent", "--show-error", "--max-time", "30", "--noproxy", "*", "--write-out", "\n%{http_code}"],
        capture_output=True,
        text=True,
        timeout=40,
    )
    assert told.returncode == 0, told.stderr
    body, _, status = told.stdout.rpartition("\n")
    return int(status), json.loads(body) if body.startswith(("{", "[")) else body
