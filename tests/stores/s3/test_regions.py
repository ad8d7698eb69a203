"""Buckets in other regions: of Amazon, which sends each request to the bucket's own, and of stores with one region."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.connection.amazon import amazon_endpoint
from odhtec_jupyter.stores.s3.store import S3Store
from tests.odd_store import Asked, OddStore, Reply, failure
from tests.stores.s3.writing import put


@pytest.fixture
def odd() -> Iterator[OddStore]:
    with OddStore() as running:
        yield running


class Amazon:
    """What Amazon's endpoints do with requests for buckets of several regions; reached as an http proxy is."""

    def __init__(self, odd: OddStore) -> None:
        self.odd = odd
        self.regions: dict[str, str] = {}
        odd.buckets.clear()
        odd.refuse, odd.oddity = self.refuse, self.name_the_region

    def add(self, bucket: str, region: str) -> None:
        self.regions[bucket] = region
        self.odd.buckets[bucket] = {}

    def connect(self, endpoint: str, region: str | None = None) -> S3Store:
        return S3Store(S3Connection(endpoint, region, None, "key", "secret"), Network(http_proxy=self.odd.endpoint))

    def refuse(self, asked: Asked) -> Reply | None:
        host = re.fullmatch(r"s3(?:\.([a-z0-9-]+))?\.amazonaws\.com", asked.headers["host"])
        assert host, asked.headers["host"]
        here = host[1] or "us-east-1"
        home = self.regions.get(asked.bucket, here)
        if home != here:
            return failure(301, "PermanentRedirect", "Please send all future requests to this endpoint.")
        if signed_for(asked) != here:
            return malformed(here)
        if asked.method == "PUT" and asked.bucket and not asked.key:
            named = re.search("<LocationConstraint>([^<]*)<", asked.body.decode())
            if (named[1] if named else "us-east-1") != here:
                return failure(400, "IllegalLocationConstraintException")
            self.add(asked.bucket, here)
            return Reply()
        return None

    def name_the_region(self, asked: Asked, reply: Reply) -> None:
        if asked.bucket in self.regions:
            reply.headers["x-amz-bucket-region"] = self.regions[asked.bucket]

    @property
    def hosts(self) -> list[str]:
        return [one.headers["host"] for one in self.odd.asked]


def signed_for(asked: Asked) -> str:
    signature = asked.headers.get("authorization", "") + unquote(asked.query.get("X-Amz-Credential", ""))
    found = re.search(r"/\d{8}/([\w-]+)/s3/aws4_request", signature)
    assert found, signature
    return found[1]


def malformed(region: str) -> Reply:
    reply = failure(400, "AuthorizationHeaderMalformed", f"The region is wrong; expecting '{region}'")
    reply.body = reply.body.replace(b"</Error>", f"<Region>{region}</Region></Error>".encode())
    return reply


@pytest.fixture
def amazon(odd: OddStore) -> Amazon:
    return Amazon(odd)


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("http://s3.amazonaws.com", None),
        ("http://s3.amazonaws.com", "eu-west-1"),
        ("http://s3.us-west-2.amazonaws.com", None),
        ("http://s3.eu-central-1.amazonaws.com", "us-east-1"),
    ],
)
def test_bucket_of_amazon_is_reached_in_its_own_region(amazon: Amazon, endpoint: str, region: str | None) -> None:
    amazon.add("far", "eu-central-1")
    amazon.add("other", "ap-south-1")
    store = amazon.connect(endpoint, region)
    put(store, "far", "a", b"bytes")
    store.copy("far", "b", "far", "a", etag=amazon.odd.buckets["far"]["a"].etag)
    body = store.open("far", "b")
    body.close()
    assert [one.Key for one in store.list_objects("far", "", max_keys=10, token=None).objects] == ["a", "b"]
    upload = store.create_multipart("far", "c")
    etag = store.put_part("far", "c", upload, 1, [memoryview(b"part")], 4)
    store.complete_multipart("far", "c", upload, [etag])
    assert amazon.odd.buckets["far"]["c"].body == b"part"
    link = store.presign("far", "a", "GET", 60, disposition="inline").url
    assert link.startswith("http://s3.eu-central-1.amazonaws.com/far/a?")
    assert "%2Feu-central-1%2Fs3%2F" in link
    assert store.head("other", "a") is None
    assert store.list_buckets().listable
    # The region of a bucket is asked for once, which botocore does twice; nothing else goes astray.
    astray = [one for one in amazon.odd.asked if one.bucket == "far" and "eu-central-1" not in one.headers["host"]]
    assert {one.method for one in astray} <= {"HEAD"}
    assert len(astray) <= 2
    store.close()


@pytest.mark.parametrize(
    ("endpoint", "region", "created"),
    [
        ("http://s3.amazonaws.com", None, "us-east-1"),
        ("http://s3.amazonaws.com", "eu-west-1", "eu-west-1"),
        ("http://s3.us-west-2.amazonaws.com", None, "us-west-2"),
        ("http://s3.us-west-2.amazonaws.com", "eu-west-1", "us-west-2"),
    ],
)
def test_bucket_is_created_where_the_endpoint_is(
    amazon: Amazon, endpoint: str, region: str | None, created: str
) -> None:
    store = amazon.connect(endpoint, region)
    store.create_bucket("new")
    assert amazon.regions == {"new": created}
    put(store, "new", "a", b"bytes")
    store.close()


def test_region_that_is_no_part_of_a_host_name_is_not_followed(amazon: Amazon) -> None:
    amazon.add("bucket", "evil.example/x")
    store = amazon.connect("http://s3.amazonaws.com")
    with pytest.raises(OdhTecError, match="redirects to another address") as error:
        store.list_page("bucket", "")
    assert not error.value.transient
    assert set(amazon.hosts) == {"s3.amazonaws.com"}
    store.close()


def test_gateway_in_amazons_place_is_asked_for_the_region_once(amazon: Amazon) -> None:
    amazon.add("bucket", "us-east-1")
    amazon.odd.oddity = None  # it names no region
    store = amazon.connect("http://s3.amazonaws.com")
    for _ in range(3):
        store.list_page("bucket", "")
    assert amazon.odd.count("HEAD") == 1
    store.close()


@pytest.mark.parametrize(
    ("url", "region", "sibling"),
    [
        ("https://s3.amazonaws.com", None, "https://s3.eu-west-1.amazonaws.com"),
        ("https://s3-external-1.amazonaws.com", None, "https://s3.eu-west-1.amazonaws.com"),
        ("https://S3.us-gov-west-1.amazonaws.com:443", "us-gov-west-1", "https://s3.eu-west-1.amazonaws.com:443"),
        ("https://s3-ap-southeast-2.amazonaws.com", "ap-southeast-2", "https://s3.eu-west-1.amazonaws.com"),
        (
            "https://s3.dualstack.us-west-2.amazonaws.com",
            "us-west-2",
            "https://s3.dualstack.eu-west-1.amazonaws.com",
        ),
        ("https://s3-fips.us-east-2.amazonaws.com", "us-east-2", "https://s3-fips.eu-west-1.amazonaws.com"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1", "https://s3.eu-west-1.amazonaws.com.cn"),
        ("https://bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com", "us-east-1", None),
    ],
)
def test_endpoint_of_amazon_is_known_with_its_region(url: str, region: str | None, sibling: str | None) -> None:
    found = amazon_endpoint(url)
    assert found is not None
    assert (found.region, found.at("eu-west-1")) == (region, sibling or url)
    assert found.at(region or "us-east-1") == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "https://s3.amazonaws.com.evil.example",
        "https://evil-s3.amazonaws.com",
        "https://s3.amazonaws.community",
        "https://s3.us-east-1.amazonaws.com@evil.example",
        "https://s3.us-east-1.evil.amazonaws.com",
        "https://s3.amazonaws.com/path",
        "https://minio.example:9000",
    ],
)
def test_other_endpoints_are_not_taken_for_amazons(url: str | None) -> None:
    assert amazon_endpoint(url) is None


def test_region_that_a_store_names_is_signed_for_from_then_on(odd: OddStore) -> None:
    """Stores of other makers with a region that was not configured."""
    odd.refuse = lambda asked: malformed("fr-par") if signed_for(asked) != "fr-par" else None
    odd.put("key", b"bytes")
    head = odd.store.head("bucket", "key")  # whose refusal says nothing
    assert head is not None
    assert head.size == 5
    odd.asked.clear()
    put(odd.store, "bucket", "new", b"more")
    assert {signed_for(one) for one in odd.asked} == {"fr-par"}

    fresh = S3Store(S3Connection(odd.endpoint, None, None, "key", "secret"), Network())
    with pytest.raises(StoreError) as error:  # the first PUT of all
        put(fresh, "bucket", "new", b"more")
    assert error.value.transient
    put(fresh, "bucket", "new", b"more")
    fresh.close()


def test_bucket_is_created_with_its_region_where_a_store_wants_it_named(odd: OddStore) -> None:
    def refuse(asked: Asked) -> Reply | None:
        named = b"<LocationConstraint>fr-par<" in asked.body
        return Reply() if named else failure(400, "InvalidLocationConstraint")

    odd.refuse = refuse
    store = S3Store(S3Connection(odd.endpoint, "fr-par", None, "key", "secret"), Network())
    store.create_bucket("new")
    assert odd.count("PUT") == 2
    store.close()
