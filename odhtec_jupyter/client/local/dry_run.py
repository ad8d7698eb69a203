"""The result of a dry run of an upload or download, and the refusal of conflicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from odhtec_jupyter import models
from odhtec_jupyter.client.local.local_file import LocalFile, LocalPlan
from odhtec_jupyter.errors import Conflict
from odhtec_jupyter.models import OnConflict

MAX_LISTED_FILES = 1000  # in a dry run
MAX_NAMED_FILES = 5  # in a sentence
Outcome = Literal["overwrite", "skip", "rename", "conflict"]
OUTCOMES: dict[OnConflict, Outcome] = {
    "overwrite": "overwrite",
    "skip": "skip",
    "rename": "rename",
    "fail": "conflict",
}


def dry_run(plan: LocalPlan, exists: Callable[[LocalFile], bool], policy: OnConflict) -> models.TransferPlan:
    """Return what happens to each file. Names decide: neither the dry run nor the transfer compares contents."""
    outcomes = [(file, OUTCOMES[policy] if exists(file) else "create") for file in plan.files]
    planned = [
        models.PlannedFile(source=file.path, target=file.target, size=file.size, what=what) for file, what in outcomes
    ]
    planned += [models.PlannedFile(source=one, target="", size=None, what="omit") for one in plan.left_out]
    return models.TransferPlan(
        counts=dict(Counter(one.what for one in planned)),
        files_total=len(planned),
        bytes_total=sum(file.size for file, what in outcomes if what not in {"skip", "conflict"}),
        files=planned[:MAX_LISTED_FILES],
    )


def refuse_conflicts(existing: Sequence[str], code: str, where: str = "") -> None:
    """Raise :class:`Conflict` if anything would be replaced."""
    if existing:
        verb = "exists" if len(existing) == 1 else "exist"
        advice = "To overwrite, skip or rename, set on_conflict (on the command line --on-conflict)."
        raise Conflict(f"{_names(existing)} {verb} already{where}. {advice}", code=code)


def left_out_notice(left_out: Sequence[str]) -> str:
    """Return a sentence that names the entries that a transfer leaves out."""
    return f"Left out: {_names(left_out)}."


def _names(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMED_FILES
    return ", ".join(names[:MAX_NAMED_FILES]) + (f" and {more} more" if more > 0 else "")
