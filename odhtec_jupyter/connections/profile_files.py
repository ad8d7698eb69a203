"""Saving a connection as a profile in ``~/.aws/config`` and ``~/.aws/credentials``.

https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html describes both files.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.sources.profiles import profile_paths, profiles_in
from odhtec_jupyter.connections.watched_files import MAX_FILE_BYTES, text_in
from odhtec_jupyter.errors import BadRequest, Conflict, OdhTecError, WorkspaceError

PRIVATE = 0o600  # the mode of a file with keys
PRIVATE_FOLDER = 0o700


def save_profile(connection: Connection) -> None:
    """Add a profile with the name, the endpoint and the keys of a connection. Blocks.

    Existing text of both files stays as it is. Raises :class:`BadRequest` for a connection that a profile cannot
    describe, :class:`Conflict` for the name of an existing profile, and :class:`WorkspaceError` if a file cannot be
    written; then the connection is not saved.
    """
    s3, name = connection.s3, connection.name
    for what, is_set in {
        "is anonymous": s3.anonymous,
        "is read-only": s3.read_only,
        "accepts the costs of requests": s3.requester_pays,
        "has a certificate bundle of its own": connection.ca_bundle,
    }.items():
        if is_set:
            raise BadRequest(f"The connection “{name}” {what}, which an AWS profile cannot say.")
    if not s3.access_key_id:
        raise BadRequest(f"The connection “{name}” has no keys to save.")
    if name in profiles_in(*profile_paths()):
        raise Conflict(f"The AWS configuration already has a profile {name}. Add the connection under another name.")
    config, credentials = profile_paths()
    # The endpoint first: keys without it would be sent to Amazon.
    nested: dict[str, str | None] = {"addressing_style": s3.addressing_style}
    undo = _append(config, f"profile {name}", {"endpoint_url": s3.endpoint, "region": s3.region}, nested)
    keys = {
        "aws_access_key_id": s3.access_key_id,
        "aws_secret_access_key": s3.secret_access_key,
        "aws_session_token": s3.session_token,
    }
    try:
        _append(credentials, name, keys, {}, mode=PRIVATE)
    except OdhTecError:
        undo()
        raise


def _append(
    path: Path, section: str, values: dict[str, str | None], of_s3: dict[str, str | None], *, mode: int | None = None
) -> Callable[[], None]:
    """Add a section to a file, which is replaced in one step; return a function that removes it again.

    With ``mode``, the file gets this mode.
    """
    path = Path(os.path.realpath(path))  # a link stays a link
    lines = [f"[{section}]", *(f"{name} = {value}" for name, value in values.items() if value)]
    if nested := [f"  {name} = {value}" for name, value in of_s3.items() if value]:
        lines += ["s3 =", *nested]
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        before = text_in(path) if path.exists() else ""
        gap = ("" if before.endswith("\n") else "\n") + "\n" if before else ""
        after = before + gap + "\n".join(lines) + "\n"
        if len(after.encode()) > MAX_FILE_BYTES:  # it could not be read again
            raise BadRequest(f"The AWS configuration would have more than {MAX_FILE_BYTES:,} bytes.")
        mode = mode or (path.stat().st_mode & 0o777 if path.exists() else PRIVATE)
        _replace(path, after, mode)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WorkspaceError(f"The AWS configuration cannot be written: {reason}.") from error
    return partial(_replace, path, before, mode)


def _replace(path: Path, text: str, mode: int) -> None:
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by its owner only
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
