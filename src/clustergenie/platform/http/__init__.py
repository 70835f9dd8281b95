"""Serve HTTP the one way every slice serves it: problems, paging, documented statuses, request ids, metrics."""

from clustergenie.platform.http.application import build, unknown_path
from clustergenie.platform.http.docs import routes as docs_routes
from clustergenie.platform.http.middleware import Observed
from clustergenie.platform.http.paging import Page, Paging, fetch_page, paging_dependency
from clustergenie.platform.http.problems import ProblemDocument, exception_handlers, render
from clustergenie.platform.http.routes import delete, get, post, put

__all__ = [
    "Observed",
    "Page",
    "Paging",
    "ProblemDocument",
    "build",
    "delete",
    "docs_routes",
    "exception_handlers",
    "fetch_page",
    "get",
    "paging_dependency",
    "post",
    "put",
    "render",
    "unknown_path",
]
