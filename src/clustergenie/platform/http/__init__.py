"""Serve HTTP the one way every slice serves it: problems, paging, documented statuses, request ids, metrics."""

from clustergenie.platform.http.application import UnmarkedRoute, build
from clustergenie.platform.http.bulk import MOST, BulkReply, Ids, each
from clustergenie.platform.http.connection import BoundedProtocol, Patience
from clustergenie.platform.http.console import Console
from clustergenie.platform.http.console import routes as console_routes
from clustergenie.platform.http.cors import Cors
from clustergenie.platform.http.docs import routes as docs_routes
from clustergenie.platform.http.hosts import KnownHosts, host_of, is_loopback_host
from clustergenie.platform.http.middleware import Observed
from clustergenie.platform.http.paging import Counts, Page, Paging, fetch_page, paging_dependency
from clustergenie.platform.http.problems import ProblemDocument, exception_handlers, render
from clustergenie.platform.http.routes import (
    ADMIN,
    AGENT,
    ALLOW,
    ANYONE,
    OPERATOR,
    SCOPED,
    VIEWER,
    Allow,
    delete,
    get,
    post,
    put,
)
from clustergenie.platform.http.under_path import UnderPath

__all__ = [
    "ADMIN",
    "AGENT",
    "ALLOW",
    "ANYONE",
    "MOST",
    "OPERATOR",
    "SCOPED",
    "VIEWER",
    "Allow",
    "BoundedProtocol",
    "BulkReply",
    "Console",
    "Cors",
    "Counts",
    "Ids",
    "KnownHosts",
    "Observed",
    "Page",
    "Paging",
    "Patience",
    "ProblemDocument",
    "UnderPath",
    "UnmarkedRoute",
    "build",
    "console_routes",
    "delete",
    "docs_routes",
    "each",
    "exception_handlers",
    "fetch_page",
    "get",
    "host_of",
    "is_loopback_host",
    "paging_dependency",
    "post",
    "put",
    "render",
]
