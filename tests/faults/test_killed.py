"""SIGKILL during imports and uploads: at one moment of each kind, or at twenty.

The seed of the moments is printed. ODHTEC_SEED sets it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

import pytest

from odhtec_jupyter.demo.content import Content, SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.conftest import S3Server
from tests.faults.bucket import EXISTING, Bucket, checksums, require_no_upload_left
from tests.faults.jupyter import Api, KillableServer, Reply
from tests.faults.killer import MIB, Gone, Killer, Moment, moments

MODEL: dict[str, Content | bytes] = {
    "a.bin": SyntheticContent(16 * MIB, seed=1),
    "b.bin": SyntheticContent(9 * MIB + 1, seed=2),
    "config.json": b"{}",
    "d/tokenizer.json": b"t" * 300_000,
    "e.txt": b"",
}
UPLOADED = SyntheticContent(17 * MIB + 5, seed=4)


def require_whole_objects(s3_bucket: Bucket, before: dict[str, str], whole: set[tuple[str, int]]) -> None:
    """Require that existing objects are still there, and that all others are complete."""
    sizes = s3_bucket.sizes()
    assert before.keys() <= sizes.keys()
    assert {(key, size) for key, size in sizes.items() if key not in before or size != len(EXISTING)} <= whole


class Imports:
    """Imports one after the other, each into a folder of its own, until the server was killed often enough."""

    def __init__(self, api: Api, bucket: str, background: ThreadPoolExecutor) -> None:
        self._api, self._bucket, self._background = api, bucket, background
        self.prefixes = ["run1"]
        self.ids: dict[str, str] = {}
        self._posting: Future[None] | None = None

    @property
    def prefix(self) -> str:
        """The target folder of the current import."""
        return self.prefixes[-1]

    def _post(self, prefix: str) -> None:
        # The first import finds existing objects. For the others, objects of an earlier attempt are not conflicts.
        policy = "overwrite" if prefix == "run1" else "fail"
        self.ids[prefix] = self._api.start_import(self._bucket, prefix=prefix, onConflict=policy)["id"]

    def ensure_running(self) -> None:
        """Start the current import unless it runs, or the next one when it has ended."""
        if self.have_ended():
            self.prefixes.append(f"run{len(self.prefixes) + 1}")
        if self.prefix not in self.ids and (self._posting is None or self._posting.done()):
            self._posting = self._background.submit(self._post, self.prefix)

    def ensure_started(self) -> None:
        """Start the last import if its request was lost."""
        if self.prefix not in self.ids:
            self._post(self.prefix)

    def have_ended(self) -> bool:
        """Return whether the current import has ended, so that no further moment occurs."""
        return self.prefix in self.ids and self._api.has_ended(self.ids[self.prefix])

    def find_started(self) -> None:
        """Find the import after a restart of the server: it may have started although its request was not answered."""
        assert self._posting is not None
        error = self._posting.exception()
        assert error is None or isinstance(error, Gone), error
        if self.prefix not in self.ids:
            # Earlier tests used the same server and the same prefixes.
            target = f"s3://{self._bucket}/{self.prefix}/"
            started = [one["id"] for one in self._api.transfers() if one["target"] == target]
            assert len(started) < 2
            self.ids.update((self.prefix, one) for one in started)


def kills(one: dict[str, int], twenty: dict[str, int]) -> pytest.MarkDecorator:
    """Parametrize ``kinds`` with how often the server is killed at each kind of request."""
    assert sum(twenty.values()) == 20
    marathon = pytest.param(twenty, id="twenty", marks=pytest.mark.marathon)
    return pytest.mark.parametrize("kinds", [pytest.param(one, id="one of each kind"), marathon])


def one_of(*kinds: str) -> dict[str, int]:
    return dict.fromkeys(kinds, 1)


@kills(
    one_of("api", "head", "create", "part", "cdn", "put", "complete"),
    {"api": 1, "head": 3, "create": 3, "part": 6, "cdn": 2, "put": 2, "complete": 3},
)
def test_import_survives_kills(
    api: Api,
    killer: Killer,
    s3_bucket: Bucket,
    hub: HubStandIn,
    background: ThreadPoolExecutor,
    s3_server: S3Server,
    kinds: dict[str, int],
) -> None:
    model = hub.add(Repository("org/model"))
    files = model.commit(dict(MODEL)).files
    before = s3_bucket.put("org/model/beside") | s3_bucket.put("run1/a.bin") | s3_bucket.put("run1/config.json")
    plan = moments(kinds, {"head": 5, "create": 2, "part": 2, "cdn": 3, "complete": 2})
    imports = Imports(api, s3_bucket.name, background)
    for moment in plan:
        rule = killer.aim(moment)
        imports.ensure_running()
        while not rule.wait(unless=imports.have_ended):
            moment, rule = killer.aim_again(moment, rule)
            imports.ensure_running()
        killer.kill(moment, rule)
        killer.server.start()
        imports.find_started()
        whole = {(f"{prefix}/{path}", files[path].content.size) for prefix in imports.prefixes for path in files}
        require_whole_objects(s3_bucket, before, whole)
    imports.ensure_started()
    for transfer in imports.ids.values():
        ended = api.ended(transfer)
        assert (ended["state"], ended["error"]) == ("completed", None)
    for prefix in imports.prefixes:
        before |= checksums(model, f"{prefix}/")
    assert s3_bucket.contents() == before
    require_no_upload_left(s3_bucket, s3_server)
    sizes = {f"{prefix}/{path}": files[path].content.size for prefix in imports.prefixes for path in files}
    killer.report(sizes)
    # The checksum needs all bytes in order, so stored parts are read from the hub again.
    received = killer.cdn.traffic.received() + killer.hub.traffic.received("resolve")
    killer.record("read twice from the hub", f"{(received - sum(sizes.values())) / MIB:.1f} MiB")


# --- a resumable upload: the sender continues with the missing parts --------------------------------------------------


def send(api: Api, bucket: str, key: str) -> None:
    """Upload as the panel does: start or continue, send the missing parts, complete."""
    policy = "overwrite" if key == "file1.bin" else "fail"
    upload = api.call(
        "POST",
        "uploads",
        {"bucket": bucket, "key": key, "size": UPLOADED.size, "lastModified": 1, "onConflict": policy},
    )
    stored = {part["number"] for part in upload["parts"]}
    size = upload["partSize"]

    def part(number: int) -> None:
        start, stop = (number - 1) * size, min(number * size, UPLOADED.size)
        body = (bytes(chunk) for chunk in UPLOADED.chunks(start, stop))
        api.call("PUT", f"uploads/{upload['uploadId']}/{number}", data=body, size=stop - start)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(part, [n for n in range(1, upload["partCount"] + 1) if n not in stored]))
    api.call("POST", f"uploads/{upload['uploadId']}/complete")


@kills(one_of("head", "create", "part", "complete"), {"head": 2, "create": 3, "part": 12, "complete": 3})
def test_upload_survives_kills(
    api: Api,
    killer: Killer,
    s3_bucket: Bucket,
    background: ThreadPoolExecutor,
    s3_server: S3Server,
    kinds: dict[str, int],
) -> None:
    before = s3_bucket.put("beside") | s3_bucket.put("file1.bin")
    plan = moments(kinds, {"part": 2})
    number, sending = 1, None
    for moment in plan:
        rule = killer.aim(moment)
        while True:
            if sending is None or sending.done():
                if sending is not None and sending.exception() is None:
                    number += 1
                sending = background.submit(send, api, s3_bucket.name, f"file{number}.bin")
            if rule.wait(unless=sending.done):
                break
            assert sending.exception() is None, "only an upload during a kill may fail"
            moment, rule = killer.aim_again(moment, rule)
        killer.kill(moment, rule)
        killer.server.start()
        assert sending.exception() is None or isinstance(sending.exception(), Gone)
        require_whole_objects(s3_bucket, before, {(f"file{one}.bin", UPLOADED.size) for one in range(1, number + 1)})
    send(api, s3_bucket.name, f"file{number}.bin")
    keys = [f"file{one}.bin" for one in range(1, number + 1)]
    assert s3_bucket.contents() == before | dict.fromkeys(keys, UPLOADED.sha256)
    require_no_upload_left(s3_bucket, s3_server)
    killer.report(dict.fromkeys(keys, UPLOADED.size))


# --- a streamed upload: the sender has to start again, and nothing may be left over -----------------------------------


def pretend_ten_minutes(server: KillableServer) -> None:
    """Date a Complete without a reply ten minutes back, because S3 could still be working on a newer one."""
    with closing(sqlite3.connect(server.folder / "data" / "odhtec" / "journal.sqlite")) as journal, journal:
        journal.execute("UPDATE pending_writes SET completing_at = completing_at - 600")


@pytest.mark.parametrize(
    "moment",
    [Moment("create", of="reply"), Moment("part", nth=2, after=MIB), Moment("complete")],
    ids=["create", "part", "complete"],
)
def test_killed_streamed_upload_leaves_no_upload(
    api: Api, killer: Killer, s3_bucket: Bucket, background: ThreadPoolExecutor, s3_server: S3Server, moment: Moment
) -> None:
    before = s3_bucket.put("beside") | s3_bucket.put("file.bin")

    def body() -> Iterator[bytes]:
        return (bytes(chunk) for chunk in UPLOADED.chunks(0, UPLOADED.size))

    rule = killer.aim(moment)
    sending = background.submit(api.upload, s3_bucket.name, "file.bin", body(), UPLOADED.size)
    assert rule.wait()
    killer.kill(moment, rule)
    assert isinstance(sending.exception(), (*Gone, Reply))
    pretend_ten_minutes(killer.server)
    killer.server.start()
    # The server aborts the upload in the background. If its id was lost, the server finds the upload in S3's list; see
    # require_no_upload_left for moto.
    end = "list-uploads" if moment.kind == "create" and s3_server.name == "moto" else "abort"
    killer.s3.traffic.wait(lambda: any(one.acknowledged for one in killer.s3.traffic.seen(end)))
    assert s3_bucket.contents() == before
    require_no_upload_left(s3_bucket, s3_server)
    api.upload(s3_bucket.name, "file.bin", body(), UPLOADED.size)
    assert s3_bucket.contents() == before | {"file.bin": UPLOADED.sha256}
