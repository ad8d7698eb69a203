"""Keys that can be replaced while requests run."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.connection.signing_keys import LOOK_SECONDS, SigningKeys

OLD = S3Connection("http://127.0.0.1:1", None, None, "old", "HIDDEN-old", "token-old")
NEW = replace(OLD, access_key_id="new", secret_access_key="HIDDEN-new", session_token="token-new")


class Source:
    """Where the keys come from. ``look`` replaces them once ``found`` is set."""

    def __init__(self) -> None:
        self.now = 100.0
        self.looks = 0
        self.found: S3Connection | None = None
        self.keys = SigningKeys(OLD, lambda: None, self.look, clock=lambda: self.now)

    def look(self) -> None:
        self.looks += 1
        if self.found:
            self.keys.replace(self.found)


def test_refused_requests_look_once_for_all_of_them() -> None:
    source = Source()
    source.found = NEW
    start = threading.Barrier(8)

    def refused() -> bool:
        start.wait()
        return source.keys.renew(0)

    with ThreadPoolExecutor(8) as threads:
        results = [threads.submit(refused) for _ in range(8)]
        assert all(one.result() for one in results)
    assert source.looks == 1
    assert source.keys.frozen()[:3] == ("new", "HIDDEN-new", "token-new")


def test_keys_that_do_not_change_are_looked_for_once_a_second() -> None:
    source = Source()
    assert [source.keys.renew(0) for _ in range(5)] == [False] * 5
    assert source.looks == 1
    source.now += LOOK_SECONDS
    source.found = NEW
    assert source.keys.renew(0)
    assert source.looks == 2
    assert not source.keys.renew(1), "a request with the new keys was refused, too"


def test_same_account_is_told_from_another() -> None:
    assert OLD.is_renewed_by(NEW)
    corrected = S3Connection("http://a", None, None, "id", "wrong")
    assert corrected.is_renewed_by(replace(corrected, secret_access_key="right"))
    for other in (
        replace(NEW, endpoint="http://127.0.0.1:2"),
        replace(NEW, read_only=True),
        replace(NEW, session_token=None),
        S3Connection(OLD.endpoint),
    ):
        assert not OLD.is_renewed_by(other)
    assert not corrected.is_renewed_by(replace(corrected, access_key_id="another"))
    assert not S3Connection().is_renewed_by(NEW)


def test_no_secret_is_printed() -> None:
    keys = Source().keys
    assert "HIDDEN" not in f"{keys!r} {vars(keys)!r} {keys.load_credentials()!r}"
