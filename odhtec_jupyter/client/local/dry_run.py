"""What an upload or a download would do, told before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal

from odhtec_jupyter import models
from odhtec_jupyter.client.local.local_transfer import LocalFile
from odhtec_jupyter.errors import Conflict
from odhtec_jupyter.models import OnConflict

SHOWN = 1000  # files that a dry run names
NAMED = 5  # files in a sentence
What = Literal["overwrite", "skip", "rename", "conflict"]
WHAT: dict[OnConflict, What] = {"overwrite": "overwrite", "skip": "skip", "rename": "rename", "fail": "conflict"}


def plan_of(files: list[LocalFile], is_there: Callable[[LocalFile], bool], policy: OnConflict) -> models.TransferPlan:
    """By name alone: contents are not compared, neither here nor when it is done."""
    decided = [(file, WHAT[policy] if is_there(file) else "create") for file in files]
    return models.TransferPlan(
        counts=dict(Counter(what for _, what in decided)),
        files_total=len(decided),
        bytes_total=sum(file.size for file, what in decided if what not in {"skip", "conflict"}),
        files=[
            models.PlannedFile(source=file.path, target=file.target, size=file.size, what=what)
            for file, what in decided[:SHOWN]
        ],
    )


def refuse(there: list[str], code: str, where: str = "") -> None:
    """Raise :class:`Conflict` when there is anything in the way."""
    if there:
        named = ", ".join(there[:NAMED]) + (f" and {len(there) - NAMED} more" if len(there) > NAMED else "")
        verb = "exists" if len(there) == 1 else "exist"
        advice = "To overwrite, skip or rename, set on_conflict (on the command line --on-conflict)."
        raise Conflict(f"{named} {verb} already{where}. {advice}", code=code)
