"""Serve HTTP the one way every slice serves it: problems, paging, documented statuses, request ids, metrics."""

from clustergenie.platform.http.application import build
from clustergenie.platform.http.bulk import MOST, BulkReply, Ids, each
from clustergenie.platform.http.console import Console
from clustergenie.platform.http.console import routes as console_routes
from clustergenie.platform.http.middleware import Observed
from clustergenie.platform.http.paging import Counts, Page, Paging, fetch_page, paging_dependency
from clustergenie.platform.http.problems import ProblemDocument, exception_handlers, render
from clustergenie.platform.http.routes import delete, get, post, put
from clustergenie.platform.http.under_path import UnderPath

__all__ = [
    "MOST",
    "BulkReply",
    "Console",
    "Counts",
    "Ids",
    "Observed",
    "Page",
    "Paging",
    "ProblemDocument",
    "UnderPath",
    "build",
    "console_routes",
    "delete",
    "each",
    "exception_handlers",
    "fetch_page",
    "get",
    "paging_dependency",
    "post",
    "put",
    "render",
]
