"""The selection of tests: the option ``--stores``, the marker ``server``, and a summary of the used real parts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.installed import RGW_IS_INSTALLED

PARTS = {
    "moto": {"moto_server", "s3_server[moto]"},
    "Ceph RGW over http": {"rgw_servers", "s3_server[rgw]"},
    "Ceph RGW over https": {"s3_server[rgw-https]"},
    "the hub stand-in": {"hub"},
    "Chromium": {"chromium"},
}

# A test that uses one of these starts a server; ``scripts/test --quick`` runs all others.
SERVERS = {"moto_server", "rgw_servers", "s3_server", "hub", "lab_server", "chromium", "jp_serverapp", "jp_fetch"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stores",
        choices=["best", "all"],
        default="best",
        help="best: each test once, on Ceph RGW if installed or otherwise on moto; tests marked tls also over https",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("server")
        names = set(getattr(item, "fixturenames", ()))
        if store := _store_of(item):
            names.add(f"s3_server[{store}]")
        # As a property of the test, it gets into the reports, from which the main process prints the summary.
        item.user_properties.append(("parts", "; ".join(part for part, fixtures in PARTS.items() if fixtures & names)))
    if config.getoption("--stores") == "best":
        left_out = _not_best(items)
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def _store_of(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    store: str | None = callspec.params.get("s3_server") if callspec is not None else None
    return store


def _not_best(items: list[pytest.Item]) -> set[pytest.Item]:
    """Return the tests that also run on a better store."""
    wanted = [store for store in ("rgw", "moto", "rgw-https") if store == "moto" or RGW_IS_INSTALLED]
    variants: dict[str, dict[str, pytest.Item]] = {}  # the test without its store → store → item
    for item in items:
        if store := _store_of(item):
            test, _, parameters = item.nodeid.partition("[")
            variants.setdefault(f"{test}[{parameters.replace(store, '', 1)}", {})[store] = item
    left_out: set[pytest.Item] = set()
    for stores in variants.values():
        best = next((store for store in wanted if store in stores), None)
        if best is None:  # none of them is installed, so each is skipped with the reason
            continue
        keep = {best} | ({"rgw-https"} if next(iter(stores.values())).get_closest_marker("tls") else set())
        left_out.update(item for store, item in stores.items() if store not in keep)
    return left_out


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how many tests used each real part, and the properties that tests have recorded."""
    for outcome in ("passed", "failed", "skipped"):
        reports = [one for one in terminalreporter.stats.get(outcome, []) if hasattr(one, "user_properties")]
        used = [dict(one.user_properties).get("parts", "").split("; ") for one in reports]
        counts = {part: sum(part in parts for parts in used) for part in PARTS}
        if outcome == "passed" or any(counts.values()):
            counted = ", ".join(f"{count} with {part}" for part, count in counts.items())
            terminalreporter.write_line(f"{outcome}: {len(reports)} in all, {counted}")
        for report in reports:
            for name, value in report.user_properties:
                if name != "parts":
                    terminalreporter.write_line(f"  {report.nodeid.partition('::')[2]}: {name}: {value}")
