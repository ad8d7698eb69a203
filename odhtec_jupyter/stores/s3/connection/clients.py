"""boto3's clients of one connection: created on first use, one for each region."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import urlsplit

from odhtec_jupyter.errors import BadRequest, OdhTecError, StoreError, clipped
from odhtec_jupyter.network import AMAZON, Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.bounded import MAX_TAGS, PIECE_BYTES, read_whole, require_few
from odhtec_jupyter.stores.http import CONNECT_TIMEOUT, MAX_IDLE_CONNECTIONS, READ_TIMEOUT, ca_file
from odhtec_jupyter.stores.http_pools import prepared_pools
from odhtec_jupyter.stores.interruption import ReplyWait, interruptible
from odhtec_jupyter.stores.s3.connection.amazon import US_EAST, amazon_endpoint, is_region
from odhtec_jupyter.stores.s3.connection.events import (
    accept_costs,
    add_content_md5,
    note_keys,
    read_list,
    renew_keys,
    repeat_condition,
    repeat_position,
    require_bucket_list,
    require_deletion,
)
from odhtec_jupyter.stores.s3.connection.guard import RequestGuard
from odhtec_jupyter.stores.s3.connection.known_buckets import KnownBuckets
from odhtec_jupyter.stores.s3.connection.sessions import find_credentials, new_session
from odhtec_jupyter.stores.s3.connection.signing import stop_before_signing
from odhtec_jupyter.stores.s3.connection.signing_keys import SigningKeys
from odhtec_jupyter.stores.s3.wire.errors import require_s3, s3_errors

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

# The reply to a copy of 5 GiB within S3 can come only when it is complete.
COPY_TIMEOUT = 600  # seconds
MAX_REGIONS = 100  # each needs a client of its own; a store can name another one in each reply
REDIRECTS = {301, 302, 307, 308, 400}  # the statuses of replies that can name the region of a bucket
ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")  # read by boto3 itself


class S3Clients:
    """The clients of one connection; thread-safe."""

    def __init__(
        self,
        connection: S3Connection,
        network: Network,
        *,
        name: str = "",
        look: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``name`` is that of the connection, for the policy. Raises :class:`PolicyDenied` for its endpoint.

        ``look`` calls :meth:`SigningKeys.replace` of :attr:`keys` if the connection has new keys.
        """
        self._connection = connection
        self.keys = SigningKeys(connection, partial(find_credentials, connection.profile), look, clock=clock)
        self._network = network
        self.buckets = KnownBuckets(clock)
        self._clients: dict[tuple[str | None, bool, bool], S3Client] = {}
        self._regions: dict[str, str] = {}  # of buckets, from S3's replies
        self._session: Session | None = None
        self._lock = threading.Lock()
        self._amazon = amazon_endpoint(connection.endpoint)
        self.host = urlsplit(connection.endpoint).netloc if connection.endpoint else "amazonaws.com"
        #: Whether this is Amazon S3, where requests are signed for the region of each bucket.
        self.is_amazon = connection.endpoint is None or self._amazon is not None
        self.guard = RequestGuard(connection, network.policy, name, self.host, is_amazon=self.is_amazon)
        #: The region to sign for if that of the bucket is not known, and to create buckets in.
        self.region = connection.region or US_EAST
        if self._amazon:
            configured = connection.region if is_region(connection.region) else None
            self.region = self._amazon.region or configured or US_EAST

    def get(self, bucket: str | None = None, *, once: bool = False, patient: bool = False) -> S3Client:
        """Return the client for a bucket.

        With ``once``, it does not retry; with ``patient``, it waits long for a reply.
        """
        region = self._region_of(bucket) if bucket else None
        if region == self.region:
            region = None
        with self._lock:
            if (region, once, patient) not in self._clients:
                self._clients[region, once, patient] = self._make(region, once, patient)
            return self._clients[region, once, patient]

    def close(self) -> None:
        """Close idle connections."""
        for client in self._clients.values():
            client.close()

    def _region_of(self, bucket: str) -> str | None:
        if bucket not in self._regions and self.is_amazon:
            reply: Any
            try:
                with s3_errors(self.host):
                    reply = self.get().head_bucket(Bucket=bucket)
            except OdhTecError as error:
                # A refusal contains the region, too; any other error will be raised by the actual call.
                reply = getattr(error.__cause__, "response", {"ResponseMetadata": {}})
            meta = reply["ResponseMetadata"]
            # A gateway at an Amazon endpoint can leave out the region, then the endpoint's own is correct.
            ours = self.region if meta.get("HTTPStatusCode") == 200 else None
            self.learn_region(bucket, meta.get("HTTPHeaders", {}).get("x-amz-bucket-region") or ours)
        return self._regions.get(bucket)

    def accepts_region(self, region: str | None) -> TypeGuard[str]:
        """Return whether to sign for a region that S3 has named; on Amazon it becomes part of the host name."""
        with self._lock:
            known = {one for one, *_ in self._clients}
        if len(known) >= MAX_REGIONS and region not in known:
            return False
        if self.is_amazon:
            return is_region(region)
        return region is not None and re.fullmatch(r"[\w-]{1,64}", region, re.ASCII) is not None

    def learn_region(self, bucket: str, region: str | None) -> bool:
        """Sign for a bucket in the region that S3 has named. Returns whether that changes anything."""
        if not self.accepts_region(region):
            return False
        known, self._regions[bucket] = self._regions.get(bucket, self.region), region
        return known != region

    def forget_region(self, bucket: str) -> None:
        """Forget the region of a bucket that was created or deleted."""
        self._regions.pop(bucket, None)

    def _make(self, region: str | None, once: bool, patient: bool) -> S3Client:
        from botocore import UNSIGNED
        from botocore.config import Config

        connection = self._connection
        region = region or self.region
        endpoint = self._amazon.at(region) if self._amazon else connection.endpoint
        proxies = {
            scheme: proxy for scheme in ("http", "https") if (proxy := self._network.proxy_for(endpoint or AMAZON))
        }
        config = Config(
            signature_version=UNSIGNED if connection.anonymous else "s3v4",
            s3={
                "addressing_style": connection.addressing_style or ("path" if endpoint else "auto"),
                "payload_signing_enabled": False,
            },
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # The engine does the retries.
            retries={"mode": "standard", "total_max_attempts": 1 if once else 2},
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=COPY_TIMEOUT if patient else READ_TIMEOUT,
            max_pool_connections=MAX_IDLE_CONNECTIONS,
            tcp_keepalive=True,
            # The endpoint was cleared in the settings, so boto3 must not read it from the environment.
            ignore_configured_endpoint_urls=(  # type: ignore[call-arg] # boto3-stubs does not know it
                endpoint is None and any(map(os.environ.get, ENDPOINT_VARIABLES))
            ),
            proxies=proxies,  # an empty mapping keeps botocore from reading the environment
        )
        with s3_errors(self.host):
            try:
                self.keys.load()
                self._session = self._session or new_session(connection.profile, self.keys)
                client = self._session.client(
                    "s3",
                    endpoint_url=endpoint,
                    region_name=region,
                    verify=ca_file(self._network),
                    config=config,
                )
            except ValueError as error:  # raised by botocore for an invalid endpoint
                raise BadRequest(f"endpoint: {error}") from error
        endpoint_of: Any = client
        endpoint_of._endpoint.http_session = _BoundedSession(
            endpoint_of._endpoint.http_session, self.host, self.guard.require_address
        )
        client.meta.events.register_first("provide-client-params.s3", self.guard.on_parameters)
        client.meta.events.register("before-call.s3", self.guard.on_call)
        if connection.requester_pays:
            client.meta.events.register_first("before-sign.s3", accept_costs)
        client.meta.events.register("before-sign.s3.GetObject", stop_before_signing)
        client.meta.events.register("before-sign.s3", partial(note_keys, keys=self.keys))
        client.meta.events.register("after-call.s3", self.buckets.note)
        client.meta.events.register("before-sign.s3.DeleteObjects", add_content_md5)
        # The wildcard runs it before botocore's own hook for S3, which parses every list to find an error in it, and
        # treats a list that it cannot parse as an error.
        for operation in ("ListObjectsV2", "ListObjects"):
            client.meta.events.register_first(f"before-parse.*.{operation}", read_list)
        client.meta.events.register_first("before-parse.*.ListBuckets", partial(require_bucket_list, host=self.host))
        client.meta.events.register_first("before-parse.*.DeleteObjects", partial(require_deletion, host=self.host))
        client.meta.events.register("before-sign.s3.ListObjectsV2", repeat_position)
        client.meta.events.register_first("needs-retry.s3", partial(_refuse_redirect, clients=self))
        client.meta.events.register_first("needs-retry.s3", partial(renew_keys, keys=self.keys))
        if not self.is_amazon:
            client.meta.events.register("before-sign.s3.CopyObject", repeat_condition)
        return client


class _BoundedSession:
    """The HTTP session of botocore with a limit: botocore would read any list or error to its end."""

    def __init__(self, session: Any, host: str, require_address: Callable[[str], None]) -> None:
        self._session = session
        self._host = host
        self._require_address = require_address
        # Not public in botocore; without them a stop waits for the reply. Its managers share this mapping.
        pools = getattr(session, "_pool_classes_by_scheme", {})
        pools.update(prepared_pools(pools))

    def send(self, request: Any) -> Any:
        """Send one request. The body of an object is not read; any other body is read here, up to the limit."""
        import botocore.exceptions as b
        from urllib3 import exceptions as u

        self._require_address(request.url)
        streamed, request.stream_output = request.stream_output, True
        response = self._session.send(request)
        if streamed and response.status_code < 300:
            return response
        try:
            with interruptible(ReplyWait(response.raw)):
                body = read_whole(response.raw.stream(PIECE_BYTES), self._host)
            require_s3(response.status_code, body, self._host, is_object=streamed)
            response._content = require_few(body, b"<", MAX_TAGS, self._host)
        except u.ReadTimeoutError as error:
            raise b.ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except u.ProtocolError as error:
            raise b.ConnectionClosedError(endpoint_url=request.url, request=request, error=error) from error
        except OdhTecError:
            response.raw.close()
            raise
        return response

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()


def _refuse_redirect(response: Any, request_dict: Any, clients: S3Clients, **_: Any) -> None:
    """Raise an error for a redirect without a region, which botocore would follow with HEAD requests forever.

    The region in a redirect is kept for the requests that botocore does not send.
    """
    status = response[0].status_code if response and response[0] is not None else 0
    if status not in REDIRECTS:
        return
    reply = response[1]
    headers = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region") or reply.get("Error", {}).get("Region")
    if clients.accepts_region(region):
        bucket = request_dict.get("context", {}).get("s3_redirect", {}).get("bucket")
        if bucket:  # not public in botocore; without it, each client learns the region on its first request
            clients.learn_region(bucket, region)
        return
    if status == 400:
        return
    raise redirected(clients.host, headers.get("location", ""), status)


def redirected(host: str, location: str, status: int) -> StoreError:
    """Return the error for a redirect without a region."""
    target = clipped(urlsplit(location).netloc, 100) or "another address"
    return StoreError(
        f"{host} redirects to {target} ({status}), and S3 requests do not follow redirects. Check the endpoint and the"
        " region in the settings.",
        code="PermanentRedirect",
    )
