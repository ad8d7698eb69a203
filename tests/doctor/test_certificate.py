"""TLS: each certificate that is not accepted has its own sentence."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from odhtec_jupyter.network import Network
from tests.doctor.conftest import Examine
from tests.loopback import LoopbackServer, QuietHandler
from tests.odd_store import OddStore

SOON = datetime.now(UTC) + timedelta(days=5, hours=1)


class Empty(QuietHandler):
    """A server that is never asked for anything but a handshake."""


Serve = Callable[..., LoopbackServer]


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Test authority")


@pytest.fixture
def network(authority: trustme.CA, tmp_path: Path) -> Network:
    """One that trusts the authority."""
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return Network(ca_bundles=(str(bundle),))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that starts an https server with a certificate."""
    with ExitStack() as running:

        def start(authority: trustme.CA, *names: str, **options: Any) -> LoopbackServer:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(*(names or ("127.0.0.1",)), **options).configure_cert(context)
            return running.enter_context(LoopbackServer(Empty, tls=context))

        yield start


def test_valid_certificate_is_shown(examine: Examine, serve: Serve, authority: trustme.CA, network: Network) -> None:
    server = serve(authority, not_after=datetime(2099, 1, 2, tzinfo=UTC))
    assert examine(server.url, network=network).line("tls") == (
        "ok",
        "The certificate is issued by “Test authority”, is valid until 2099-01-02, and is trusted because of the public"
        " authorities and the CA bundles authority.pem.",
    )


def test_unknown_authority_is_named(examine: Examine, serve: Serve, authority: trustme.CA) -> None:
    found = examine(serve(authority).url)
    assert found.line("tls") == (
        "failed",
        "The certificate of 127.0.0.1 is issued by “Test authority”, which is not trusted. Add the certificate of this"
        " authority to the CA bundle of the connection or of this server (AWS_CA_BUNDLE), which trusts the public"
        " authorities.",
    )
    assert found.failed == ["tls"]
    assert found.line("service") == ("skipped", "Not tested, because “Certificate” failed.")


def test_wrong_authority_in_the_bundle_is_named(examine: Examine, serve: Serve, network: Network) -> None:
    found = examine(serve(trustme.CA(organization_name="Another authority")).url, network=network)
    assert found["tls"].status == "failed"
    assert "is issued by “Another authority”, which is not trusted." in found["tls"].message
    assert "trusts the public authorities and the CA bundles authority.pem." in found["tls"].message


def test_expired_certificate_is_named(examine: Examine, serve: Serve, authority: trustme.CA, network: Network) -> None:
    server = serve(authority, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=datetime(2021, 2, 3, tzinfo=UTC))
    assert examine(server.url, network=network).line("tls") == (
        "failed",
        "The certificate of 127.0.0.1, or one of its issuers (“Test authority”), has expired on 2021-02-03. Renew it on"
        " the store.",
    )


def test_certificate_that_expires_soon_is_a_warning(
    examine: Examine, serve: Serve, authority: trustme.CA, network: Network
) -> None:
    found = examine(serve(authority, not_after=SOON).url, network=network)
    assert found["tls"].status == "warning"
    assert found["tls"].message.endswith("Renew it within 5 days.")


def test_certificate_that_is_not_valid_yet_is_named(
    examine: Examine, serve: Serve, authority: trustme.CA, network: Network
) -> None:
    server = serve(authority, not_before=datetime(2098, 1, 1, tzinfo=UTC), not_after=datetime(2099, 1, 1, tzinfo=UTC))
    assert examine(server.url, network=network).line("tls") == (
        "failed",
        "The certificate of 127.0.0.1 is valid from 2098-01-01 only. Check the clock of this server.",
    )


def test_certificate_for_another_name_is_named(
    examine: Examine, serve: Serve, authority: trustme.CA, network: Network
) -> None:
    server = serve(authority, "s3.example.com", "*.example.org")
    assert examine(server.url, network=network).line("tls") == (
        "failed",
        "The certificate of 127.0.0.1 is for other names: s3.example.com, *.example.org. Enter one of them in the"
        " endpoint, or let the store use a certificate for this name.",
    )


def test_self_signed_certificate_is_named(examine: Examine, tmp_path: Path) -> None:
    # The certificate of an authority is signed by itself.
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "own.pem"))
    authority.private_key_pem.write_to_path(str(tmp_path / "own.key"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem", tmp_path / "own.key")
    with LoopbackServer(Empty, tls=context) as server:
        found = examine(server.url)
    assert found.line("tls") == (
        "failed",
        "The certificate of 127.0.0.1 is self-signed. Add it to the CA bundle of the connection or of this server"
        " (AWS_CA_BUNDLE), which trusts the public authorities.",
    )


def test_https_on_an_http_port_is_named(examine: Examine, odd_store: OddStore) -> None:
    address = f"127.0.0.1:{odd_store.port}"
    assert examine(f"https://{address}").line("tls") == (
        "failed",
        f"{address} does not answer with TLS. Change https:// to http:// in the endpoint, or enter the port that the"
        " store uses for https.",
    )


def test_http_on_an_https_port_is_named(examine: Examine, serve: Serve, authority: trustme.CA) -> None:
    address = f"127.0.0.1:{serve(authority).port}"
    assert examine(f"http://{address}").line("service") == (
        "failed",
        f"{address} expects https. Change http:// to https:// in the endpoint.",
    )


def test_bundle_that_is_not_pem_is_named_without_its_folder(
    examine: Examine, serve: Serve, authority: trustme.CA, tmp_path: Path
) -> None:
    bundle = tmp_path / "empty.pem"
    bundle.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    found = examine(serve(authority).url, network=Network(ca_bundles=(str(bundle),)))
    assert found["tls"].status == "failed"
    assert "The CA bundle cannot be read (the public authorities and the CA bundles empty.pem)" in found["tls"].message
    assert str(tmp_path) not in found.test.text
