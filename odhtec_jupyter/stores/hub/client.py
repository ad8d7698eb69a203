"""Requests to a hub, with huggingface_hub's HTTP client and our proxies, authorities, timeouts and limits.

Only this module imports huggingface_hub. Each connection has its own client: the client that huggingface_hub keeps
belongs to the whole process, and other extensions download models with it. Nothing is retried here, because the callers
know how long a user waits.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from odhtec_jupyter.errors import BadRequest, OdhTecError, Unreachable
from odhtec_jupyter.network import Network, proxy_refused
from odhtec_jupyter.settings import HubConnection, check_secret
from odhtec_jupyter.stores.bounded import MAX_VALUES, PIECE_BYTES, bounded_transport, read_whole, require_few
from odhtec_jupyter.stores.http import CONNECT_TIMEOUT, READ_TIMEOUT, ca_file, is_proxy_refusal, is_web_page, reason
from odhtec_jupyter.stores.hub.errors import odd_answer, status_error, web_page

_HTTP_LIBRARIES = {"httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3"}


class HubClient:
    """Requests to one endpoint, with the token of the settings or with an entered one; thread-safe."""

    def __init__(self, connection: HubConnection, network: Network) -> None:
        self._connection = connection
        self._network = network
        self.host = urlsplit(connection.endpoint).netloc
        self._lock = threading.Lock()
        self._session: Any = None

    def get(
        self,
        path: str,
        *,
        repo: str,
        revision: str | None = None,
        token: str | None = None,
        form: dict[str, Any] | None = None,
    ) -> Any:
        """Return the JSON at ``path`` and its response; with ``form``, the reply to a POST.

        Raises the hub's refusals with messages for the user. ``repo`` and ``revision`` are named in them.
        """
        import huggingface_hub.utils as hub_utils

        utils: Any = hub_utils
        check_secret(token or self._connection.token, "token")
        with self._errors():
            # False, not None: with None, huggingface_hub would look for a token itself.
            headers = utils.build_hf_headers(token=token or self._connection.token or False)
            session, url = self._http(), f"{self._connection.endpoint}{path}"
            response = (
                session.get(url, headers=headers) if form is None else session.post(url, headers=headers, data=form)
            )
        proxy = self._network.proxy_for(self._connection.endpoint)
        if proxy and response.status_code == 407:
            raise proxy_refused(proxy)
        if response.status_code != 200:
            raise status_error(
                int(response.status_code), dict(response.headers), repo, self.host, path=path, revision=revision
            )
        try:
            return response.json(), response
        except (ValueError, RecursionError) as error:
            if is_web_page(response.content):
                raise web_page(self.host) from error
            raise odd_answer(f"{self.host} answered {path} with something other than JSON.") from error

    def check_repo(self, repo: str) -> None:
        """Raise :class:`BadRequest` for a text that cannot be the name of a repository."""
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

        try:
            validate_repo_id(repo)
        except HFValidationError as error:
            raise BadRequest(f"repo: {repo!r} is not a repository name. Use the form org/name.") from error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from huggingface_hub.errors import OfflineModeIsEnabled

        try:
            yield
        except OdhTecError:
            raise
        except OfflineModeIsEnabled as error:
            raise Unreachable(
                "HF_HUB_OFFLINE is set, so Hugging Face cannot be used.", code="HubUnreachable"
            ) from error
        except Exception as error:
            # Of requests, httpx or its successor, depending on huggingface_hub's version: recognized by module name.
            proxy = self._network.proxy_for(self._connection.endpoint)
            if proxy and is_proxy_refusal(error):
                raise proxy_refused(proxy) from error
            if type(error).__module__.split(".")[0] in _HTTP_LIBRARIES or isinstance(error, OSError):
                raise Unreachable(f"{self.host} cannot be reached: {reason(error)}.", code="HubUnreachable") from error
            raise

    def _http(self) -> Any:
        with self._lock:
            if self._session is None:
                proxy = self._network.proxy_for(self._connection.endpoint)
                self._session = _new_session(proxy, ca_file(self._network))
            return self._session

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()


def _new_session(proxy: str | None, ca_bundle: str | None) -> Any:
    """Return a client of the HTTP library that this version of huggingface_hub uses."""
    import huggingface_hub
    import huggingface_hub.utils as hub_utils

    if not hasattr(huggingface_hub, "set_client_factory"):  # requests before 1.0
        import requests
        from huggingface_hub import constants
        from huggingface_hub.errors import OfflineModeIsEnabled
        from requests.adapters import HTTPAdapter

        class Impatient(HTTPAdapter):
            """An adapter with timeouts and limits: requests has none, and huggingface_hub passes None."""

            def send(self, request: Any, stream: Any = False, timeout: Any = None, *args: Any, **options: Any) -> Any:
                if constants.HF_HUB_OFFLINE:  # newer versions check this themselves before each request
                    raise OfflineModeIsEnabled
                response = super().send(request, True, timeout or (CONNECT_TIMEOUT, READ_TIMEOUT), *args, **options)
                try:
                    host = urlsplit(response.url or "").hostname or ""
                    body = read_whole(response.iter_content(PIECE_BYTES), host)
                    response._content = require_few(body, b",", MAX_VALUES, host)
                finally:
                    response.close()
                response._content_consumed = True  # type: ignore[attr-defined]
                return response

        made = requests.Session()
        made.mount("http://", Impatient())
        made.mount("https://", Impatient())
        made.trust_env = False
        made.proxies = {"http": proxy, "https": proxy} if proxy else {}
        made.verify = ca_bundle or True
        return made

    import ssl

    plain: Any = hub_utils._http.default_client_factory()
    library: Any = sys.modules[type(plain).__module__.split(".")[0]]
    hooks = plain.event_hooks
    plain.close()
    verify = ssl.create_default_context(cafile=ca_bundle) if ca_bundle else True
    return library.Client(
        event_hooks=hooks,
        follow_redirects=True,
        timeout=library.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
        transport=bounded_transport(library, proxy=proxy, verify=verify, trust_env=False),
        trust_env=False,
    )
