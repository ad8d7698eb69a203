"""Buckets in other regions: of Amazon, which redirects to the region of a bucket, and of stores with one region."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.connection.amazon import amazon_endpoint
from odhtec_jupyter.stores.s3.store import S3Store
from tests.odd_store import OddStore, Reply, Request, failure
from tests.stores.s3.writing import put


class Amazon:
    """Amazon's endpoints with buckets in several regions. Clients reach it as their http proxy."""

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

    def refuse(self, request: Request) -> Reply | None:
        host = re.fullmatch(r"s3(?:\.([a-z0-9-]+))?\.amazonaws\.com", request.headers["host"])
        assert host, request.headers["host"]
        here = host[1] or "us-east-1"
        home = self.regions.get(request.bucket, here)
        if home != here:
            return failure(301, "PermanentRedirect", "Please send all future requests to this endpoint.")
        if signed_for(request) != here:
            return malformed(here)
        if request.method == "PUT" and request.bucket and not request.key:
            named = re.search("<LocationConstraint>([^<]*)<", request.body.decode())
            if (named[1] if named else "us-east-1") != here:
                return failure(400, "IllegalLocationConstraintException")
            self.add(request.bucket, here)
            return Reply()
        return None

    def name_the_region(self, request: Request, reply: Reply) -> None:
        if request.bucket in self.regions:
            reply.headers["x-amz-bucket-region"] = self.regions[request.bucket]

    @property
    def hosts(self) -> list[str]:
        return [one.headers["host"] for one in self.odd.requests]


def signed_for(request: Request) -> str:
    signature = request.headers.get("authorization", "") + unquote(request.query.get("X-Amz-Credential", ""))
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
    # Only requests for the region of the bucket, of which botocore sends two, go to another endpoint.
    elsewhere = [
        one for one in amazon.odd.requests if one.bucket == "far" and "eu-central-1" not in one.headers["host"]
    ]
    assert {one.method for one in elsewhere} <= {"HEAD"}
    assert len(elsewhere) <= 2
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


def test_region_that_is_not_a_valid_part_of_a_host_name_is_not_followed(amazon: Amazon) -> None:
    amazon.add("bucket", "evil.example/x")
    store = amazon.connect("http://s3.amazonaws.com")
    with pytest.raises(OdhTecError, match="redirects to another address") as error:
        store.list_page("bucket", "")
    assert not error.value.transient
    assert set(amazon.hosts) == {"s3.amazonaws.com"}
    store.close()


def test_region_is_requested_once_from_a_gateway_that_does_not_name_it(amazon: Amazon) -> None:
    amazon.add("bucket", "us-east-1")
    amazon.odd.oddity = None  # it does not name the region
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
def test_other_endpoints_do_not_count_as_amazons(url: str | None) -> None:
    assert amazon_endpoint(url) is None


def test_requests_are_signed_for_the_region_that_the_store_names(odd: OddStore) -> None:
    """The store is not Amazon's, and its region is not configured."""
    odd.refuse = lambda request: malformed("fr-par") if signed_for(request) != "fr-par" else None
    odd.put("key", b"bytes")
    head = odd.store.head("bucket", "key")  # a refusal of HEAD has no body with the region
    assert head is not None
    assert head.size == 5
    odd.requests.clear()
    put(odd.store, "bucket", "new", b"more")
    assert {signed_for(one) for one in odd.requests} == {"fr-par"}

    fresh = S3Store(S3Connection(odd.endpoint, None, None, "key", "secret"), Network())
    with pytest.raises(StoreError) as error:  # the first PUT, before the region is known
        put(fresh, "bucket", "new", b"more")
    assert error.value.transient
    put(fresh, "bucket", "new", b"more")
    fresh.close()


def test_bucket_is_created_with_its_region_if_the_store_requires_it(odd: OddStore) -> None:
    def refuse(request: Request) -> Reply | None:
        named = b"<LocationConstraint>fr-par<" in request.body
        return Reply() if named else failure(400, "InvalidLocationConstraint")

    odd.refuse = refuse
    store = S3Store(S3Connection(odd.endpoint, "fr-par", None, "key", "secret"), Network())
    store.create_bucket("new")
    assert odd.count("PUT") == 2
    store.close()
