"""An S3 service in this process, with example objects."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from types import TracebackType
from typing import Any, Self

MODELS = "models"
DATASETS = "datasets"
AWKWARD = "awkward-keys"
THUMBNAILS = 5000

# Keys that S3 allows and that have caused bugs in object browsers.
AWKWARD_KEYS = (
    "日本.txt",
    "a b+c%2F.txt",
    "..",
    ".",
    "x//y",
    "/lead",
    "🚀 launch.txt",
    "long/" + "k" * 1019,
    unicodedata.normalize("NFC", "café.txt"),
    unicodedata.normalize("NFD", "café.txt"),
    "a",
    "a/b",
    "a/b/../c",
    "back\\slash.txt",
    "quote\"and'apostrophe.txt",
    "<b>bold & brave</b>.html",
    "question?mark#hash&amp;.txt",
    "percent%20%.txt",
    "-dash first.txt",
    " leading and trailing space ",
    "CASE.txt",
    "case.txt",
    "العربية.txt",
    "no extension",
    "empty folder/",
)


class DemoStore:
    """moto's server with example objects, on a free port of the loopback interface, for a ``with`` block.

    All stores of a process share their buckets, since moto keeps them in global variables.
    """

    def __init__(self) -> None:
        # Imported here, since moto is optional and slow to import.
        from moto.moto_server.threaded_moto_server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server: Any = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)

    @property
    def env(self) -> dict[str, str]:
        """The environment variables of the data connection, as Open Data Hub sets them."""
        host, port = self._server.get_host_and_port()
        return {
            "AWS_S3_ENDPOINT": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_S3_BUCKET": MODELS,
        }

    def __enter__(self) -> Self:
        self._server.start()
        seed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        _backend().reset()


def seed() -> None:
    """Create the example buckets and objects without HTTP, since thousands of requests would be slow."""
    backend = _backend()
    for bucket in (MODELS, DATASETS, AWKWARD):
        backend.create_bucket(bucket, "us-east-1")
    for key, data, content_type in _objects():
        stored = backend.put_object(DATASETS, key, data, disable_notification=True)
        stored.set_metadata({"Content-Type": content_type})
    for key in AWKWARD_KEYS:
        data = b"" if key.endswith("/") else f"The key of this object is {key!r}.\n".encode()
        backend.put_object(AWKWARD, key, data, disable_notification=True)


def _objects() -> Iterator[tuple[str, bytes, str]]:
    assets = files("odhtec_jupyter.demo") / "assets"
    for name, key, content_type in (
        ("readings.csv", "tables/readings.csv", "text/csv"),
        ("readings.parquet", "tables/readings.parquet", "application/vnd.apache.parquet"),
        ("pattern.png", "pictures/pattern.png", "image/png"),
        ("first_look.ipynb", "notebooks/first_look.ipynb", "application/x-ipynb+json"),
    ):
        yield key, (assets / name).read_bytes(), content_type
    for number in range(THUMBNAILS):
        yield f"many/{number:05}.json", f'{{"number": {number}}}\n'.encode(), "application/json"


def _backend() -> Any:
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
