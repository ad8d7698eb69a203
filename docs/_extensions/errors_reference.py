"""The codes of errors as a table, from the registry that server and client share."""

from __future__ import annotations

from odhtec_jupyter.errors import CODES


def errors() -> str:
    """Each code with its status and class, sorted by code."""
    rows = [
        f"| `{code}` | {registered.status} | {{py:class}}`~odhtec_jupyter.errors.{registered.kind.__name__}` |"
        for code, registered in sorted(CODES.items(), key=lambda item: item[0].lower())
    ]
    return "\n".join(["| code | HTTP status | class in Python |", "| --- | --- | --- |", *rows, ""])
