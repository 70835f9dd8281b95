"""`clustergenie doctor`: check everything that can be wrong, and say how to fix it."""

from clustergenie.cli.doctor.command import doctor

__all__ = ["doctor"]
