"""Discovery of the Jupyter server that this process belongs to, and of its token.

In this order: the URL from the caller; the server that is a parent process of this kernel; the environment variables of
JupyterHub; ``NB_PREFIX`` of Open Data Hub; the only server that is running here.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from jupyter_core.paths import jupyter_runtime_dir

from odhtec_jupyter.errors import NoServer

WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - addresses that servers listen on
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PAGES = frozenset({"lab", "tree", "doc", "notebooks"})  # in the URLs that Jupyter logs
PROBE_TIMEOUT_SECONDS = 1.0
WORKBENCH_PORT = 8888


@dataclass(frozen=True)
class Server:
    """A Jupyter server. ``url`` ends in a slash; the token is neither printed nor pickled."""

    url: str
    token: str = field(default="", repr=False)
    verify: bool | str = True
    pid: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (Server, (self.url, "", self.verify, self.pid))


def find_server(url: str | None = None, token: str | None = None, verify: bool | str | None = None) -> Server:
    """Return the server to connect to. Raises :class:`NoServer` if there is none, or if there are several."""
    if url:
        url, pasted = split_token(url)
        token = pasted if token is None else token
    found = _given(url) if url else _found()
    # JupyterHub's token is only for its own server: the one that runs here, or at the address JupyterHub gave it.
    if not found.token and (hub := _hub()) is not None and _same_path(hub.url, found.url):
        own = found.pid is not None or _origin(hub.url) == _origin(found.url)
        found = replace(found, token=hub.token) if own else found
    if token is not None:
        found = replace(found, token=token)
    return replace(found, verify=_authorities() if verify is None else verify)


def split_token(url: str) -> tuple[str, str | None]:
    """Split a URL from Jupyter's log or a link into the URL of the server and the token."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise NoServer(f"The URL of the server is invalid: {error}.") from None
    token = next((value for name, value in parse_qsl(parts.query) if name == "token"), None)
    if token is None:
        return url, None
    path = parts.path.rstrip("/").split("/")
    if path[-1] in PAGES:  # only the last part: a workbench may also be named lab
        path.pop()
    else:
        path = path[: next((index for index, name in enumerate(path) if name in PAGES), len(path))]
    return urlunsplit((parts.scheme, parts.netloc, "/".join(path) + "/", "", "")), token


def without_token(url: str) -> str:
    """Return the URL without the token, so that it can be printed and stored."""
    return split_token(url)[0]


def _given(url: str) -> Server:
    wanted = _reachable(url)
    if urlsplit(wanted).scheme not in {"http", "https"}:
        raise NoServer("The URL of the server must start with http:// or https://.")
    if "@" in urlsplit(wanted).netloc:
        raise NoServer(
            "URLs with credentials are not accepted, since URLs are printed. Use Client(url=..., token=...)."
        )
    # The token of a server that is running here is known. Use it only for exactly this URL.
    same = [server for server in running_servers() if server.url == wanted]
    return same[0] if same else Server(wanted)


def _found() -> Server:
    running = running_servers()
    by_pid = {server.pid: server for server in running}
    for pid in _ancestors():
        if pid in by_pid:
            return by_pid[pid]
    if (hub := _hub()) is not None:
        return hub
    if prefix := os.environ.get("NB_PREFIX"):
        return _workbench(prefix, running)
    alive = [server for server in running if _listens(server.url)]
    if len(alive) > 1:
        named = ", ".join(server.url for server in alive)
        raise NoServer(
            f"Several Jupyter servers are running here: {named}. Choose one: Client(url=...).",
            code="SeveralServers",
        )
    if not alive:
        raise NoServer("No running Jupyter server was found. Start one, or name one: Client(url=..., token=...).")
    return alive[0]


def running_servers() -> list[Server]:
    """Return the servers in this user's runtime files whose process exists."""
    found = []
    for path in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            info = json.loads(path.read_text(encoding="utf-8"))
            url, pid = str(info["url"]), int(info["pid"])
            # A server that listens only on a Unix socket cannot be reached by URL.
            if urlsplit(url).scheme in {"http", "https"} and _is_alive(pid):
                found.append(Server(_reachable(url), str(info.get("token") or ""), pid=pid))
    return found


def _hub() -> Server | None:
    """Return the single-user server of JupyterHub from the environment variables."""
    token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
    if url := os.environ.get("JUPYTERHUB_SERVICE_URL"):
        return Server(_reachable(url), token)
    if prefix := os.environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        return Server(_reachable(f"http://127.0.0.1:{WORKBENCH_PORT}{prefix}"), token)
    return None


def _workbench(prefix: str, running: list[Server]) -> Server:
    """Return the workbench of Open Data Hub, with the token from its runtime file if there is one."""
    url = _reachable(f"http://localhost:{WORKBENCH_PORT}{prefix}")
    return next((server for server in running if _same_path(server.url, url)), Server(url))


def _ancestors() -> Iterator[int]:
    """Yield the ids of the parent processes, nearest first. In a container the server can have the id 1."""
    with suppress(ValueError):
        yield int(os.environ.get("JPY_PARENT_PID", ""))
    pid = os.getppid()
    while pid > 0:
        yield pid
        try:
            # The fields after the command name, which may contain any character: state, parent.
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # on Windows, signal 0 is Ctrl-C
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _listens(url: str) -> bool:
    """Return whether a server listens: a runtime file may be old, and its process id used by another process."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=PROBE_TIMEOUT_SECONDS):
            return True
    except OSError:
        return False


def _reachable(url: str) -> str:
    """Return the URL with a trailing slash and a host that clients can connect to."""
    parts = urlsplit(url)
    host = WILDCARD_HOSTS.get(parts.hostname or "")
    if host is not None:
        parts = parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + "/", "", ""))


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    host = "localhost" if parts.hostname in LOOPBACK else parts.hostname or ""
    return parts.scheme, host, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _same_path(one: str, other: str) -> bool:
    return urlsplit(one).path.rstrip("/") == urlsplit(other).path.rstrip("/")


def _authorities() -> bool | str:
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
