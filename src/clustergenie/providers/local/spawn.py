"""Start a droplet's agent: its own session, a clean environment with the droplet's mark, nothing secret in sight."""

import hashlib
import os
import py_compile
import signal
import sys
from importlib.resources import files
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from clustergenie.providers.local import records

KEPT = {"PATH", "LANG", "LC_ALL", "TZ"}
DEFAULTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD)


def source() -> Path:
    """The agent's own file."""
    return Path(str(files("clustergenie") / "agent.py"))


def compiled(root: Path, python: str) -> Path:
    """The agent compiled once, which spares each droplet 12 ms and 3 MB.

    Its source where that cannot be kept, or another Python than ours is to run it.
    """
    agent = source()
    if python != sys.executable:
        return agent
    key = hashlib.sha256(MAGIC_NUMBER + agent.read_bytes()).hexdigest()[:16]
    target = root / f"agent-{key}.pyc"
    if not target.exists():
        try:
            py_compile.compile(str(agent), cfile=str(target), doraise=True)
        except (OSError, py_compile.PyCompileError):
            return agent
        for old in set(root.glob("agent-*.pyc")) - {target}:
            old.unlink(missing_ok=True)
    return target


def environment(state: Path, intent: records.Intent) -> dict[str, str]:
    """What a process inside a droplet sees: of the control plane's environment only the paths, the locale and marks."""
    return {
        **{name: value for name, value in os.environ.items() if name in KEPT or name.startswith("CG_")},
        "CG_DROPLET_ID": intent.droplet_id,
        "CG_STATE_DIR": str(state),
        "CG_INSTALLATION": intent.installation,
        "HOST": intent.address,
    }


def agent(python: str, program: Path, state: Path, intent: records.Intent) -> int:
    """Start the agent and return its pid. Costs about 1 ms: posix_spawn does not copy this process."""
    bootstrap = state / records.BOOTSTRAP
    return os.posix_spawn(
        python,
        [python, "-I", "-S", str(program), "--bootstrap", str(bootstrap), "--state", str(state)],
        environment(state, intent),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(state / "agent.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=DEFAULTS,
    )
