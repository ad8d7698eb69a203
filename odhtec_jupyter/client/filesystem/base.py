"""The file system's operations on one path: what is there, and changes of one object."""

from __future__ import annotations

from typing import Any

from fsspec.spec import AbstractFileSystem

from odhtec_jupyter.client import listing
from odhtec_jupyter.client.client import Client
from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.client.http.servers import without_token
from odhtec_jupyter.client.listing import Entry
from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.uris import S3Uri

SECRET = "token"  # noqa: S105 - the option's name


class ObjectFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """What operations on many files need, in modules of their own, from the file system."""

    protocol = "odhtec"
    root_marker = ""

    def __init__(
        self,
        *,
        server_url: str | None = None,  # not ``url``, which fsspec's functions use for the URL of a file
        token: str | None = None,
        verify: bool | str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.client = Client(server_url, token, verify=verify)

    # fsspec shows and pickles the options of a file system.
    @property
    def storage_options(self) -> dict[str, Any]:
        """The options it was created with, without the token."""
        return self._options

    @storage_options.setter
    def storage_options(self, options: dict[str, Any]) -> None:
        self._options = {name: value for name, value in options.items() if name != SECRET}
        if url := self._options.get("server_url"):
            self._options["server_url"] = without_token(url)

    @property
    def fsid(self) -> str:
        """The server's address."""
        return f"odhtec-{self.client.url}"

    # --- listing --------------------------------------------------------------------------------------------------

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """Return the contents of a folder; at the top level the buckets."""
        path = self._strip_protocol(path)
        with file_errors(path):
            found = self._ls(path)
        return found if detail else sorted(one["name"] for one in found)

    def _ls(self, path: str) -> list[dict[str, Any]]:
        if "/" in path and not self._is_folder(path):
            return [self._object(path)]  # fsspec lists a file as itself
        return self.list_level(path)

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Return size and ETag of an object, or the entry of a folder."""
        path = self._strip_protocol(path)
        if not path:
            return _folder("")
        with file_errors(path):
            if not path.partition("/")[2]:
                next(iter(self.client.ls(f"s3://{path}/")), None)
                return _folder(path)
            try:
                return self._object(path)
            except OdhTecError as error:
                if error.status != 404 or not self._is_folder(path):
                    raise
                return _folder(path)

    def _object(self, path: str) -> dict[str, Any]:
        uri = self.client.location(f"s3://{path}")
        size, etag = self.client.api_of(uri).head_object(uri.bucket, uri.key)
        return {"name": path, "size": size, "type": "file", "ETag": etag}

    def _is_folder(self, path: str) -> bool:
        uri = self.client.location(f"s3://{path}/")
        return listing.is_folder(self.client.api_of(uri), uri.bucket, uri.key)

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> Any:
        """Return every object below a folder; with a single listing unless folders are requested."""
        path = self._strip_protocol(path)
        if maxdepth is not None or withdirs or not path:
            return super().find(path, maxdepth, withdirs, detail, **kwargs)
        bucket, _, key = path.partition("/")
        with file_errors(path):
            uri = self.client.location(f"s3://{path}/" if key else f"s3://{bucket}/")
            entries = listing.below(self.client.api_of(uri), uri)
            found = [_info(bucket, one) for one in entries if not one.is_folder]
        if not found and key and self.isfile(path):
            found = [self.info(path)]
        return {one["name"]: one for one in found} if detail else sorted(one["name"] for one in found)

    def list_level(self, path: str) -> list[dict[str, Any]]:
        """Return the direct contents of a folder. ``b/x/`` is the folder with an empty name in ``b/x``."""
        bucket, slash, _ = path.partition("/")
        with file_errors(path):
            if not path:
                return [_folder(name) for name in self.client.buckets()]
            uri = self.client.location(f"s3://{path}/" if slash else f"s3://{bucket}/")
            found = listing.level(self.client.api_of(uri), uri)
            return [_info(bucket, one) for one in found]

    # --- changing -------------------------------------------------------------------------------------------------

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy an object. The store copies the data."""
        with file_errors(path1):
            self.client.copy(self.uri(path1), self.uri(path2), on_conflict="overwrite").wait(progress=False)

    def rm_file(self, path: str) -> None:
        """Delete exactly this object."""
        location = self._location(path)
        with file_errors(path):
            self.client.api_of(location).delete_key(location.bucket, location.key)

    _rm = rm_file

    # --- names ----------------------------------------------------------------------------------------------------

    def _location(self, path: str) -> S3Uri:
        uri = self.uri(path)
        if not uri.removeprefix("s3://").partition("/")[2]:
            raise IsADirectoryError(path)
        return self.client.location(uri)

    def uri(self, path: str) -> str:
        """Return the ``s3://`` URI of a path."""
        return f"s3://{self._strip_protocol(path)}"


def _info(bucket: str, one: Entry) -> dict[str, Any]:
    if one.is_folder:
        return _folder(f"{bucket}/{one.key.removesuffix('/')}")
    return {
        "name": f"{bucket}/{one.key}",
        "size": one.size,
        "type": "file",
        "ETag": one.etag,
        "LastModified": one.last_modified,
    }


def _folder(name: str) -> dict[str, Any]:
    return {"name": name, "size": 0, "type": "directory"}
