"""Copies and moves keep the tags of objects, also where no request of the store copies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.copying import server_side_copy
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.marks import on_moto
from tests.odd_store import OddStore, Reply, Request, failure
from tests.transfers.steps import begin, ended

LARGE = SyntheticContent(2 * PART_SIZE + 11, seed=3).read()
TAGS = {"stage": "prod uction", "größe": "a=b+c@d", "empty": ""}


@pytest.fixture
def connected(make_services: Callable[..., Services], s3_server: Any, jp_asyncio_loop: Any) -> Services:
    """A server with ``own``, a connection with the same endpoint and keys as the default one."""
    own = {
        "endpoint": s3_server.endpoint_url,
        "region": s3_server.region,
        "access_key_id": s3_server.access_key_id,
        "secret_access_key": s3_server.secret_access_key,
    }
    services = make_services(connections={"own": own})
    jp_asyncio_loop.run_until_complete(services.start())
    services.connections.refresh()
    return services


def put(s3_client: Any, bucket: str, key: str, body: bytes) -> None:
    s3_client.put_object(Bucket=bucket, Key=key, Body=body)
    tags = [{"Key": name, "Value": value} for name, value in TAGS.items()]
    s3_client.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tags})


def tags_of(s3_client: Any, bucket: str, key: str) -> dict[str, str]:
    found = s3_client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}


@pytest.mark.parametrize("action", ["copy", "move"])
@pytest.mark.parametrize("body", [b"small", LARGE], ids=["small", "large"])
async def test_tags_are_kept_between_connections(
    connected: Services, bucket: str, s3_client: Any, action: str, body: bytes
) -> None:
    put(s3_client, bucket, "from/a", body)
    s3_client.put_object(Bucket=bucket, Key="from/untagged", Body=body)
    s3_client.create_bucket(Bucket=f"{bucket}-2")
    transfer = await ended(
        connected, await begin(connected, action, f"s3://{bucket}/from/", f"s3://own@{bucket}-2/to/")
    )
    assert (transfer.state, transfer.error) == ("completed", None)
    assert tags_of(s3_client, f"{bucket}-2", "to/a") == TAGS
    assert tags_of(s3_client, f"{bucket}-2", "to/untagged") == {}


@pytest.mark.parametrize("action", ["copy", "move"])
async def test_tags_are_kept_by_a_copy_in_parts(
    connected: Services, bucket: str, s3_client: Any, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_side_copy, "MAX_SINGLE_COPY_BYTES", PART_SIZE)
    monkeypatch.setattr(server_side_copy, "COPY_PART_BYTES", PART_SIZE)
    put(s3_client, bucket, "a", LARGE)
    transfer = await ended(connected, await begin(connected, action, f"s3://{bucket}/a", f"s3://{bucket}/b"))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert tags_of(s3_client, bucket, "b") == TAGS


@on_moto
async def test_object_is_not_stored_without_its_tags(
    make_services: Callable[..., Services], bucket: str, s3_client: Any
) -> None:
    def refuse(request: Request) -> Reply | None:
        return failure(501, "NotImplemented") if "x-amz-tagging" in request.headers else None

    with OddStore(refuse=refuse) as odd:
        keys = {"access_key_id": "id", "secret_access_key": "secret"}
        services = make_services(connections={"odd": {"endpoint": odd.endpoint, **keys}})
        await services.start()
        services.connections.refresh()
        put(s3_client, bucket, "a", b"content")
        transfer = await ended(services, await begin(services, "move", f"s3://{bucket}/a", "s3://odd@bucket/a"))
        assert transfer.state == "failed"
        assert transfer.error
        assert f"{odd.store.host} does not store tags" in transfer.error.message
        assert odd.objects == {}
    assert tags_of(s3_client, bucket, "a") == TAGS
