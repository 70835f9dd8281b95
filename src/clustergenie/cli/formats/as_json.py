"""JSON: what the API said, unchanged."""

import json


def document(columns: object, body: object, header: bool) -> str:
    """The body, indented."""
    del columns, header
    return json.dumps(body, indent=2, ensure_ascii=False)
