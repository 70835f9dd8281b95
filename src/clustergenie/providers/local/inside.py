"""Become a command inside a local droplet: under its limits, likelier than its agent to end when memory runs out.

Run as `python -I -S inside.py DIRECTORY COMMAND [ARGUMENT …]` by enter.py, with the droplet's mark in the environment.
"""

import json
import os
import sys


def main(state: str, command: list[str]) -> int:
    """Exit codes follow the shells: 125 cannot enter, 126 cannot run, 127 not found."""
    try:
        with open(f"{state}/machine.json", encoding="utf-8") as file:  # noqa: PTH123  pathlib costs more than the rest
            cgroups = json.load(file)["cgroups"]
        for path in {value for value in cgroups.values() if isinstance(value, str)}:
            with open(f"{path}/cgroup.procs", "w", encoding="ascii") as file:  # noqa: PTH123
                file.write("0")
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write("500")
        os.makedirs(f"{state}/root", 0o700, exist_ok=True)  # noqa: PTH103
        os.chdir(f"{state}/root")
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"cannot enter the droplet: {error}\n")
        return 125
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
        return 127 if isinstance(error, FileNotFoundError) else 126


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
