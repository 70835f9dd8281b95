"""Run one command: parse, call, and turn what goes wrong into a sentence and an exit code."""

import os
import sys
from collections.abc import Sequence
from itertools import pairwise

from cyclopts import CycloptsError

from clustergenie.cli import output
from clustergenie.cli.failures import INTERRUPTED, USAGE, Failure, explain, render
from clustergenie.cli.tree import build
from clustergenie.cli.typos import wrong_word

BROKEN_PIPE = 141  # what a shell shows for a reader that went away (128 + SIGPIPE)


def main(words: Sequence[str]) -> int:
    """The exit code of one command line."""
    try:
        code = _call(words)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at exit
        return BROKEN_PIPE
    return code


def _call(words: Sequence[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]  # `help cluster list` is `cluster list --help`
    if sentence := wrong_word(words):
        return _tell(Failure(USAGE, sentence, {"type": "usage", "detail": sentence}), words)
    try:
        result = build()(words, exit_on_error=False, print_error=False)
    except CycloptsError as wrong:
        return _tell(_usage(wrong), words)
    except KeyboardInterrupt:
        output.note("")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - explain() raises again what nobody foresaw
        return _tell(explain(error), words)
    return result if isinstance(result, int) else 0


def _usage(wrong: CycloptsError) -> Failure:
    wrong.verbose = False
    sentence = " ".join(str(wrong).split())
    chain = " ".join(["clustergenie", *(wrong.command_chain or ())])
    return Failure(USAGE, sentence, {"type": "usage", "detail": sentence}, (f"see: {chain} --help",))


def _tell(failure: Failure, words: Sequence[str]) -> int:
    output.note(render(failure, as_json=_wants_json(words)))
    return failure.code


def _wants_json(words: Sequence[str]) -> bool:
    """Whether the command line asks for JSON; it may be too wrong to parse, so its words are looked at."""
    named = [after for word, after in pairwise(words) if word in {"-o", "--output"}]
    glued = [word.partition("=")[2] for word in words if word.startswith("--output=")]
    chosen = named + glued or [os.environ.get("CLUSTERGENIE_OUTPUT", "")]
    return chosen[-1] == "json"
