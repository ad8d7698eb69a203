"""The server that a client uses, and the connections to S3 that the server knows."""

from __future__ import annotations

from functools import partial
from typing import Any

from odhtec_jupyter import models
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.arguments import Location, request, s3_location
from odhtec_jupyter.client.http.connection import Connection
from odhtec_jupyter.client.http.servers import find_server, without_token
from odhtec_jupyter.uris import DEFAULT_CONNECTION, S3Uri, named


class ConnectedClient:
    """What every part of the client needs: the REST API, and on which connection a URI is."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        verify: bool | str | None = None,
        connection: str = "default",
    ) -> None:
        """Connect to another server with ``url`` and ``token``, or with the URL with the token from Jupyter's log.

        ``verify`` is the file with the CA certificate of a server that has a certificate of its own. ``connection`` is
        the connection to S3 of URIs that name none.
        """
        self._url, self._verify = without_token(url) if url else None, verify
        #: The name of the connection of URIs that name none; empty for the default one.
        self.connection = named(connection)
        locate = partial(find_server, url, token, verify)
        self._api = Api(Connection(locate(), locate).on(self.connection))

    @property
    def url(self) -> str:
        """The server's address."""
        return self._api.connection.server.url

    @property
    def api(self) -> Api:
        """The REST API: one method for each endpoint, with the models of ``openapi.yaml``."""
        return self._api

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the token, which must not be stored: the process that unpickles the client finds the server again.
        return (_reconnect, (type(self), self._url, self._verify, self.connection))

    def location(self, uri: Location) -> S3Uri:
        """Return the bucket, folder or object in S3 that a URI names, on its connection.

        Raises :class:`BadRequest` for another scheme.
        """
        return s3_location(uri, self.connection)

    def api_of(self, location: S3Uri) -> Api:
        """Return the REST API for the store of the connection that a location is on."""
        return self._api.on(location.connection)

    def connections(self) -> list[models.ConnectionSummary]:
        """Return the connections of the server, also those that cannot be used, with their errors."""
        return self._api.list_connections().connections

    def test_connection(
        self, name: str | None = None, *, write: bool = False, bucket: str | None = None
    ) -> models.ConnectionTest:
        """Test a connection step by step; without a name, the one of URIs that name none.

        What does not work is in the report, whose ``text`` can be sent to those who run the store. With ``write``, a
        small object is stored in the bucket and removed again; without ``bucket``, that is the default one.
        """
        what = request(models.ConnectionTestRequest, write=write, bucket=bucket)
        return self._api.test_connection(name or self.connection or DEFAULT_CONNECTION, what)

    def test_hub(self, repo: str | None = None) -> models.HubTest:
        """Test Hugging Face, or the mirror in use, step by step; with ``repo`` also the files of that model."""
        return self._api.test_hub(request(models.HubTestRequest, repo=repo))


def _reconnect(
    kind: type[ConnectedClient], url: str | None, verify: bool | str | None, connection: str
) -> ConnectedClient:
    return kind(url, verify=verify, connection=connection)
