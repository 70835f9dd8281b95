"""Take secrets out of what is logged, shown or kept: by the name of where they stand, and by their shape."""

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"

_NAMES = re.compile(r"(?i)(token|secret|password|passwd|credential|authorization|api_?key|private_?key|cookie)")
_NO_SECRETS = ("_id", "_at", "_seconds")
_SHAPES = re.compile(
    "|".join(
        (
            r"\bcg[a-z]{0,3}_[A-Za-z0-9_\-]{16,}",  # ours
            r"\bbearer\s+[A-Za-z0-9._~+/\-]{8,}=*",
            r"\b(?:basic|digest)\s+(?=[A-Za-z+/]*[0-9+/=])[A-Za-z0-9+/]{8,}={0,2}",
            r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)",  # credentials in a URL
            r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*",  # a JSON Web Token
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[\s\S])*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
            r"\bdo[opr]_v1_[0-9a-f]{32,}",  # DigitalOcean
            r"\bAKIA[0-9A-Z]{16}\b",  # AWS
            r"\bgh[pousr]_[A-Za-z0-9]{20,}",  # GitHub
            r"\bxox[abeprs]-[A-Za-z0-9\-]{10,}",  # Slack
            r"\bsk-[A-Za-z0-9_\-]{20,}",  # LLM services
        )
    ),
    re.IGNORECASE,
)
_SAID = re.compile(
    r"(?i)((?:[?&#](?:code|key|sig|signature|assertion)|\b(?:[a-z]+_)?(?:token|secret|password|passwd|pwd|api_?key))="
    r"|\bcookie:\s*)[^\s&,;\"']+"
)


def redact(value: Any, key: str = "") -> Any:
    """The value without secrets. What stands under the name of a secret is taken whole, however deep its texts are."""
    if isinstance(value, str):
        if key and _NAMES.search(key) and not key.endswith(_NO_SECRETS):
            return REDACTED
        return _SAID.sub(rf"\1{REDACTED}", _SHAPES.sub(REDACTED, value))
    if isinstance(value, Mapping):
        within = key if _NAMES.search(key) else ""
        return {str(name): redact(inner, within or str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner, key) for inner in value]
    return value
