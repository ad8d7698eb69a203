"""The browser in a notebook cell: what it shows and what is selected, as traits of Python."""

from __future__ import annotations

import re
from typing import Any

from ipywidgets import DOMWidget
from traitlets import Bool, List, TraitError, Unicode, observe, validate

from odhtec_jupyter._version import __version__
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.uris import S3Uri, parse_uri

# Of the labextension: the name of its package, and the types of what it displays.
MODULE = "odhtec-jupyter"
MIME_TYPE = "application/vnd.odhtec.browser+json"
FALLBACK = "Run the cell again to browse object storage here."

_LENGTH = re.compile(r"\d+(\.\d+)?(px|em|rem|ex|ch|vh|vw|vmin|vmax|cm|mm|in|pt|pc)")
_MAX_KEY_BYTES = 1024


class S3Browser(DOMWidget):  # type: ignore[misc]
    """Object storage in a cell's output: the browser of the sidebar, with one's own place and selection.

    It speaks to the Jupyter server, not to the kernel, so no key of a store is in the notebook or in this object. What
    is set here moves the view, what the user does there moves the traits; ``observe`` and ``link`` as with any widget.
    """

    _model_name = Unicode("S3BrowserModel").tag(sync=True)
    _model_module = Unicode(MODULE).tag(sync=True)
    _model_module_version = Unicode(__version__).tag(sync=True)
    _view_name = Unicode("S3BrowserView").tag(sync=True)
    _view_module = Unicode(MODULE).tag(sync=True)
    _view_module_version = Unicode(__version__).tag(sync=True)

    bucket = Unicode(help="The bucket that is shown; empty is the connection's own, until it is known.").tag(sync=True)
    prefix = Unicode(help="The folder that is shown, with its slash; empty is the bucket itself.").tag(sync=True)
    selected = List(
        Unicode(), help="What is selected, as s3:// URIs in the order of the list; folders end with a slash."
    ).tag(sync=True)
    value = Unicode(
        None, allow_none=True, help="The one URI that is selected; None when there is none, or more than one."
    ).tag(sync=True)
    filter = Unicode(help="Only rows whose name contains this are shown, whatever its case.").tag(sync=True)
    multiple = Bool(True, help="Whether more than one row may be selected; then 5000 at most.").tag(sync=True)
    connection = Unicode("default", help="The server's connection; so far there is only 'default'.").tag(sync=True)
    height = Unicode("400px", help="How high the list is: a CSS length, such as '400px', '20em' or '50vh'.").tag(
        sync=True
    )

    @validate("bucket")
    def _check_bucket(self, proposal: Any) -> str:
        bucket: str = proposal["value"]
        if "/" in bucket:
            raise TraitError(f"bucket: {bucket!r} is no name of a bucket: that has neither a scheme nor a slash.")
        return bucket

    @validate("prefix")
    def _check_prefix(self, proposal: Any) -> str:
        prefix: str = proposal["value"]
        if prefix and not prefix.endswith("/"):
            raise TraitError(f"prefix: {prefix!r} is no folder: that ends with a slash, as {prefix + '/'!r} does.")
        _check_length(prefix, "prefix")
        return prefix

    @validate("selected")
    def _check_selected(self, proposal: Any) -> list[str]:
        uris: list[str] = proposal["value"]
        buckets = {_parse(uri, "selected").bucket for uri in uris}
        if len(buckets) > 1:
            raise TraitError(f"selected: one bucket is shown at a time, and these are of {', '.join(sorted(buckets))}.")
        if len(set(uris)) < len(uris):
            raise TraitError("selected: the same URI stands in it twice.")
        if len(uris) > 1 and not self.multiple:
            raise TraitError(f"selected: with multiple=False one URI can be selected, and these are {len(uris)}.")
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
            raise TraitError(
                f"connection: the server has no connection {connection!r}; so far there is only 'default'."
            )
        return connection

    @validate("height")
    def _check_height(self, proposal: Any) -> str:
        height: str = proposal["value"]
        if not _LENGTH.fullmatch(height):
            raise TraitError(f"height: {height!r} is no length of CSS, such as '400px', '20em' or '50vh'.")
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
        # Plain text is what a page without the kernel shows; the type of our own lets the labextension say the same.
        data: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        return data | {"text/plain": FALLBACK, MIME_TYPE: {"model_id": self.model_id}}


def _parse(uri: str, field: str) -> S3Uri:
    try:
        place = parse_uri(uri, field)
    except BadRequest as error:
        raise TraitError(str(error)) from None
    if not isinstance(place, S3Uri) or not place.key:
        raise TraitError(f"{field}: {uri!r} names no object and no folder; it looks like s3://bucket/key.")
    _check_length(place.key, field)
    return place


def _check_length(key: str, field: str) -> None:
    if len(key.encode("utf-8", "surrogatepass")) > _MAX_KEY_BYTES:
        raise TraitError(f"{field}: S3 allows keys of at most {_MAX_KEY_BYTES} bytes.")
