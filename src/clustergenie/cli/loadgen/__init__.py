"""`clustergenie loadgen`: push job and diagnosis traffic at a chosen rate, and say what came of it."""

from clustergenie.cli.loadgen.command import loadgen

__all__ = ["loadgen"]
