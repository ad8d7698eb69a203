"""Markers for tests that run against only some of the S3 servers."""

from __future__ import annotations

import pytest


def on_stores(*names: str) -> pytest.MarkDecorator:
    """Run a test against these S3 servers of :func:`tests.conftest.s3_server`."""
    return pytest.mark.parametrize("s3_server", names, indirect=True)


# Any store is enough, or the test needs moto's clock or its immediate versions.
on_moto = on_stores("moto")
# The test needs signatures, checksums or conditional completion, which moto does not have.
on_rgw = on_stores("rgw")
on_rgw_and_https = on_stores("rgw", "rgw-https")
on_https = on_stores("rgw-https")
# TLS makes no difference to the test.
over_http = on_stores("moto", "rgw")
