"""Hugging Face → S3: what would come, what is there already, and the transfer that brings the rest."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from odhtec_jupyter.errors import BadRequest, Conflict
from odhtec_jupyter.keys import MAX_KEY_BYTES
from odhtec_jupyter.models import HubFile, HubRepo, ImportRequest, OnConflict
from odhtec_jupyter.stores.hub import HubStore, select_files
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.stores.s3_object import ObjectHead
from odhtec_jupyter.transfers.copy import copy_to_s3
from odhtec_jupyter.transfers.manager import FILES_IN_A_ROW, FileJob, TransferManager
from odhtec_jupyter.transfers.names import free_key
from odhtec_jupyter.transfers.state import Transfer, TransferFile
from odhtec_jupyter.transfers.target import Target

LOOKUPS = 16  # HEAD requests at once
ETAG = "hf-etag"  # object metadata that says which file of the hub an object is


@dataclass(frozen=True)
class PlannedFile:
    """One file of an import: where it goes, and whether it has to."""

    file: HubFile
    target: Target
    skip: bool


@dataclass(frozen=True)
class ImportPlan:
    """An import that was looked at from both ends; nothing is written yet."""

    repo: HubRepo
    files: Sequence[PlannedFile]
    request: ImportRequest
    prefix: str

    @property
    def source(self) -> str:
        """``hf://…@commit``."""
        folder = {"model": "", "dataset": "datasets/", "space": "spaces/"}[self.repo.repo_type]
        return f"hf://{folder}{self.repo.repo}@{self.repo.commit}"

    @property
    def target(self) -> str:
        """``s3://bucket/prefix/``."""
        return f"s3://{self.request.bucket}/{self.prefix}"


def plan_import(hub: HubStore, store: S3Store, request: ImportRequest) -> ImportPlan:
    """Look at the repository and at the bucket. Blocks; writes nothing.

    Raises what makes the import impossible, in words for the user: an unknown or gated repository, a wrong token, a
    bucket that is not there, and (409) objects that differ while ``on_conflict`` is ``fail``.
    """
    repo = hub.repo(request.repo, repo_type=request.repo_type, revision=request.revision, token=request.token)
    hub.require_access(repo, request.token)
    files = select_files(repo.files, request.include, request.exclude)
    if not files:
        raise BadRequest(f"{repo.repo} has no files that the patterns include.")
    prefix = repo.repo if request.prefix is None else request.prefix
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    for file in files:
        if len((prefix + file.path).encode()) > MAX_KEY_BYTES:
            raise BadRequest(f"prefix: the key of {file.path} would be longer than {MAX_KEY_BYTES} bytes.")
    targets = [_target(store, request.bucket, prefix, repo, file) for file in files]
    with ThreadPoolExecutor(LOOKUPS, thread_name_prefix="odhtec-plan") as threads:
        heads = list(threads.map(lambda target: store.head(target.bucket, target.key), targets))
    taken = {target.key for target in targets}
    planned = []
    for file, target, head in zip(files, targets, heads, strict=True):
        planned.append(_decide(file, target, head, request.on_conflict, taken))
        taken.add(planned[-1].target.key)
    differing = [one.target.key for one, head in zip(planned, heads, strict=True) if head and not _same(one.file, head)]
    if differing and request.on_conflict == "fail":
        more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
        raise Conflict(f"{differing[0]}{more} exist and differ: choose whether to overwrite, skip or rename.")
    return ImportPlan(repo, planned, request, prefix)


async def start_import(manager: TransferManager, hub: HubStore, plan: ImportPlan) -> Transfer:
    """Begin the transfer of a plan."""
    transfer = manager.new("import", plan.source, plan.target)
    jobs = []
    for number, planned in enumerate(plan.files, 1):
        jobs.append(_job(manager, hub, plan, transfer, planned))
        if number % FILES_IN_A_ROW == 0:  # a repository may have 100,000 files
            await asyncio.sleep(0)

    async def run(_: Transfer) -> None:
        await manager.run_files(jobs)

    return manager.start(transfer, run)


def _target(store: S3Store, bucket: str, prefix: str, repo: HubRepo, file: HubFile) -> Target:
    return Target(
        store,
        bucket,
        prefix + file.path,
        content_type=mimetypes.guess_type(file.path)[0] or "application/octet-stream",
        metadata={"hf-repo": repo.repo, "hf-commit": repo.commit, ETAG: file.etag},
    )


def _same(file: HubFile, head: ObjectHead) -> bool:
    """Whether the object is this very file: size and the hub's etag, not the name."""
    return head.size == file.size and head.metadata.get(ETAG) == file.etag


def _decide(
    file: HubFile, target: Target, head: ObjectHead | None, on_conflict: OnConflict, taken: set[str]
) -> PlannedFile:
    if head is None:
        return PlannedFile(file, replace(target, if_absent=on_conflict != "overwrite"), skip=False)
    if _same(file, head) or on_conflict == "skip":
        return PlannedFile(file, target, skip=True)
    if on_conflict == "rename":
        return PlannedFile(file, free_key(target, taken), skip=False)
    return PlannedFile(file, target, skip=False)


def _job(
    manager: TransferManager, hub: HubStore, plan: ImportPlan, transfer: Transfer, planned: PlannedFile
) -> FileJob:
    file = planned.file

    async def run(record: TransferFile) -> None:
        if planned.skip:
            record.add(file.size)
            record.move("skipped")
            return
        source = hub.source(plan.repo, file, plan.request.token)
        await copy_to_s3(manager.engine, source, planned.target, verify=plan.request.verify, on_bytes=record.add)

    return FileJob(transfer.add_file(file.path, planned.target.uri, file.size), run)
