"""The browser in a notebook cell: its location and selection as traits."""

from __future__ import annotations

import re
from typing import Any

from ipywidgets import DOMWidget
from traitlets import Bool, List, TraitError, Unicode, observe, validate

from odhtec_jupyter._version import __version__
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.uris import S3Uri, parse_uri

# The name of the labextension's package, and the MIME type of its output.
MODULE = "odhtec-jupyter"
MIME_TYPE = "application/vnd.odhtec.browser+json"
FALLBACK = "Run the cell again to browse object storage here."

_LENGTH = re.compile(r"\d+(\.\d+)?(px|em|rem|ex|ch|vh|vw|vmin|vmax|cm|mm|in|pt|pc)")
_MAX_KEY_BYTES = 1024


class S3Browser(DOMWidget):  # type: ignore[misc]
    """The browser of the sidebar in a cell's output, with its own location and selection.

    The browser connects to the Jupyter server, not to the kernel, so neither the notebook nor this object contains S3
    keys. Setting a trait updates the view, and actions of the user update the traits. Use ``observe`` and ``link`` as
    with any widget.
    """

    _model_name = Unicode("S3BrowserModel").tag(sync=True)
    _model_module = Unicode(MODULE).tag(sync=True)
    _model_module_version = Unicode(__version__).tag(sync=True)
    _view_name = Unicode("S3BrowserView").tag(sync=True)
    _view_module = Unicode(MODULE).tag(sync=True)
    _view_module_version = Unicode(__version__).tag(sync=True)

    bucket = Unicode(help="The bucket. If empty, the default bucket of the connection, once it is known.").tag(
        sync=True
    )
    prefix = Unicode(help="The folder, with a slash at its end. If empty, the top level of the bucket.").tag(sync=True)
    selected = List(
        Unicode(), help="The selected items as s3:// URIs, in the order of the list. Folders end with a slash."
    ).tag(sync=True)
    value = Unicode(
        None, allow_none=True, help="The selected URI. None if nothing or more than one item is selected."
    ).tag(sync=True)
    filter = Unicode(help="Show only items whose name contains this text. Case is ignored.").tag(sync=True)
    multiple = Bool(True, help="Whether more than one item can be selected, up to 5000.").tag(sync=True)
    connection = Unicode("default", help="The name of the connection. Only 'default' is available.").tag(sync=True)
    height = Unicode("400px", help="The height of the list: a CSS length, such as '400px', '20em' or '50vh'.").tag(
        sync=True
    )

    @validate("bucket")
    def _check_bucket(self, proposal: Any) -> str:
        bucket: str = proposal["value"]
        if "/" in bucket:
            raise TraitError(f"bucket: {bucket!r} is not the name of a bucket. Names contain no slash and no s3://.")
        return bucket

    @validate("prefix")
    def _check_prefix(self, proposal: Any) -> str:
        prefix: str = proposal["value"]
        if prefix and not prefix.endswith("/"):
            raise TraitError(f"prefix: {prefix!r} is not a folder. Folders end with a slash: {prefix + '/'!r}.")
        _check_length(prefix, "prefix")
        return prefix

    @validate("selected")
    def _check_selected(self, proposal: Any) -> list[str]:
        uris: list[str] = proposal["value"]
        buckets = {_parse(uri, "selected").bucket for uri in uris}
        if len(buckets) > 1:
            raise TraitError(f"selected: all items must be in one bucket, not in {', '.join(sorted(buckets))}.")
        if len(set(uris)) < len(uris):
            raise TraitError("selected: the list contains the same URI twice.")
        if len(uris) > 1 and not self.multiple:
            raise TraitError(f"selected: with multiple=False only one item can be selected, not {len(uris)}.")
        return uris

    @validate("value")
    def _check_value(self, proposal: Any) -> str | None:
        uri: str | None = proposal["value"]
        if uri is not None:
            _parse(uri, "value")
        return uri

    @validate("connection")
    def _check_connection(self, proposal: Any) -> str:
        connection: str = proposal["value"]
        if connection != "default":
            raise TraitError(f"connection: {connection!r} does not exist. Only 'default' is available.")
        return connection

    @validate("height")
    def _check_height(self, proposal: Any) -> str:
        height: str = proposal["value"]
        if not _LENGTH.fullmatch(height):
            raise TraitError(f"height: {height!r} is not a CSS length, such as '400px', '20em' or '50vh'.")
        return height

    @observe("selected")
    def _selected_changed(self, change: Any) -> None:
        uris: list[str] = change["new"]
        self.value = uris[0] if len(uris) == 1 else None

    @observe("value")
    def _value_changed(self, change: Any) -> None:
        uri: str | None = change["new"]
        if uri is not None:
            self.selected = [uri]
        elif len(self.selected) == 1:
            self.selected = []

    @observe("multiple")
    def _multiple_changed(self, change: Any) -> None:
        if not change["new"]:
            self.selected = self.selected[:1]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # Pages without a kernel show the plain text. With our MIME type, the labextension can show the same message.
        data: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        return data | {"text/plain": FALLBACK, MIME_TYPE: {"model_id": self.model_id}}


def _parse(uri: str, field: str) -> S3Uri:
    try:
        location = parse_uri(uri, field)
    except BadRequest as error:
        raise TraitError(str(error)) from None
    if not isinstance(location, S3Uri) or not location.key:
        raise TraitError(f"{field}: {uri!r} is not an object or folder. Use a URI such as s3://bucket/key.")
    if location.connection:
        raise TraitError(f"{field}: {uri!r} is on another connection. Only 'default' is available.")
    _check_length(location.key, field)
    return location


def _check_length(key: str, field: str) -> None:
    if len(key.encode("utf-8", "surrogatepass")) > _MAX_KEY_BYTES:
        raise TraitError(f"{field}: the key is longer than {_MAX_KEY_BYTES} bytes, the maximum in S3.")
