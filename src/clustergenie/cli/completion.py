"""`clustergenie completion`: the script that teaches a shell our commands, options and names."""

from typing import Literal

from clustergenie.cli import output
from clustergenie.cli.tree import build

INSTALL = {
    "bash": "clustergenie completion bash > ~/.local/share/bash-completion/completions/clustergenie",
    "zsh": "clustergenie completion zsh > ~/.zfunc/_clustergenie   # with ~/.zfunc in fpath",
    "fish": "clustergenie completion fish > ~/.config/fish/completions/clustergenie.fish",
}


def completion(shell: Literal["bash", "zsh", "fish"], /, *, program: str = "clustergenie") -> None:
    """Print the completion script of a shell; names are asked from the server while you type.

    Args:
        shell: Which shell.
        program: The command to complete; another name for an alias, as in --program cg.
    """
    output.data(build(program).generate_completion(prog_name=program, shell=shell))
    output.note(f"To keep it: {INSTALL[shell]}")
