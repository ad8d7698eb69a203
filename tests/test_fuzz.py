"""Valid and invalid requests by the contract, sent to a real server: no reply is a 500 or missing in the contract."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.checks import CheckContext
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.keys import encode_key
from tests.conftest import S3Server, empty_bucket, make_s3_client

if TYPE_CHECKING:
    from schemathesis import Case, Response

CONTRACT = Path(__file__).resolve().parent.parent / "odhtec_jupyter" / "openapi.yaml"
ENDLESS = "/transfers/events"  # a stream that does not end
UNREACHABLE = "http://127.0.0.1:9"  # the discard port, which refuses connections


KEYS = ["a/b.txt", "a/", "a/new.txt", "日本/é 😀.bin", "..", "//", "a\tb"]
# Values that exist, because hardly any random request would find a bucket. Invalid ones are sent as well.
KNOWN_VALUES: dict[str, list[Any]] = {
    "connection": ["default", "default", "second", "no-such"],
    "name": ["default", "added", "other", "no such name"],
    "bucket": ["bucket", "empty", "no-such-bucket", ".."],
    "bucketName": ["new-bucket", "bucket", "No Such Name!"],
    "key": KEYS,
    "prefix": KEYS,
    "base": ["a/"],
    "repo": ["org/model", "org/no-such-model", "no repository"],
    "revision": ["main", "no-such-revision"],
    "source": [
        "s3://bucket/a/b.txt",
        "s3://bucket/a/",
        "workspace://a.txt",
        "hf://org/model/",
        "s3://",
        "no uri",
        "s3://second@bucket/a/",
    ],
    "target": ["s3://bucket/copy/", "s3://empty/x", "workspace://copy/", "", "hf://org/model", "s3://second@empty/"],
    "q": ["b", "*.txt", "\t"],
    # The server connects to these addresses, so they must be on this machine.
    "endpoint": [None, "", UNREACHABLE, "no address", f"{UNREACHABLE}/bucket\x00"],
    "hfEndpoint": [None, "", UNREACHABLE, "no address"],
    "httpProxy": [None, "", UNREACHABLE, "no address"],
    "httpsProxy": [None, "", UNREACHABLE, "no address"],
}


def with_known_values(contract: dict[str, Any]) -> dict[str, Any]:
    """Return the contract with KNOWN_VALUES instead of arbitrary texts."""
    contract = copy.deepcopy(contract)
    parameters = list(contract["components"]["parameters"].values())
    for path in contract["paths"].values():
        parameters += path.get("parameters", [])
        for operation in path.values():
            if isinstance(operation, dict):
                parameters += operation.get("parameters", [])
    for parameter in parameters:
        values = KNOWN_VALUES.get(parameter.get("name", ""))
        if values and "$ref" not in parameter:
            encoded = parameter["name"] in {"key", "prefix", "base"}
            parameter["schema"] = {"enum": [encode_key(value) for value in values] + ["%"] if encoded else values}
    for name, model in contract["components"]["schemas"].items():
        if name.endswith(("Request", "Change")) or name.startswith("Create"):
            for field, values in KNOWN_VALUES.items():
                if field in model.get("properties", {}):
                    model["properties"][field] = {"enum": values}
    return contract


@schemathesis.check
def no_internal_error(context: CheckContext, response: Response, case: Case) -> None:
    """Refuse 500, which is a defect of the server. 502 and 503 are errors of other servers."""
    assert response.status_code != 500, response.text


schema = schemathesis.openapi.from_dict(with_known_values(yaml.safe_load(CONTRACT.read_text()))).exclude(path=ENDLESS)


@pytest.fixture(scope="module")
def rgw(rgw_servers: dict[str, S3Server]) -> Iterator[S3Server]:
    """Ceph RGW, because moto crashes for requests that other stores refuse."""
    server = rgw_servers["rgw"]
    yield server
    client = make_s3_client(server)
    for name in ("bucket", "empty", "new-bucket"):
        with suppress(client.exceptions.NoSuchBucket):
            empty_bucket(client, name)
            client.delete_bucket(Bucket=name)
    client.close()


@pytest.fixture(scope="module")
def served(
    rgw: S3Server, lab_server: Callable[..., JupyterProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterProcess]:
    """A server with objects in a bucket, a second connection to it, and a hub with a repository."""
    second = {f"ODHTEC_CONNECTION_SECOND_{name}": value for name, value in rgw.env.items() if name.startswith("AWS_")}
    saved = tmp_path_factory.mktemp("aws")  # for saved connections
    profiles = {"AWS_CONFIG_FILE": str(saved / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(saved / "credentials")}
    with HubStandIn() as hub:
        hub.add(Repository("org/model")).commit({"config.json": b"{}", "a/weights.bin": b"w" * 4096})
        yield lab_server(
            rgw.env | second | profiles | {"HF_ENDPOINT": hub.endpoint},
            app="jupyter_server",
            options=["--ServerApp.jpserver_extensions={'odhtec_jupyter': True}"],
        )


@pytest.fixture
def session(served: JupyterProcess, rgw: S3Server) -> Iterator[requests.Session]:
    """A session with the initial settings, whatever earlier operations have set."""
    client = make_s3_client(rgw)
    client.create_bucket(Bucket="bucket")
    for key in KEYS:
        client.put_object(Bucket="bucket", Key=key, Body=b"text")
    client.create_bucket(Bucket="empty")
    client.close()
    with requests.Session() as session:
        session.trust_env = False
        # Each request on a connection of its own: the server closes one whose body it has not read, and a request
        # that is just being sent on it would be lost.
        session.headers.update(served.headers | {"Connection": "close"})
        yield session
        api = f"{served.url}odhtec/api/settings"
        env = rgw.env
        connection = {
            "endpoint": env["AWS_S3_ENDPOINT"],
            "accessKeyId": env["AWS_ACCESS_KEY_ID"],
            "secretAccessKey": env["AWS_SECRET_ACCESS_KEY"],
            "region": env["AWS_DEFAULT_REGION"],
            "sessionToken": "",
            "defaultBucket": "",
        }
        session.put(f"{api}/s3", json=connection).raise_for_status()
        session.delete(f"{served.url}odhtec/api/connections/added")
        session.put(f"{api}/proxy", json={"httpProxy": "", "httpsProxy": "", "noProxy": ""}).raise_for_status()


def settings_for(examples: int, *, derandomize: bool) -> settings:
    """Return settings with this number of examples for each operation."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=derandomize,
        print_blob=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@schema.parametrize()
@settings_for(10, derandomize=True)
def test_replies_are_as_the_contract_describes(case: Case, served: JupyterProcess, session: requests.Session) -> None:
    require_described_reply(case, served, session)


@pytest.mark.extended
@schema.parametrize()
@settings_for(50, derandomize=False)
def test_replies_are_as_the_contract_describes_to_random_requests(
    case: Case, served: JupyterProcess, session: requests.Session
) -> None:
    require_described_reply(case, served, session)


def sends_content(case: Case) -> bool:
    """Return whether the reply is the content of an object, of the media type that whoever stored it has given."""
    return case.operation.path.startswith(("/objects/download/", "/objects/view/"))


def require_described_reply(case: Case, served: JupyterProcess, session: requests.Session) -> None:
    checks = [no_internal_error, status_code_conformance, content_type_conformance]
    # An earlier request may have stored arbitrary bytes as application/yaml, which no parser accepts.
    if not sends_content(case):
        checks.append(response_schema_conformance)
    case.call_and_validate(base_url=f"{served.url}odhtec/api", session=session, timeout=600, checks=checks)


@pytest.mark.parametrize("path", [p for p in schema if p.startswith(("/objects/download/", "/objects/view/"))])
def test_content_that_is_not_what_its_media_type_says_is_accepted(
    path: str, served: JupyterProcess, session: requests.Session, rgw: S3Server
) -> None:
    client = make_s3_client(rgw)
    client.put_object(Bucket="bucket", Key="..", Body=b"\x1a\xfd: [", ContentType="application/yaml")
    client.close()
    case = schema[path]["GET"].Case(path_parameters={"bucket": "bucket", "key": encode_key("..")})
    require_described_reply(case, served, session)
