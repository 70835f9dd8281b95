"""Let people in by another issuer's accounts: authorization code with PKCE, bound to the browser that began it.

What a login must remember until it comes back is in a sealed cookie of that browser, so that any replica can finish it
and nobody else's browser can (RFC 9700 §4.7).
"""

import asyncio
import contextlib
import hashlib
import hmac
import importlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from clustergenie.auth import oidc_plan, oidc_settings
from clustergenie.auth.keyring import Keyring
from clustergenie.auth.models import Oidc
from clustergenie.auth.oidc_models import OidcFixed, OidcNoRole, OidcOff, OidcRefused, OidcSpec, Setup
from clustergenie.auth.principal import Grant
from clustergenie.platform.clock import now
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database
from clustergenie.platform.errors import Problem
from clustergenie.platform.keyfile import Keys
from clustergenie.platform.telemetry import log

COOKIE = "clustergenie_oidc"
LOGIN_SECONDS = 600
_PENDING = "OIDC login"


class Begun(NamedTuple):
    """Where to send the browser, and what it has to bring back."""

    location: str
    cookie: str


class LoggedIn(NamedTuple):
    """Who came back, what they may do, and where they wanted to go."""

    subject: str
    name: str
    grants: tuple[Grant, ...]
    next: str


class _Pending(msgspec.Struct, frozen=True):
    issuer: str
    state: str
    nonce: str
    verifier: str
    next: str
    redirect_uri: str
    expires: float


class OidcLogin:
    """The logins of one process. `start` before use."""

    def __init__(self, db: Database, keyring: Keyring, keys: Keys, settings: Settings) -> None:
        """Raises CannotStart."""
        self._db, self._keyring, self._keys = db, keyring, keys
        self._fixed = oidc_settings.from_environment(settings)
        self._allow = settings.outbound_allow
        self._setup: Setup | None = self._fixed
        self._issuer: Any = None
        self._box: Any = None
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Know what is stored, also when another process changes it."""
        await self._refresh()
        self._keyring.on_change(self._look)

    async def stop(self) -> None:
        """Stop knowing."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking

    def offer(self) -> Oidc:
        """What the login page shows."""
        return Oidc() if self._setup is None else Oidc(True, self._setup.name)

    async def setup(self) -> Setup:
        """The settings in force. Raises OidcOff."""
        await self._refresh()
        if self._setup is None:
            raise OidcOff("Log in with an API key; an admin sets this up with PUT /api/v1/auth/oidc.")
        return self._setup

    async def change(self, spec: OidcSpec) -> Setup:
        """Take these settings, once the issuer has answered. Raises OidcFixed, UnsafeUrl, NotAnswered."""
        self._may_change()
        await self._client().discover(spec.issuer)
        changed = await self._db.write(oidc_settings.store, self._keyring, spec, self._seal)
        self._setup = changed
        return changed

    async def remove(self) -> None:
        """Forget the settings. Raises OidcFixed, OidcOff."""
        self._may_change()
        if not await self._db.write(oidc_settings.remove, self._keyring):
            raise OidcOff
        self._setup = None

    async def begin(self, wanted: str, redirect_uri: str) -> Begun:
        """Send a browser to the issuer. Raises OidcOff, NotAnswered."""
        setup = await self.setup()
        known = await self._client().discover(setup.issuer)
        pending = _Pending(
            issuer=setup.issuer,
            state=secrets.token_hex(32),
            nonce=secrets.token_hex(32),
            verifier=secrets.token_hex(32),
            next=oidc_plan.safe_next(wanted),
            redirect_uri=redirect_uri,
            expires=now().timestamp() + LOGIN_SECONDS,
        )
        challenge = urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": setup.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(setup.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in known.authorization_endpoint else "?"
        sealed = self._sealer().seal(msgspec.json.encode(pending).decode(), _PENDING)
        return Begun(known.authorization_endpoint + joint + urlencode(query), sealed)

    async def finish(self, query: Mapping[str, str], cookie: str | None) -> LoggedIn:
        """Who has come back from the issuer. Raises OidcRefused, OidcNoRole, OidcOff, NotAnswered."""
        setup = await self.setup()
        pending = self._pending(cookie)
        client = self._client()
        known = await client.discover(setup.issuer)
        said = query.get("iss")
        if pending.issuer != setup.issuer or (said is not None and said != setup.issuer):
            raise OidcRefused("The answer is from another issuer than the login. Log in again.")
        if said is None and known.authorization_response_iss_parameter_supported:
            raise OidcRefused("The answer does not say which issuer it is from. Log in again.")
        if not hmac.compare_digest(query.get("state", "").encode(), pending.state.encode()):
            raise OidcRefused("The answer belongs to another login than the one of this browser. Log in again.")
        if "error" in query or not query.get("code"):
            word = query.get("error", "no code")[:64]
            raise OidcRefused(f"{setup.name} refused the login: {word if word.isprintable() else 'error'}.")
        tokens = await client.redeem(setup, self._secret(setup), query["code"], pending.verifier, pending.redirect_uri)
        claims = await client.claims(setup, tokens.id_token)
        subject = oidc_plan.check_claims(
            claims, issuer=setup.issuer, client_id=setup.client_id, nonce=pending.nonce, now=now().timestamp()
        )
        groups = oidc_plan.groups_in(claims, setup.groups_claim)
        if groups is None:
            besides = await client.userinfo(setup, tokens)
            if besides and besides.get("sub") != subject:
                raise OidcRefused("The issuer tells of somebody else than who logged in. Log in again.")
            claims = {**besides, **claims}
            groups = oidc_plan.groups_in(claims, setup.groups_claim) or ()
        name = oidc_plan.name_for(claims, subject)
        grants = oidc_plan.grants_for(groups, setup.groups)
        if not grants:
            raise OidcNoRole(
                f"{name} is known at {setup.name}, but none of their {len(groups)} groups has a role here; "
                "an admin gives it one with PUT /api/v1/auth/oidc."
            )
        return LoggedIn(oidc_plan.subject_for(setup.issuer, subject), name, grants, pending.next)

    async def farewell(self, return_to: str) -> str | None:
        """Where the issuer ends its own session; None where it has no such place. Raises OidcOff, NotAnswered."""
        setup = await self.setup()
        known = await self._client().discover(setup.issuer)
        if known.end_session_endpoint is None:
            return None
        joint = "&" if "?" in known.end_session_endpoint else "?"
        query = urlencode({"client_id": setup.client_id, "post_logout_redirect_uri": return_to})
        return str(known.end_session_endpoint + joint + query)

    def _pending(self, cookie: str | None) -> _Pending:
        try:
            pending = msgspec.json.decode(self._sealer().open(cookie or "", _PENDING), type=_Pending)
        except (Problem, msgspec.DecodeError, msgspec.ValidationError):
            raise OidcRefused("This browser has not begun a login, or finished it already. Log in again.") from None
        if pending.expires < now().timestamp():
            raise OidcRefused("The login took longer than ten minutes. Log in again.")
        return pending

    def _secret(self, setup: Setup) -> str | None:
        if setup.sealed is None:
            return setup.plain
        return str(self._sealer().open(setup.sealed, oidc_settings.PURPOSE))

    def _seal(self, secret: str) -> str:
        return str(self._sealer().seal(secret, oidc_settings.PURPOSE))

    def _may_change(self) -> None:
        if self._fixed is not None:
            raise OidcFixed("CLUSTERGENIE_OIDC_ISSUER and what goes with it decide; change them and start again.")

    async def _refresh(self) -> None:
        self._setup = self._fixed or await self._db.read(oidc_settings.find)

    def _look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look_once())

    async def _look_once(self) -> None:
        try:
            await self._refresh()
        except Problem as problem:  # the database is busy; whoever logs in asks it again
            log().warning("the login settings could not be read", reason=problem.detail)

    # Cryptography and its libraries cost a start 200 ms that few of them need: they are loaded by name, when needed.

    def _client(self) -> Any:
        if self._issuer is None:
            outbound = importlib.import_module("clustergenie.platform.outbound").Outbound(self._allow)
            self._issuer = importlib.import_module("clustergenie.auth.oidc_issuer").Issuer(outbound)
        return self._issuer

    def _sealer(self) -> Any:
        if self._box is None:
            self._box = importlib.import_module("clustergenie.platform.sealing").Box(self._keys)
        return self._box
