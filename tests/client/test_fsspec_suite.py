"""The test suite of fsspec for copying, getting, putting, opening and piping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import fsspec
import pytest
from fsspec.tests.abstract import (
    AbstractCopyTests,
    AbstractFixtures,
    AbstractGetTests,
    AbstractOpenTests,
    AbstractPipeTests,
    AbstractPutTests,
)

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.marks import on_moto

pytestmark = on_moto  # only the client matters, so one store is enough


class Fixtures(AbstractFixtures):
    """The file system for the tests of fsspec."""

    @pytest.fixture
    def fs(self, server: JupyterProcess) -> Iterator[Any]:
        one = fsspec.filesystem("odhtec", server_url=server.url, token=server.token, skip_instance_cache=True)
        yield one
        one.client.api.connection.close()

    @pytest.fixture
    def fs_path(self, bucket: str) -> str:
        return bucket

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class TestCopy(Fixtures, AbstractCopyTests):  # type: ignore[misc]
    """``cp``."""

    # Variants of what the tests of single patterns show.
    test_copy_glob_edge_cases = pytest.mark.extended(AbstractCopyTests.test_copy_glob_edge_cases)


class TestGet(Fixtures, AbstractGetTests):  # type: ignore[misc]
    """``get``."""

    # Variants of what the tests of single patterns show.
    test_get_glob_edge_cases = pytest.mark.extended(AbstractGetTests.test_get_glob_edge_cases)


class TestOpen(Fixtures, AbstractOpenTests):  # type: ignore[misc]
    """``open``."""


class TestPipe(Fixtures, AbstractPipeTests):  # type: ignore[misc]
    """``pipe``."""


class TestPut(Fixtures, AbstractPutTests):  # type: ignore[misc]
    """``put``."""

    # Variants of what the tests of single patterns show.
    test_put_glob_edge_cases = pytest.mark.extended(AbstractPutTests.test_put_glob_edge_cases)
