from __future__ import annotations

from odhtec_jupyter.transfers.jobs.key_deletion import KeyDeletion
from tests.odd_store import OddStore, Reply, Request


def test_failure_that_a_store_repeats_counts_once() -> None:
    def refuse(request: Request) -> Reply | None:
        error = b"<Error><Key>b</Key><Code>AccessDenied</Code></Error>"
        return Reply(200, b"<DeleteResult>%s</DeleteResult>" % (error * 2)) if request.method == "POST" else None

    with OddStore(refuse=refuse) as odd:
        deletion = KeyDeletion(odd.store, "bucket", ["a", "b"])
        deletion.send()
        assert ([failure.Key for failure in deletion.failures], deletion.left) == (["b"], [])
