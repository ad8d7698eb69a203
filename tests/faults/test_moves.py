"""The server is killed during a move: at every moment, each file is at the source or at the target."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from tests.conftest import S3Server
from tests.faults.bucket import Bucket, require_no_upload_left
from tests.faults.jupyter import Api, KillableServer
from tests.faults.killer import MIB, Killer, Moment

FILES = {
    "large.bin": SyntheticContent(17 * MIB + 7, seed=1),
    "d/small.bin": SyntheticContent(100_000, seed=2),
    "e/other.bin": SyntheticContent(9 * MIB, seed=3),
}
EXPECTED = {path: content.sha256 for path, content in FILES.items()}

# The server is killed at these moments, one after the other, until the move has ended.
MOMENTS = {
    "workspace to S3": [
        Moment("part", 2, MIB),
        Moment("complete", of="reply"),
        Moment("head", 2, of="reply"),
        Moment("complete", arrives=True),
    ],
    "S3 to workspace": [
        Moment("get", 2, of="reply"),
        Moment("delete"),
        Moment("delete", of="reply"),
        Moment("head", of="reply"),
    ],
    "S3 to S3": [
        Moment("copy", of="reply"),
        Moment("copy", arrives=True),
        Moment("head", of="reply"),
        Moment("delete", of="reply"),
    ],
}


class Location:
    """A folder of the workspace or of the bucket."""

    def __init__(self, s3_bucket: Bucket, work: Path, uri: str) -> None:
        self.uri = uri
        self._bucket = s3_bucket
        scheme, _, rest = uri.partition("://")
        self._prefix = rest.partition("/")[2] if scheme == "s3" else ""
        self._folder = work / rest if scheme == "workspace" else None

    def fill(self) -> None:
        """Store the files."""
        for path, content in FILES.items():
            if self._folder is None:
                self._bucket.put(self._prefix + path, content.read())
            else:
                (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / path).write_bytes(content.read())

    def contents(self) -> dict[str, str]:
        """Return the SHA-256 of each file by its path."""
        if self._folder is None:
            found = self._bucket.contents()
            return {key[len(self._prefix) :]: one for key, one in found.items() if key.startswith(self._prefix)}
        files = [path for path in self._folder.rglob("*") if path.is_file()]
        digests = {p.relative_to(self._folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
        return {path: one for path, one in digests.items() if not path.endswith(".odhtec-part")}


@pytest.mark.parametrize("direction", MOMENTS)
def test_killed_move_loses_nothing(
    api: Api, killer: Killer, server: KillableServer, s3_bucket: Bucket, s3_server: S3Server, direction: str
) -> None:
    uris = {"workspace": f"workspace://moved-{s3_server.name}/", "S3": f"s3://{s3_bucket.name}/"}
    start, _, end = direction.partition(" to ")
    source = Location(s3_bucket, server.work, uris[start] + f"{direction.replace(' ', '-')}/")
    target = Location(s3_bucket, server.work, uris[end] + "there/")
    source.fill()
    request = {"action": "move", "source": source.uri, "target": target.uri}

    rule = killer.aim(MOMENTS[direction][0], alone=True)
    transfer = api.call("POST", "transfers", request)["id"]
    for number, moment in enumerate(MOMENTS[direction], 1):
        if not rule.wait(unless=lambda: api.has_ended(transfer)):
            break
        killer.kill(moment, rule)
        here, there = source.contents(), target.contents()
        assert here.items() | there.items() == EXPECTED.items()
        if number < len(MOMENTS[direction]):
            rule = killer.aim(MOMENTS[direction][number], alone=True)
        server.start()
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert source.contents() == {}
    assert target.contents() == EXPECTED
    require_no_upload_left(s3_bucket, s3_server)
    assert killer.kills >= 3
