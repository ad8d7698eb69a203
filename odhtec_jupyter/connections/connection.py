"""One named connection to an S3 store, and the names that connections can have."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from odhtec_jupyter.errors import BadRequest, PolicyDenied
from odhtec_jupyter.network import Network
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.settings import AddressingStyle, S3Connection
from odhtec_jupyter.uris import CONNECTION_NAME, DEFAULT_CONNECTION, MAX_CONNECTION_NAME

NAMED_BY_USERS = {"session", "profiles"}  # the sources whose names users can choose while the server runs


@dataclass(frozen=True)
class Connection:
    """A named connection. ``error`` says why it cannot be used; then its other values are not complete."""

    name: str
    source: str  # one of CONNECTION_SOURCES
    s3: S3Connection = field(default_factory=S3Connection)  # prints no secret
    title: str = ""
    ca_bundle: str | None = None  # a PEM file with authorities to trust in addition
    secret_name: str | None = None  # of the Kubernetes Secret with these credentials, for manifests
    error: str | None = None
    is_denied: bool = False  # by the policy, which is then the error

    @property
    def anonymous(self) -> bool:
        """Whether requests are not signed."""
        return self.s3.anonymous

    @property
    def requester_pays(self) -> bool:
        """Whether requests accept the costs in buckets that charge the requester."""
        return self.s3.requester_pays

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written through this connection."""
        return self.s3.read_only

    @property
    def addressing_style(self) -> AddressingStyle | None:
        """Where requests have the name of the bucket; None for the usual way of the store."""
        return self.s3.addressing_style

    @property
    def fingerprint(self) -> str:
        """What a transfer remembers of its connection, without a secret."""
        return self.s3.fingerprint

    def network(self, network: Network) -> Network:
        """Return the network of the server with the certificate authorities of this connection.

        Users choose the names of some connections. Its policy then has only what is allowed whatever the name is.
        """
        if self.source in NAMED_BY_USERS:
            network = replace(network, policy=network.policy.for_user_names())
        if not self.ca_bundle:
            return network
        return replace(network, ca_bundles=tuple(dict.fromkeys((self.ca_bundle, *network.ca_bundles))))

    def require_usable(self) -> Connection:
        """Return the connection.

        Raises :class:`BadRequest` with the reason if it cannot be used, or :class:`PolicyDenied`.
        """
        if self.error:
            whose = "" if self.name == DEFAULT_CONNECTION else f"The connection “{self.name}” cannot be used. "
            raise (PolicyDenied if self.is_denied else BadRequest)(f"{whose}{self.error}")
        return self

    def judged(self, policy: Policy) -> Connection:
        """Return the connection as one that cannot be used if the policy does not allow its endpoint."""
        try:
            policy.require_endpoint(self.s3.endpoint)
        except PolicyDenied as error:
            return self if self.error else replace(self, error=str(error), is_denied=True)
        return self


def broken(name: str, source: str, error: str, title: str = "") -> Connection:
    """Return a connection that cannot be used, which is shown with its error."""
    return Connection(name, source, title=title, error=error)


def checked_name(text: str) -> str:
    """Return the name of a connection. Raises :class:`BadRequest` unless it can be in a URI."""
    if not CONNECTION_NAME.fullmatch(text):
        raise BadRequest(
            f"name: use up to {MAX_CONNECTION_NAME} letters, digits, hyphens and underscores, with a letter or a digit"
            " first."
        )
    return text


def safe_name(text: str) -> str:
    """Return the name for a connection that something else has named: other characters become hyphens."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")[:MAX_CONNECTION_NAME] or "unnamed"
