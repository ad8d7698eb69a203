"""SIGKILL at one moment of each kind, or at twenty, of an import and of a resumable upload; at some of a streamed one.

The seed of the moments is printed; ODHTEC_SEED sets it.
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
from tests.faults.bucket import BEFORE, Bucket, checksums, nothing_left_over
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


def nothing_half_written(holding: Bucket, before: dict[str, str], whole: set[tuple[str, int]]) -> None:
    """What was there is there, and what is visible is either that or whole."""
    sizes = holding.sizes()
    assert before.keys() <= sizes.keys()
    assert {(key, size) for key, size in sizes.items() if key not in before or size != len(BEFORE)} <= whole


class Imports:
    """One import after another, each into a folder of its own, until there were enough moments to kill the server."""

    def __init__(self, api: Api, bucket: str, aside: ThreadPoolExecutor) -> None:
        self._api, self._bucket, self._aside = api, bucket, aside
        self.prefixes = ["run1"]
        self.ids: dict[str, str] = {}
        self._posting: Future[None] | None = None

    @property
    def prefix(self) -> str:
        """The present one's."""
        return self.prefixes[-1]

    def _post(self, prefix: str) -> None:
        # In the first one's way are objects. For the others, what an earlier try of theirs has stored is no conflict.
        policy = "overwrite" if prefix == "run1" else "fail"
        self.ids[prefix] = self._api.start_import(self._bucket, prefix=prefix, onConflict=policy)["id"]

    def go_on(self) -> None:
        """Start it unless it runs; the next one when it is over."""
        if self.over():
            self.prefixes.append(f"run{len(self.prefixes) + 1}")
        if self.prefix not in self.ids and (self._posting is None or self._posting.done()):
            self._posting = self._aside.submit(self._post, self.prefix)

    def finish(self) -> None:
        """See that the last one has begun."""
        if self.prefix not in self.ids:
            self._post(self.prefix)

    def over(self) -> bool:
        """Whether no further moment comes."""
        return self.prefix in self.ids and self._api.over(self.ids[self.prefix])

    def killed(self) -> None:
        """The server is back; an import whose POST was not answered may have begun all the same."""
        assert self._posting is not None
        error = self._posting.exception()
        assert error is None or isinstance(error, Gone), error
        if self.prefix not in self.ids:
            # The server is that of earlier tests, too, whose imports had the same prefixes.
            target = f"s3://{self._bucket}/{self.prefix}/"
            begun = [one["id"] for one in self._api.transfers() if one["target"] == target]
            assert len(begun) < 2
            self.ids.update((self.prefix, one) for one in begun)


def kills(one: dict[str, int], twenty: dict[str, int]) -> pytest.MarkDecorator:
    """How often the server is killed at each kind of request."""
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
    holding: Bucket,
    hub: HubStandIn,
    aside: ThreadPoolExecutor,
    s3_server: S3Server,
    kinds: dict[str, int],
) -> None:
    model = hub.add(Repository("org/model"))
    files = model.commit(dict(MODEL)).files
    before = holding.put("org/model/beside") | holding.put("run1/a.bin") | holding.put("run1/config.json")
    plan = moments(kinds, {"head": 5, "create": 2, "part": 2, "cdn": 3, "complete": 2})
    imports = Imports(api, holding.name, aside)
    for moment in plan:
        rule = killer.aim(moment)
        imports.go_on()
        while not rule.wait(unless=imports.over):
            moment, rule = killer.aim_again(moment, rule)
            imports.go_on()
        killer.kill(moment, rule)
        killer.server.start()
        imports.killed()
        whole = {(f"{prefix}/{path}", files[path].content.size) for prefix in imports.prefixes for path in files}
        nothing_half_written(holding, before, whole)
    imports.finish()
    for transfer in imports.ids.values():
        ended = api.ended(transfer)
        assert (ended["state"], ended["error"]) == ("completed", None)
    for prefix in imports.prefixes:
        before |= checksums(model, f"{prefix}/")
    assert holding.contents() == before
    nothing_left_over(holding, s3_server)
    sizes = {f"{prefix}/{path}": files[path].content.size for prefix in imports.prefixes for path in files}
    killer.report(sizes)
    # The checksum wants all bytes in order, so those of parts that S3 has are read from the hub again.
    received = killer.cdn.traffic.received() + killer.hub.traffic.received("resolve")
    killer.tell("read twice from the hub", f"{(received - sum(sizes.values())) / MIB:.1f} MiB")


# --- a resumable upload: the sender goes on with what is missing ----------------------------------------------------


def send(api: Api, bucket: str, key: str) -> None:
    """What the sidebar does: begin, or go on, send the parts that are missing, complete."""
    policy = "overwrite" if key == "file1.bin" else "fail"
    upload = api.call(
        "POST",
        "uploads",
        {"bucket": bucket, "key": key, "size": UPLOADED.size, "lastModified": 1, "onConflict": policy},
    )
    there = {part["number"] for part in upload["parts"]}
    size = upload["partSize"]

    def part(number: int) -> None:
        start, stop = (number - 1) * size, min(number * size, UPLOADED.size)
        body = (bytes(chunk) for chunk in UPLOADED.chunks(start, stop))
        api.call("PUT", f"uploads/{upload['uploadId']}/{number}", data=body, size=stop - start)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(part, [n for n in range(1, upload["partCount"] + 1) if n not in there]))
    api.call("POST", f"uploads/{upload['uploadId']}/complete")


@kills(one_of("head", "create", "part", "complete"), {"head": 2, "create": 3, "part": 12, "complete": 3})
def test_upload_survives_kills(
    api: Api, killer: Killer, holding: Bucket, aside: ThreadPoolExecutor, s3_server: S3Server, kinds: dict[str, int]
) -> None:
    before = holding.put("beside") | holding.put("file1.bin")
    plan = moments(kinds, {"part": 2})
    number, sending = 1, None
    for moment in plan:
        rule = killer.aim(moment)
        while True:
            if sending is None or sending.done():
                if sending is not None and sending.exception() is None:
                    number += 1
                sending = aside.submit(send, api, holding.name, f"file{number}.bin")
            if rule.wait(unless=sending.done):
                break
            assert sending.exception() is None, "nothing fails but what was killed"
            moment, rule = killer.aim_again(moment, rule)
        killer.kill(moment, rule)
        killer.server.start()
        assert sending.exception() is None or isinstance(sending.exception(), Gone)
        nothing_half_written(holding, before, {(f"file{one}.bin", UPLOADED.size) for one in range(1, number + 1)})
    send(api, holding.name, f"file{number}.bin")
    keys = [f"file{one}.bin" for one in range(1, number + 1)]
    assert holding.contents() == before | dict.fromkeys(keys, UPLOADED.sha256)
    nothing_left_over(holding, s3_server)
    killer.report(dict.fromkeys(keys, UPLOADED.size))


# --- a streamed upload: its sender has to begin anew, and nothing of it may stay --------------------------------------


def ten_minutes_pass(server: KillableServer) -> None:
    """Before the server is back: a Complete without an answer is left alone as long as S3 may be working on it."""
    with closing(sqlite3.connect(server.folder / "data" / "odhtec" / "journal.sqlite")) as journal, journal:
        journal.execute("UPDATE pending_writes SET completing_at = completing_at - 600")


@pytest.mark.parametrize(
    "moment",
    [Moment("create", of="reply"), Moment("part", nth=2, after=MIB), Moment("complete")],
    ids=["create", "part", "complete"],
)
def test_killed_streamed_upload_leaves_nothing(
    api: Api, killer: Killer, holding: Bucket, aside: ThreadPoolExecutor, s3_server: S3Server, moment: Moment
) -> None:
    before = holding.put("beside") | holding.put("file.bin")

    def body() -> Iterator[bytes]:
        return (bytes(chunk) for chunk in UPLOADED.chunks(0, UPLOADED.size))

    rule = killer.aim(moment)
    sending = aside.submit(api.upload, holding.name, "file.bin", body(), UPLOADED.size)
    assert rule.wait()
    killer.kill(moment, rule)
    assert isinstance(sending.exception(), (*Gone, Reply))
    ten_minutes_pass(killer.server)
    killer.server.start()
    # What the last server left is dropped at the start, but nobody waits for it there. An upload whose name was lost
    # with that server is looked for by S3's list; see nothing_left_over for moto.
    end = "list-uploads" if moment.kind == "create" and s3_server.name == "moto" else "abort"
    killer.s3.traffic.wait(lambda: any(one.acknowledged for one in killer.s3.traffic.seen(end)))
    assert holding.contents() == before
    nothing_left_over(holding, s3_server)
    api.upload(holding.name, "file.bin", body(), UPLOADED.size)
    assert holding.contents() == before | {"file.bin": UPLOADED.sha256}
