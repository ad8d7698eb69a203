"""What this machine can run.

What it cannot is skipped with the reason; with ODHTEC_REQUIRE_ALL=1, as in CI, that is a failure.
"""

from __future__ import annotations

import os
import shutil

import pytest

RGW_PROGRAMS = ("radosgw", "ceph-mon", "ceph-osd", "openssl")
RGW_IS_INSTALLED = all(map(shutil.which, RGW_PROGRAMS))


def missing(reason: str) -> None:
    """Skip, or fail where everything must run."""
    if os.environ.get("ODHTEC_REQUIRE_ALL") == "1":
        pytest.fail(f"ODHTEC_REQUIRE_ALL is set, but {reason}")
    pytest.skip(reason)
