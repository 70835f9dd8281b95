"""Live under a path of a reverse proxy's, whether the proxy strips it or not."""

from typing import Any

from clustergenie.platform.http.middleware import App, Scope


class UnderPath:
    """Takes `base_path` (no slash at its end) off the front of every path that has it."""

    def __init__(self, app: App, base_path: str) -> None:
        self._app, self._base = app, base_path

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """ASGI."""
        path = scope.get("path", "")
        if self._base and (path == self._base or path.startswith(self._base + "/")):
            scope["path"] = path[len(self._base) :] or "/"
            scope["raw_path"] = scope["path"].encode()
        await self._app(scope, receive, send)
