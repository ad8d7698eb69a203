"""The small files of a transfer. They cost round trips, so as many are copied in parallel as their hosts can serve."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.transfers.jobs.small_copies import MAX_FILES, Failed, SourceDeletions, is_small_copy, small_copies
from odhtec_jupyter.transfers.locations.stores import Stores
from odhtec_jupyter.transfers.runtime.adaptive_limit import Turn
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.retry import Retries, listening
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile


class SmallFiles:
    """The small files of one run of a transfer."""

    def __init__(
        self,
        engine: Engine,
        stores: Stores,
        transfer: Transfer,
        run_file: Callable[[TransferFile], Awaitable[None]],
        files: Iterable[TransferFile],
    ) -> None:
        """``run_file`` copies any file, with retries, and sets its state."""
        self._engine = engine
        self._stores = stores
        self._transfer = transfer
        self._run_file = run_file
        self._waiting = deque(files)

    @property
    def count(self) -> int:
        """The number of files that wait."""
        return len(self._waiting)

    async def work(self) -> None:
        """Copy files while there are any. Several tasks do this in parallel."""
        while self._waiting:
            async with self._engine.small_files.turn(self._hosts(self._waiting[0])) as turn:
                with listening(turn.failed):
                    await self._take_turn(turn)

    async def _take_turn(self, turn: Turn) -> None:
        if not self._waiting:
            return
        files = [self._waiting.popleft()]
        if not self._is_small_copy(files[0]):
            await self._run_file(files[0])
            turn.copied(files[0].to_move)
            return
        share = len(self._waiting) // turn.places  # fewer at a time at the end, so that all places have work until then
        while len(files) < min(share, MAX_FILES) and self._is_small_copy(self._waiting[0]):
            files.append(self._waiting.popleft())

        moved: list[TransferFile] = []

        def copied(file: TransferFile) -> None:
            file.add(file.to_move)
            turn.copied(file.to_move)
            if self._transfer.action == "move":
                file.what = "remove source"
                file.transition_to("running")
                moved.append(file)
            else:
                self._complete(file)

        for file in files:
            file.start()
        left, failed = await small_copies(self._engine, self._stores, self._transfer, files, copied).run(files)
        for file in left:
            file.state = "queued"
        self._waiting.extendleft(reversed(left))
        if moved:
            failed += await self._delete_sources(moved)
        for file, error in failed:
            if isinstance(error, OdhTecError):
                with suppress(OdhTecError):  # the second attempt decides
                    await Retries().sleep(error)
            await self._run_file(file)

    async def _delete_sources(self, files: Sequence[TransferFile]) -> Failed:
        """Delete the sources of copied files. Returns those that could not be deleted."""
        # In the journal first: if the server were killed after a deletion, the source would seem to be missing.
        await self._engine.journal.written()
        failed: Failed = []
        while files:
            deletions = SourceDeletions(self._engine, self._stores, self._transfer, self._complete)
            files, more = await deletions.run(files)
            failed += more
        return failed

    def _complete(self, file: TransferFile) -> None:
        file.transition_to("completed")
        self._engine.pending_writes.settled(file.owner)

    def _is_small_copy(self, file: TransferFile) -> bool:
        return is_small_copy(self._engine.pending_writes, self._transfer, file)

    def _hosts(self, file: TransferFile) -> set[str]:
        """Return the hosts that a file is copied from and to."""
        return {host for uri in (file.source, file.target) if (host := self._stores.at(uri).host) is not None}
