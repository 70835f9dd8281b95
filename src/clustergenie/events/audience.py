"""Say for whom events are: the slice above that knows about access fills it in."""


class Audience:
    """Who reads or follows: here, everybody."""

    clusters: frozenset[str] | None = None
    """Only events about these; None for all, and for those about no cluster."""

    def stays(self) -> bool:
        """Whether an open stream may go on."""
        return True


EVERYBODY = Audience()
