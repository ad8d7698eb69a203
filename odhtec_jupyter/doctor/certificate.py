"""TLS: whether the certificate of the store is valid, who has issued it, and until when."""

from __future__ import annotations

import os
import ssl
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from odhtec_jupyter.doctor.finding import Finding, failed, ok, skipped, warning
from odhtec_jupyter.doctor.path import SOCKET_SECONDS, connect, trusting
from odhtec_jupyter.doctor.route import MAX_NAME, Reached, Route, some
from odhtec_jupyter.errors import clipped
from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.http import reason

SOON_DAYS = 14
DAY_SECONDS = 86400
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which the module ssl does not name
# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
NOT_YET_VALID, EXPIRED, SELF_SIGNED, OTHER_NAME, OTHER_ADDRESS = 9, 10, 18, 62, 64
UNKNOWN_AUTHORITY = {2, 19, 20, 21}
PLAIN = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL"}


def tls(subject: Reached) -> Finding:
    """Make a TLS connection as the stores do."""
    route, network = subject.route, subject.network
    if route.scheme != "https":
        return skipped("The endpoint uses http, so nothing is encrypted on the way.")
    try:
        context = trusting(network)
    except OSError:
        return failed(f"The CA bundle cannot be read ({_trusted(network)}). Replace it by a valid PEM file.")
    try:
        certificate = _shake_hands(context, route, network)
    except ssl.SSLCertVerificationError as error:
        return failed(_refusal(error, route, network))
    except ssl.SSLError as error:
        if (error.reason or "") in PLAIN:
            return failed(
                f"{route.address} does not answer with TLS. Change https:// to http:// in the endpoint, or enter the"
                " port that the store uses for https."
            )
        return failed(f"The TLS connection to {route.address} failed: {reason(error)}. Check the TLS settings of it.")
    except TimeoutError:
        return failed(
            f"{route.address} accepts connections, but does not answer to TLS. Check whether this port uses https."
        )
    except OSError as error:
        return failed(
            f"{route.address} ended the TLS connection: {reason(error)}. Check whether this port uses https, and"
            " whether a firewall is in between."
        )
    return _valid(certificate, network)


def speaks_tls(route: Route, network: Network) -> bool:
    """Return whether the address of an http endpoint answers with TLS."""
    try:
        _shake_hands(_unverified(), route, network)
    except (OSError, ValueError):
        return False
    return True


def _valid(certificate: dict[str, Any], network: Network) -> Finding:
    end = _date(certificate, "notAfter")
    found = f"The certificate is issued by {_issuer(certificate)}, is valid until {end}, and is trusted because of"
    found = f"{found} {_trusted(network)}."
    left = (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / DAY_SECONDS
    if left < SOON_DAYS:
        return warning(f"{found} Renew it within {max(0, int(left))} days.")
    return ok(found)


def _refusal(error: ssl.SSLCertVerificationError, route: Route, network: Network) -> str:
    """Return the sentence about a certificate that OpenSSL does not accept."""
    certificate = _shown(route, network)
    issuer = _issuer(certificate)
    if error.verify_code == EXPIRED:
        return (
            f"The certificate of {route.host}, or one of its issuers ({issuer}), has expired on"
            f" {_date(certificate, 'notAfter')}. Renew it on the store."
        )
    if error.verify_code == NOT_YET_VALID:
        return (
            f"The certificate of {route.host} is valid from {_date(certificate, 'notBefore')} only. Check the clock of"
            " this server."
        )
    if error.verify_code in {OTHER_NAME, OTHER_ADDRESS}:
        names = [clipped(str(value), MAX_NAME) for _, value in certificate.get("subjectAltName", ())]
        return (
            f"The certificate of {route.host} is for other names: {some(names) or 'none'}. Enter one of them in the"
            " endpoint, or let the store use a certificate for this name."
        )
    advice = f"to the CA bundle of the connection or of this server (AWS_CA_BUNDLE), which trusts {_trusted(network)}."
    if error.verify_code == SELF_SIGNED:
        return f"The certificate of {route.host} is self-signed. Add it {advice}"
    if error.verify_code in UNKNOWN_AUTHORITY:
        return (
            f"The certificate of {route.host} is issued by {issuer}, which is not trusted."
            f" Add the certificate of this authority {advice}"
        )
    return f"The certificate of {route.host} (issued by {issuer}) is not accepted: {clipped(error.verify_message)}."


def _shown(route: Route, network: Network) -> dict[str, Any]:
    """Return the certificate that was refused, for its names and dates; an empty one if it cannot be had."""
    try:
        encoded = _shake_hands(_unverified(), route, network, encoded=True)
        # The module ssl decodes only what it has verified, so this very certificate is trusted, at any time.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
        context.load_verify_locations(cadata=encoded)
        certificate: dict[str, Any] = _shake_hands(context, route, network)
    except (OSError, ValueError):
        return {}
    return certificate


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent over this connection
    return context


def _shake_hands(context: ssl.SSLContext, route: Route, network: Network, *, encoded: bool = False) -> Any:
    """Return the certificate of the store, decoded or as DER. Nothing but the handshake is sent."""
    plain = connect(route, network)
    with closing(plain):
        plain.settimeout(SOCKET_SECONDS)
        secured: Any
        if isinstance(plain, ssl.SSLSocket):  # to an https proxy
            from urllib3.util.ssltransport import SSLTransport

            secured = SSLTransport(plain, context, server_hostname=route.host)
        else:
            secured = context.wrap_socket(plain, server_hostname=route.host)
        with closing(secured):
            return secured.getpeercert(encoded)


def _issuer(certificate: dict[str, Any]) -> str:
    parts = {name: value for group in certificate.get("issuer", ()) for name, value in group}
    names = [clipped(str(parts[name]), MAX_NAME) for name in ("commonName", "organizationName") if name in parts]
    return f"“{', '.join(names)}”" if names else "an authority without a name"


def _date(certificate: dict[str, Any], name: str) -> str:
    if name not in certificate:
        return "an unknown date"
    return f"{datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate[name]), UTC):%Y-%m-%d}"


def _trusted(network: Network) -> str:
    """Return what is trusted. Folders of the server are not shown."""
    names = [os.path.basename(path) for path in network.ca_bundles]
    return "the public authorities" + (f" and the CA bundles {some(names)}" if names else "")
