"""What the routes of logins need: the keys in force, how long a session lasts, and where its cookie belongs."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from litestar import Request

from clustergenie.auth import browser, credentials
from clustergenie.auth.keyring import Keyring
from clustergenie.auth.models import Oidc
from clustergenie.auth.sessions import Visitor


class Reception:
    """Handlers get it as `reception`. `oidc` tells how the login of another issuer is offered, if one is."""

    def __init__(
        self, keyring: Keyring, *, lasts: dt.timedelta, path: str, public_url: str = "", oidc: Callable[[], Oidc] = Oidc
    ) -> None:
        self.keyring, self.lasts, self.oidc = keyring, lasts, oidc
        self._public_url = public_url
        self._path = path

    @property
    def home(self) -> str:
        """The path of the console, with a slash at its end."""
        return self._path

    def address(self, request: Request[Any, Any, Any]) -> str:
        """Where a browser finds us, with a slash at its end: the public URL, else what it has just called us by."""
        if self._public_url:
            return f"{self._public_url}/"
        scheme = "https" if browser.is_secure(request.scope, browser.headers_of(request.scope)) else "http"
        return f"{scheme}://{request.headers.get('host', '')}{self._path}"

    def visitor(self, request: Request[Any, Any, Any], subject: str, name: str, key_id: str | None) -> Visitor:
        """Who asks, with where they ask from."""
        agent = request.headers.get("user-agent", "")
        return Visitor("session", subject, name, key_id, (), browser.peer(request.scope), agent)

    def cookie_of(self, request: Request[Any, Any, Any]) -> str | None:
        """The session the browser has, in force or not; None for what cannot be one of ours."""
        value = browser.session_cookie(browser.headers_of(request.scope))
        return value if value is not None and credentials.is_session(value) else None

    def cookie(self, request: Request[Any, Any, Any], token: str | None) -> str:
        """The header that gives the browser a session; None takes it away."""
        secure = browser.is_secure(request.scope, browser.headers_of(request.scope))
        seconds = int(self.lasts.total_seconds()) if token is not None else 0
        return browser.set_cookie(token or "", path=self._path, secure=secure, seconds=seconds)
