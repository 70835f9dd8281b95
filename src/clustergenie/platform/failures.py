"""What a caller of the database can be told when it cannot do what was asked."""

from clustergenie.platform.errors import Invalid, Unavailable


class DatabaseBusy(Unavailable):
    """The database cannot take this write right now."""


class DatabaseWriteFailed(Unavailable):
    """The database could not commit; nothing of this request was kept."""


class DatabaseAway(Unavailable):
    """The database cannot be reached."""


class CommitUnknown(Unavailable):
    """The connection to the database was lost during the commit; whether this request was kept is not known."""


class NotStorable(Invalid):
    """The database cannot hold or compare one of the values."""
