"""Which S3 servers a test runs against, where that is not every one, and why."""

from __future__ import annotations

import pytest


def on_stores(*names: str) -> pytest.MarkDecorator:
    """Run against these S3 servers of :func:`tests.conftest.s3_server`."""
    return pytest.mark.parametrize("s3_server", names, indirect=True)


# The store is incidental, or the test needs what only moto does (a clock that can be set, versions without a wait).
on_moto = on_stores("moto")
# Needs what moto does not do: signatures, checksums, conditional completion.
on_rgw = on_stores("rgw")
on_rgw_and_https = on_stores("rgw", "rgw-https")
on_https = on_stores("rgw-https")
# What TLS cannot change.
over_http = on_stores("moto", "rgw")
