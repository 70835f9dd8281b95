"""`clustergenie demo`: play the whole story on a running server, and say what it does."""

from clustergenie.cli.demo.command import demo

__all__ = ["demo"]
