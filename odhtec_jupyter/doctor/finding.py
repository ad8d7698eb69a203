"""What a step has found."""

from __future__ import annotations

from dataclasses import dataclass

from odhtec_jupyter.models import CheckStatus


@dataclass(frozen=True)
class Finding:
    """The result of one step, with the sentence for the user."""

    status: CheckStatus
    message: str


def ok(message: str) -> Finding:
    """Return the result of a step that found nothing wrong."""
    return Finding("ok", message)


def warning(message: str) -> Finding:
    """Return the result of a step that found something which does not prevent the next steps."""
    return Finding("warning", message)


def failed(message: str) -> Finding:
    """Return the result of a step that failed. Steps that need it are skipped."""
    return Finding("failed", message)


def skipped(message: str) -> Finding:
    """Return the result of a step that does not apply."""
    return Finding("skipped", message)
