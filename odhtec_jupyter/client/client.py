"""The storage of the workbench from Python: through the server that runs this kernel, without keys in the kernel."""

from __future__ import annotations

import io
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal, Unpack, overload

from odhtec_jupyter import models
from odhtec_jupyter.client import listing
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.arguments import (
    Pattern,
    Patterns,
    Place,
    Receiving,
    Sending,
    request,
    s3_object,
    s3_place,
    with_patterns,
)
from odhtec_jupyter.client.files.appender import ObjectAppender
from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.client.files.layered_writer import TextWriter
from odhtec_jupyter.client.files.reader import open_reader
from odhtec_jupyter.client.files.writer import ObjectWriter
from odhtec_jupyter.client.http.connection import Connection
from odhtec_jupyter.client.http.servers import find_server, without_token
from odhtec_jupyter.client.listing import Listing
from odhtec_jupyter.client.local.downloader import Receiver
from odhtec_jupyter.client.local.local_transfer import LocalTransfer
from odhtec_jupyter.client.local.uploader import Sender
from odhtec_jupyter.client.transfer import Transfer
from odhtec_jupyter.errors import BadRequest, Conflict, StoreError
from odhtec_jupyter.models import OnConflict, RepoType, Verify

LocalPath = str | PathLike[str]


class Client:
    """``Client()`` speaks to the server that this kernel belongs to; another one is named with ``url`` and ``token``.

    Places are ``s3://bucket/key``, ``workspace://path`` (below the server's root) and ``hf://org/name@revision/path``;
    one that ends in a slash is a folder. What takes long returns a :class:`Transfer`: wait for it, await it, cancel it,
    or leave it as a cell's last value and see its bar. Errors carry S3's code and one sentence.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, verify: bool | str | None = None) -> None:
        """``url`` may be the address that Jupyter's log shows, with the token in it.

        ``verify``: the file with the authority of a server that has one of its own.
        """
        self._url, self._verify = without_token(url) if url else None, verify
        locate = partial(find_server, url, token, verify)
        self._api = Api(Connection(locate(), locate))

    @property
    def url(self) -> str:
        """The server's address."""
        return self._api.connection.server.url

    @property
    def api(self) -> Api:
        """Each endpoint as a method, in the words of the wire."""
        return self._api

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the token: whoever unpickles it finds the server itself.
        return (_again, (self._url, self._verify))

    # --- buckets --------------------------------------------------------------------------------------------------

    def buckets(self) -> list[str]:
        """The buckets that the connection may list, or those that are known."""
        return [bucket.Name for bucket in self._api.list_buckets().buckets]

    def create_bucket(self, name: str) -> None:
        """Create a bucket."""
        self._api.create_bucket(name)

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket that is empty."""
        self._api.delete_bucket(name)

    # --- looking --------------------------------------------------------------------------------------------------

    def ls(self, uri: Place, *, recursive: bool = False) -> Listing:
        """One level, or every object below; any number of keys, a page at a time."""
        place = s3_place(uri)
        return Listing(str(place), partial(listing.below if recursive else listing.level, self._api, place))

    def search(
        self,
        uri: Place,
        text: str,
        *,
        mode: Literal["contains", "prefix", "glob"] = "contains",
        recursive: bool = True,
    ) -> Listing:
        """Objects (and, without ``recursive``, folders) whose path below the URI has the text in it."""
        place = s3_place(uri)
        query = {"q": text, "mode": mode, "recursive": "true" if recursive else "false"}
        return Listing(f"{text!r} in {place}", partial(listing.search, self._api, place, query))

    def usage(self, uri: Place) -> models.Usage:
        """How many objects and bytes there are below."""
        return listing.usage(self._api, s3_place(uri))

    def exists(self, uri: Place) -> bool:
        """Whether there is such an object, or anything in such a folder."""
        place = s3_place(uri)
        try:
            if place.is_folder:
                return listing.is_folder(self._api, place.bucket, place.key) or not place.key
            self._api.head_object(place.bucket, place.key)
        except StoreError as error:
            if error.status == 404:
                return False
            raise
        return True

    def stat(self, uri: Place) -> models.ObjectDetails:
        """Size, time, ETag, headers, metadata and tags of an object."""
        place = s3_object(uri)
        return self._api.get_details(place.bucket, place.key)

    def preview(self, uri: Place) -> Any:
        """What is inside, read by range: a ``models.TablePreview``, ``TensorsPreview``, ``TextPreview``, …"""
        place = s3_object(uri)
        return self._api.get_preview(place.bucket, place.key).root

    def presign(self, uri: Place, *, expires_in: int = 3600, method: Literal["GET", "PUT"] = "GET") -> str:
        """A link that works without credentials for so many seconds."""
        place = s3_object(uri)
        what = models.PresignRequest(bucket=place.bucket, key=place.key, expires_in=expires_in, method=method)
        return self._api.presign(what).url

    # --- bytes ----------------------------------------------------------------------------------------------------

    @overload
    def open(self, uri: Place, mode: Literal["rb"] = ...) -> io.BufferedReader: ...
    @overload
    def open(self, uri: Place, mode: Literal["wb", "xb", "ab"]) -> ObjectWriter: ...
    @overload
    def open(
        self,
        uri: Place,
        mode: Literal["r", "w", "x", "a", "rt", "wt", "xt", "at"],
        *,
        encoding: str = ...,
        newline: str | None = ...,
    ) -> io.TextIOWrapper: ...
    def open(self, uri: Place, mode: str = "rb", *, encoding: str = "utf-8", newline: str | None = None) -> Any:
        """The object as a file. Reading seeks and asks for ranges; what is written is visible when it is closed.

        ``x`` refuses an object that exists, ``w`` replaces it, ``a`` sends it again with more behind it (up to 256 MiB,
        and only if nobody has changed it). An exception in the ``with`` block leaves nothing. What is wrong is a
        FileNotFoundError, FileExistsError or PermissionError where these are its names.
        """
        place = s3_object(uri)
        kind = mode.replace("b", "").replace("t", "")
        if kind not in {"r", "w", "x", "a"} or ("b" in mode and "t" in mode):
            raise BadRequest(f"mode: {mode!r} is none of r, rb, w, wb, x, xb, a, ab.")
        if kind == "r":
            reader = open_reader(self._api, place.bucket, place.key)
            return reader if "b" in mode else io.TextIOWrapper(reader, encoding, newline=newline)
        policy: OnConflict = "fail" if kind == "x" else "overwrite"
        with file_errors(str(place)):
            if kind == "x" and self.exists(uri):
                raise Conflict(f"{place} exists.", code="FileExists")
        writer = (
            ObjectAppender(self._api, place.bucket, place.key)
            if kind == "a"
            else ObjectWriter(self._api, place.bucket, place.key, on_conflict=policy)
        )
        return writer if "b" in mode else TextWriter(writer, encoding, newline=newline)

    @overload
    def upload(
        self, local: LocalPath, uri: Place, *, dry_run: Literal[True], **options: Unpack[Sending]
    ) -> models.TransferPlan: ...
    @overload
    def upload(
        self, local: LocalPath, uri: Place, *, dry_run: Literal[False] = ..., **options: Unpack[Sending]
    ) -> Transfer: ...
    def upload(
        self,
        local: LocalPath,
        uri: Place,
        *,
        include: Pattern = None,
        exclude: Pattern = None,
        on_conflict: OnConflict = "fail",
        verify: Verify = "source",
        dry_run: bool = False,
    ) -> Any:
        """A file or folder of this kernel's machine; ``copy`` is for those of the server's workspace."""
        path, place = Path(fspath(local)).expanduser(), s3_place(uri)
        if not path.exists():
            raise FileNotFoundError(f"There is no {path}.")
        sender = Sender(self._api, on_conflict, verify, Patterns.of(include, exclude))
        if dry_run:
            return sender.look(path, place)
        return LocalTransfer(self._api, str(path), str(place), partial(sender.plan, path, place))

    @overload
    def download(
        self, uri: Place, local: LocalPath, *, dry_run: Literal[True], **options: Unpack[Receiving]
    ) -> models.TransferPlan: ...
    @overload
    def download(
        self, uri: Place, local: LocalPath, *, dry_run: Literal[False] = ..., **options: Unpack[Receiving]
    ) -> Transfer: ...
    def download(
        self,
        uri: Place,
        local: LocalPath,
        *,
        include: Pattern = None,
        exclude: Pattern = None,
        on_conflict: OnConflict = "fail",
        dry_run: bool = False,
    ) -> Any:
        """An object or folder to this kernel's machine; written beside its name, compared, then renamed."""
        path, place = Path(fspath(local)).expanduser(), s3_place(uri)
        receiver = Receiver(self._api, on_conflict, Patterns.of(include, exclude))
        if dry_run:
            return receiver.look(place, path)
        return LocalTransfer(self._api, str(place), str(path), partial(receiver.plan, place, path))

    # --- what the server does -------------------------------------------------------------------------------------

    @overload
    def import_model(
        self, repo: str, target: Place, *, dry_run: Literal[True], **options: Any
    ) -> models.TransferPlan: ...
    @overload
    def import_model(self, repo: str, target: Place, *, dry_run: Literal[False] = ..., **options: Any) -> Transfer: ...
    def import_model(self, repo: str, target: Place, *, dry_run: bool = False, **options: Any) -> Any:
        """A model of Hugging Face to S3: compared with the hub's checksums, without this kernel's disk.

        ``target`` is a bucket (the files go below the repository's name) or a folder (they go right into it). Options:
        ``revision``, ``include``, ``exclude``, ``on_conflict``, ``verify``, ``token``; ``remove`` takes the objects of
        other revisions that a dry run names (``plan.remaining.objects``): they go when all files have arrived.
        """
        return self._import(repo, target, "model", dry_run, options)

    @overload
    def import_dataset(
        self, repo: str, target: Place, *, dry_run: Literal[True], **options: Any
    ) -> models.TransferPlan: ...
    @overload
    def import_dataset(
        self, repo: str, target: Place, *, dry_run: Literal[False] = ..., **options: Any
    ) -> Transfer: ...
    def import_dataset(self, repo: str, target: Place, *, dry_run: bool = False, **options: Any) -> Any:
        """A dataset of Hugging Face, as :meth:`import_model` brings a model."""
        return self._import(repo, target, "dataset", dry_run, options)

    def _import(self, repo: str, target: Place, repo_type: RepoType, dry_run: bool, options: dict[str, Any]) -> Any:
        place = s3_place(target)
        what = request(
            models.ImportRequest,
            repo=repo,
            bucket=place.bucket,
            prefix=place.key.rstrip("/") or None,
            repo_type=repo_type,
            **with_patterns(options),
        )
        return self._api.plan_import(what) if dry_run else Transfer(self._api, self._api.import_from_hub(what))

    @overload
    def copy(self, source: Place, target: Place, *, dry_run: Literal[True], **options: Any) -> models.TransferPlan: ...
    @overload
    def copy(self, source: Place, target: Place, *, dry_run: Literal[False] = ..., **options: Any) -> Transfer: ...
    def copy(self, source: Place, target: Place, *, dry_run: bool = False, **options: Any) -> Any:
        """Between S3, the server's workspace and, as a source, Hugging Face. Within one store S3 copies by itself.

        Options: ``include``, ``exclude``, ``on_conflict``, ``verify``, ``token``; ``names`` of a source folder if not
        all of it is meant, those of folders with a slash.
        """
        return self._transfer("copy", source, target, dry_run, options)

    @overload
    def move(self, source: Place, target: Place, *, dry_run: Literal[True], **options: Any) -> models.TransferPlan: ...
    @overload
    def move(self, source: Place, target: Place, *, dry_run: Literal[False] = ..., **options: Any) -> Transfer: ...
    def move(self, source: Place, target: Place, *, dry_run: bool = False, **options: Any) -> Any:
        """As :meth:`copy`; what has arrived and was compared is deleted at the source."""
        return self._transfer("move", source, target, dry_run, options)

    @overload
    def sync(self, source: Place, target: Place, *, dry_run: Literal[True], **options: Any) -> models.TransferPlan: ...
    @overload
    def sync(self, source: Place, target: Place, *, dry_run: Literal[False] = ..., **options: Any) -> Transfer: ...
    def sync(self, source: Place, target: Place, *, dry_run: bool = False, **options: Any) -> Any:
        """Copy what is missing or differs; nothing is deleted."""
        return self._transfer("sync", source, target, dry_run, options)

    @overload
    def delete(self, uri: Place, *, dry_run: Literal[True]) -> models.TransferPlan: ...
    @overload
    def delete(self, uri: Place, *, dry_run: Literal[False] = ...) -> Transfer: ...
    def delete(self, uri: Place, *, dry_run: bool = False) -> Any:
        """Exactly this object, or a folder (trailing slash) with everything in it."""
        return self._transfer("delete", uri, "", dry_run, {})

    def _transfer(self, action: str, source: Place, target: Place, dry_run: bool, options: dict[str, Any]) -> Any:
        what = request(
            models.TransferRequest, action=action, source=str(source), target=str(target), **with_patterns(options)
        )
        return self._api.plan_transfer(what) if dry_run else Transfer(self._api, self._api.start_transfer(what))

    def transfers(self) -> list[Transfer]:
        """All that the server knows, newest first."""
        return [Transfer(self._api, one) for one in self._api.list_transfers().transfers]

    def transfer(self, transfer_id: str) -> Transfer:
        """One of them."""
        return Transfer(self._api, self._api.get_transfer(transfer_id))


def _again(url: str | None, verify: bool | str | None) -> Client:
    return Client(url, verify=verify)
