"""Hugging Face and its mirrors: each part that is missing has its own sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from odhtec_jupyter.demo.hub.repository import Repository, RepositoryFile
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.doctor.hub import HubSubject
from odhtec_jupyter.doctor.report import hub_report
from odhtec_jupyter.models import HubTest
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection
from tests.conftest import free_port
from tests.doctor.conftest import LOG

TOKEN = "hf_HIDDEN"
Lines = dict[str, tuple[str, str]]
HubExamine = Callable[..., Lines]


@pytest.fixture
def examine_hub(hub: HubStandIn) -> HubExamine:
    """A function that tests the hub, with a repository that has a large file."""
    hub.service.tokens[TOKEN] = "ada"
    large = RepositoryFile.of("large.bin", b"x" * 5000, lfs=True)
    hub.add(Repository("org/name")).commit({"config.json": b"{}", "large.bin": large})

    def run(repo: str | None = "org/name", *, endpoint: str = "", token: str | None = TOKEN) -> Lines:
        subject = HubSubject(HubConnection(endpoint or hub.endpoint, token), Network(), repo)
        found: HubTest = hub_report(subject, log=LOG)
        assert "HIDDEN" not in found.model_dump_json()
        for one in found.checks:
            assert f"{one.title}: {one.message}\n" in found.text
        return {one.id: (one.status, one.message) for one in found.checks}

    return run


def test_working_hub_is_tested_to_the_host_of_its_files(examine_hub: HubExamine, hub: HubStandIn) -> None:
    found = examine_hub()
    host = hub.endpoint.partition("://")[2]
    assert found["api"] == ("ok", f"{host} answers as a Hugging Face hub.")
    assert found["token"] == ("ok", "The token belongs to ada.")
    assert found["repository"] == ("ok", "org/name has 2 files.")
    assert found["files"][0] == "ok"
    assert found["files"][1].startswith("Large files are read by ranges from 127.0.0.")
    assert host not in found["files"][1]  # but from the host that the hub redirects to


def test_without_token_and_repository_less_is_tested(examine_hub: HubExamine) -> None:
    found = examine_hub(None, token=None)
    assert found["token"] == ("skipped", "No token is set, so only public repositories can be imported.")
    assert found["repository"] == found["files"] == ("skipped", "Name a repository to test its files.")


def test_invalid_token_is_named(examine_hub: HubExamine) -> None:
    found = examine_hub(token="hf_unknown")
    assert found["token"][0] == "failed"
    assert found["api"][0] == "ok"


def test_unreachable_hub_and_login_page_are_named(examine_hub: HubExamine, hub: HubStandIn) -> None:
    port = free_port()
    assert examine_hub(endpoint=f"http://127.0.0.1:{port}")["tcp"] == (
        "failed",
        f"Port {port} of 127.0.0.1 refuses connections. Check the port in the endpoint, and that the service is"
        " running.",
    )
    hub.mirror.login_page = True
    status, message = examine_hub()["api"]
    assert status == "failed"
    assert "answered with a web page, not as a Hugging Face hub." in message


def test_mirror_without_the_tree_is_named(examine_hub: HubExamine, hub: HubStandIn) -> None:
    hub.mirror.missing |= {"tree": 404, "whoami-v2": 404, "models": 404}
    host = hub.endpoint.partition("://")[2]
    found = examine_hub()
    assert found["repository"] == (
        "warning",
        f"org/name has 2 files. {host} cannot list files as Hugging Face does, so they are read from its description of"
        " the repository, which can be incomplete: compare their number.",
    )
    assert found["token"] == (
        "warning",
        f"{host} does not say whose token it is, like some mirrors, so it was not tested.",
    )
    assert found["api"] == (
        "warning",
        f"{host} does not list models (404), like some mirrors. Repositories can be imported by their names.",
    )
    assert found["files"][0] == "ok"


def test_mirror_without_ranges_is_named(examine_hub: HubExamine, hub: HubStandIn) -> None:
    hub.mirror.ranges = False
    status, message = examine_hub()["files"]
    assert status == "warning"
    assert message.endswith("Large files are read over one connection, which is slower.")


def test_gated_and_missing_repositories_are_named(examine_hub: HubExamine, hub: HubStandIn) -> None:
    hub.add(Repository("org/gated", gated="manual")).commit({"a.txt": b"text"})
    status, message = examine_hub("org/gated")["repository"]
    assert status == "failed"
    assert "It is gated: accept its terms" in message
    assert examine_hub("org/missing")["repository"][0] == "failed"
    assert examine_hub("no name")["files"] == ("skipped", "Not tested, because “Repository” failed.")


def test_token_is_not_logged(examine_hub: HubExamine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        examine_hub()
    assert "HIDDEN" not in caplog.text
