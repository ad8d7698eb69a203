"""Programs that a test needs and this machine may not have.

Without them, the test is skipped with the reason. With ODHTEC_REQUIRE_ALL=1, as in CI, it fails.
"""

from __future__ import annotations

import os
import shutil

import pytest

RGW_PROGRAMS = ("radosgw", "ceph-mon", "ceph-osd", "openssl")
RGW_IS_INSTALLED = all(map(shutil.which, RGW_PROGRAMS))


def missing(reason: str) -> None:
    """Skip the test, or fail if ODHTEC_REQUIRE_ALL is set."""
    if os.environ.get("ODHTEC_REQUIRE_ALL") == "1":
        pytest.fail(f"ODHTEC_REQUIRE_ALL is set, but {reason}")
    pytest.skip(reason)
