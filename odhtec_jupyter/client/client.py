"""Object storage from Python, through the Jupyter server of this kernel: the kernel needs no S3 keys."""

from __future__ import annotations

import io
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal, Unpack, overload

from odhtec_jupyter import models
from odhtec_jupyter.client import listing
from odhtec_jupyter.client.arguments import (
    DownloadOptions,
    Location,
    Pattern,
    Patterns,
    UploadOptions,
    request,
    s3_object,
    with_patterns,
)
from odhtec_jupyter.client.connected import ConnectedClient
from odhtec_jupyter.client.files.opening import open_object
from odhtec_jupyter.client.files.writer import ObjectWriter
from odhtec_jupyter.client.listing import Listing
from odhtec_jupyter.client.local.downloader import Downloader
from odhtec_jupyter.client.local.local_transfer import LocalTransfer
from odhtec_jupyter.client.local.uploader import Uploader
from odhtec_jupyter.client.transfer import Transfer
from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.models import OnConflict, RepoType, Verify

LocalPath = str | PathLike[str]


class Client(ConnectedClient):
    """Access to buckets, objects and transfers. ``Client()`` connects to the Jupyter server of this kernel.

    Locations are URIs: ``s3://bucket/key``, ``workspace://path`` (below the server's root directory) and
    ``hf://org/name@revision/path``; ``s3://name@bucket/key`` is in the store of another connection of the server. A
    URI that ends in a slash is a folder. Methods that copy, move, import or delete
    return a :class:`Transfer`: wait for it, await it, cancel it, or make it the last value of a cell to see a progress
    bar. Errors have S3's code in ``code`` and a message for users.
    """

    # --- buckets --------------------------------------------------------------------------------------------------

    def buckets(self) -> list[str]:
        """Return the buckets that the S3 keys can list or, if listing is not allowed, the known ones."""
        return [bucket.Name for bucket in self._api.list_buckets().buckets]

    def create_bucket(self, name: str) -> None:
        """Create a bucket."""
        self._api.create_bucket(name)

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket that is empty."""
        self._api.delete_bucket(name)

    # --- listing --------------------------------------------------------------------------------------------------

    def ls(self, uri: Location, *, recursive: bool = False) -> Listing:
        """Return the objects and folders directly in a folder, or all objects below it, loaded page by page."""
        location = self.location(uri)
        return Listing(
            str(location), partial(listing.below if recursive else listing.level, self.api_of(location), location)
        )

    def search(
        self,
        uri: Location,
        text: str,
        *,
        mode: Literal["contains", "prefix", "glob"] = "contains",
        recursive: bool = True,
    ) -> Listing:
        """Return objects whose path below the URI contains the text; without ``recursive`` also folders."""
        location = self.location(uri)
        query = {"q": text, "mode": mode, "recursive": "true" if recursive else "false"}
        return Listing(f"{text!r} in {location}", partial(listing.search, self.api_of(location), location, query))

    def usage(self, uri: Location) -> models.Usage:
        """Return the number and total size of the objects in a folder."""
        return listing.usage(self.api_of(location := self.location(uri)), location)

    def exists(self, uri: Location) -> bool:
        """Return whether the object exists, or for a folder, whether it contains anything."""
        location = self.location(uri)
        if not location.is_folder:
            return listing.object_exists(self.api_of(location), location)
        try:
            return listing.is_folder(self.api_of(location), location.bucket, location.key) or not location.key
        except StoreError as error:
            if error.status == 404:
                return False
            raise

    def stat(self, uri: Location) -> models.ObjectDetails:
        """Return size, time, ETag, headers, metadata and tags of an object."""
        location = s3_object(uri, self.connection)
        return self.api_of(location).get_details(location.bucket, location.key)

    def preview(self, uri: Location) -> Any:
        """Return a preview of an object, such as a ``models.TablePreview``. Only parts of the object are read."""
        location = s3_object(uri, self.connection)
        return self.api_of(location).get_preview(location.bucket, location.key).root

    def presign(self, uri: Location, *, expires_in: int = 3600, method: Literal["GET", "PUT"] = "GET") -> str:
        """Return a link that works without credentials for ``expires_in`` seconds."""
        location = s3_object(uri, self.connection)
        what = models.PresignRequest(bucket=location.bucket, key=location.key, expires_in=expires_in, method=method)
        return self.api_of(location).presign(what).url

    # --- bytes ----------------------------------------------------------------------------------------------------

    @overload
    def open(self, uri: Location, mode: Literal["rb"] = ...) -> io.BufferedReader: ...
    @overload
    def open(self, uri: Location, mode: Literal["wb", "xb", "ab"]) -> ObjectWriter: ...
    @overload
    def open(
        self,
        uri: Location,
        mode: Literal["r", "w", "x", "a", "rt", "wt", "xt", "at"],
        *,
        encoding: str = ...,
        newline: str | None = ...,
    ) -> io.TextIOWrapper: ...
    def open(self, uri: Location, mode: str = "rb", *, encoding: str = "utf-8", newline: str | None = None) -> Any:
        """Open an object as a file. Reading supports ``seek`` and reads only the needed ranges.

        Written data is visible once the file is closed. ``w`` replaces an object, ``x`` raises if it exists, ``a``
        appends: it uploads the object again with the new data (up to 256 MiB, and only if the object has not changed
        since). If the ``with`` block raises, the object is not changed. Errors are also FileNotFoundError,
        FileExistsError or PermissionError where one of these applies.
        """
        return open_object(self.api_of(location := s3_object(uri, self.connection)), location, mode, encoding, newline)

    @overload
    def upload(
        self, local: LocalPath, uri: Location, *, dry_run: Literal[True], **options: Unpack[UploadOptions]
    ) -> models.TransferPlan: ...
    @overload
    def upload(
        self, local: LocalPath, uri: Location, *, dry_run: Literal[False] = ..., **options: Unpack[UploadOptions]
    ) -> LocalTransfer: ...
    def upload(
        self,
        local: LocalPath,
        uri: Location,
        *,
        include: Pattern = None,
        exclude: Pattern = None,
        on_conflict: OnConflict = "fail",
        verify: Verify = "source",
        dry_run: bool = False,
    ) -> Any:
        """Upload a file or folder of the kernel's machine. Use :meth:`copy` for files of the server's workspace.

        The transfer's ``left_out`` lists entries that are not uploaded: links to folders, broken links and special
        files.
        """
        path, location = Path(fspath(local)).expanduser(), self.location(uri)
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist.")
        uploader = Uploader(self.api_of(location), on_conflict, verify, Patterns.of(include, exclude))
        if dry_run:
            return uploader.dry_run(path, location)
        return LocalTransfer(self._api, str(path), str(location), partial(uploader.plan, path, location))

    @overload
    def download(
        self, uri: Location, local: LocalPath, *, dry_run: Literal[True], **options: Unpack[DownloadOptions]
    ) -> models.TransferPlan: ...
    @overload
    def download(
        self, uri: Location, local: LocalPath, *, dry_run: Literal[False] = ..., **options: Unpack[DownloadOptions]
    ) -> LocalTransfer: ...
    def download(
        self,
        uri: Location,
        local: LocalPath,
        *,
        include: Pattern = None,
        exclude: Pattern = None,
        on_conflict: OnConflict = "fail",
        dry_run: bool = False,
    ) -> Any:
        """Download an object or folder to the kernel's machine.

        Each file is written next to its final name, its size is compared, and then it is renamed.
        """
        path, location = Path(fspath(local)).expanduser(), self.location(uri)
        downloader = Downloader(self.api_of(location), on_conflict, Patterns.of(include, exclude))
        if dry_run:
            return downloader.dry_run(location, path)
        return LocalTransfer(self._api, str(location), str(path), partial(downloader.plan, location, path))

    # --- transfers that the server runs ---------------------------------------------------------------------------

    @overload
    def import_model(
        self, repo: str, target: Location, *, dry_run: Literal[True], **options: Any
    ) -> models.TransferPlan: ...
    @overload
    def import_model(
        self, repo: str, target: Location, *, dry_run: Literal[False] = ..., **options: Any
    ) -> Transfer: ...
    def import_model(self, repo: str, target: Location, *, dry_run: bool = False, **options: Any) -> Any:
        """Import a model from Hugging Face to S3. The server streams it and compares it with the hub's checksums.

        ``target`` is a bucket (files are stored below the repository's name) or a folder (files are stored directly in
        it). Options: ``revision``, ``include``, ``exclude``, ``on_conflict``, ``verify``, ``token``, and ``remove``
        with objects of other revisions from a dry run (``plan.remaining.objects``), which are deleted after all files
        have been imported.
        """
        return self._import(repo, target, "model", dry_run, options)

    @overload
    def import_dataset(
        self, repo: str, target: Location, *, dry_run: Literal[True], **options: Any
    ) -> models.TransferPlan: ...
    @overload
    def import_dataset(
        self, repo: str, target: Location, *, dry_run: Literal[False] = ..., **options: Any
    ) -> Transfer: ...
    def import_dataset(self, repo: str, target: Location, *, dry_run: bool = False, **options: Any) -> Any:
        """Import a dataset from Hugging Face to S3, with the options of :meth:`import_model`."""
        return self._import(repo, target, "dataset", dry_run, options)

    def _import(self, repo: str, target: Location, repo_type: RepoType, dry_run: bool, options: dict[str, Any]) -> Any:
        location = self.location(target)
        what = request(
            models.ImportRequest,
            repo=repo,
            bucket=location.bucket,
            prefix=location.key.rstrip("/") or None,
            repo_type=repo_type,
            **with_patterns(options),
        )
        api = self.api_of(location)
        return api.plan_import(what) if dry_run else Transfer(api, api.import_from_hub(what))

    @overload
    def copy(
        self, source: Location, target: Location, *, dry_run: Literal[True], **options: Any
    ) -> models.TransferPlan: ...
    @overload
    def copy(
        self, source: Location, target: Location, *, dry_run: Literal[False] = ..., **options: Any
    ) -> Transfer: ...
    def copy(self, source: Location, target: Location, *, dry_run: bool = False, **options: Any) -> Any:
        """Copy between S3 and the server's workspace, or from Hugging Face. Within a store, S3 copies the data itself.

        Options: ``include``, ``exclude``, ``on_conflict``, ``verify``, ``token``, and ``names`` to copy only some files
        and folders of a source folder (names of folders end in a slash).
        """
        return self._transfer("copy", source, target, dry_run, options)

    @overload
    def move(
        self, source: Location, target: Location, *, dry_run: Literal[True], **options: Any
    ) -> models.TransferPlan: ...
    @overload
    def move(
        self, source: Location, target: Location, *, dry_run: Literal[False] = ..., **options: Any
    ) -> Transfer: ...
    def move(self, source: Location, target: Location, *, dry_run: bool = False, **options: Any) -> Any:
        """Move as :meth:`copy` does. Each file is deleted at the source after its copy was verified."""
        return self._transfer("move", source, target, dry_run, options)

    @overload
    def sync(
        self, source: Location, target: Location, *, dry_run: Literal[True], **options: Any
    ) -> models.TransferPlan: ...
    @overload
    def sync(
        self, source: Location, target: Location, *, dry_run: Literal[False] = ..., **options: Any
    ) -> Transfer: ...
    def sync(self, source: Location, target: Location, *, dry_run: bool = False, **options: Any) -> Any:
        """Copy files that are missing at the target or differ. Nothing is deleted."""
        return self._transfer("sync", source, target, dry_run, options)

    @overload
    def delete(self, uri: Location, *, dry_run: Literal[True]) -> models.TransferPlan: ...
    @overload
    def delete(self, uri: Location, *, dry_run: Literal[False] = ...) -> Transfer: ...
    def delete(self, uri: Location, *, dry_run: bool = False) -> Any:
        """Delete exactly this object, or a folder (with a trailing slash) and everything in it."""
        return self._transfer("delete", uri, "", dry_run, {})

    def _transfer(self, action: str, source: Location, target: Location, dry_run: bool, options: dict[str, Any]) -> Any:
        what = request(
            models.TransferRequest, action=action, source=str(source), target=str(target), **with_patterns(options)
        )
        return self._api.plan_transfer(what) if dry_run else Transfer(self._api, self._api.start_transfer(what))

    def transfers(self) -> list[Transfer]:
        """Return the transfers of the server, newest first."""
        return [Transfer(self._api, one) for one in self._api.list_transfers().transfers]

    def transfer(self, transfer_id: str) -> Transfer:
        """Return a transfer by its id."""
        return Transfer(self._api, self._api.get_transfer(transfer_id))

    def policy(self) -> models.Policy:
        """Return what the administrator of the server allows. Empty lists allow everything."""
        return self._api.get_policy()

    def max_bandwidth(self, change: int | None = None) -> int:
        """Return the bytes per second that all transfers of the server together move; 0 is no limit.

        With ``change``, the limit is changed first, until the server stops. It also applies to running transfers.
        """
        if change is None:
            return self._api.get_bandwidth().max_bandwidth
        return self._api.set_bandwidth(request(models.BandwidthSettings, max_bandwidth=change)).max_bandwidth
