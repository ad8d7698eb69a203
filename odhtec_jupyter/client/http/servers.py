"""Which Jupyter server this process belongs to, and what it takes to be let in.

In this order: what the caller says; the server that is this kernel's parent, or another ancestor; JupyterHub's
variables; Open Data Hub's ``NB_PREFIX``; the only server that runs here.
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

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - what servers listen on
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PAGES = frozenset({"lab", "tree", "doc", "notebooks"})  # where the addresses in Jupyter's log lead
PROBE = 1.0  # seconds
WORKBENCH_PORT = 8888


@dataclass(frozen=True)
class Server:
    """A Jupyter server; ``url`` ends in a slash. The token is neither shown nor pickled."""

    url: str
    token: str = field(default="", repr=False)
    verify: bool | str = True
    pid: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (Server, (self.url, "", self.verify, self.pid))


def find_server(url: str | None = None, token: str | None = None, verify: bool | str | None = None) -> Server:
    """The server to speak to. Raises :class:`NoServer` when there is none, or when it is not clear which."""
    if url:
        url, pasted = split_token(url)
        token = pasted if token is None else token
    found = _given(url) if url else _found()
    # The path alone may be that of any server. One that runs here, or stands where JupyterHub started it, is meant.
    if not found.token and (hub := _hub()) is not None and _same_path(hub.url, found.url):
        own = found.pid is not None or _origin(hub.url) == _origin(found.url)
        found = replace(found, token=hub.token) if own else found
    if token is not None:
        found = replace(found, token=token)
    return replace(found, verify=_authorities() if verify is None else verify)


def split_token(url: str) -> tuple[str, str | None]:
    """An address as Jupyter's log and its links have it: that of the server, and the token in it."""
    parts = urlsplit(url)
    token = next((value for name, value in parse_qsl(parts.query) if name == "token"), None)
    if token is None:
        return url, None
    path = parts.path.rstrip("/").split("/")
    if path[-1] in PAGES:  # only the last one: a workbench may be called lab, too
        path.pop()
    else:
        path = path[: next((index for index, name in enumerate(path) if name in PAGES), len(path))]
    return urlunsplit((parts.scheme, parts.netloc, "/".join(path) + "/", "", "")), token


def without_token(url: str) -> str:
    """The address as it may be shown and kept."""
    return split_token(url)[0]


def _given(url: str) -> Server:
    wanted = _reachable(url)
    if urlsplit(wanted).scheme not in {"http", "https"}:
        raise NoServer("The server's URL begins with http:// or https://.")
    if "@" in urlsplit(wanted).netloc:
        raise NoServer("Credentials do not belong into a URL, where they are shown: Client(url=..., token=...).")
    # Its token is known where it runs here: only for exactly this address.
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
            f"Several Jupyter servers run here: {named}. Say which one is meant: Client(url=...).",
            code="SeveralServers",
        )
    if not alive:
        raise NoServer("No running Jupyter server was found here. Start one, or name it: Client(url=..., token=...).")
    return alive[0]


def running_servers() -> list[Server]:
    """What the runtime files of this user tell, without those whose process has ended."""
    found = []
    for path in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            told = json.loads(path.read_text(encoding="utf-8"))
            url, pid = str(told["url"]), int(told["pid"])
            # One that listens on a Unix socket only has no address for us.
            if urlsplit(url).scheme in {"http", "https"} and _is_alive(pid):
                found.append(Server(_reachable(url), str(told.get("token") or ""), pid=pid))
    return found


def _hub() -> Server | None:
    """The single-user server of JupyterHub that the environment tells of."""
    token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
    if url := os.environ.get("JUPYTERHUB_SERVICE_URL"):
        return Server(_reachable(url), token)
    if prefix := os.environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        return Server(_reachable(f"http://127.0.0.1:{WORKBENCH_PORT}{prefix}"), token)
    return None


def _workbench(prefix: str, running: list[Server]) -> Server:
    """A workbench of Open Data Hub; its runtime file, where there is one, knows the token."""
    url = _reachable(f"http://localhost:{WORKBENCH_PORT}{prefix}")
    return next((server for server in running if _same_path(server.url, url)), Server(url))


def _ancestors() -> Iterator[int]:
    """Process ids from the nearest on. In a container the server may be number 1."""
    with suppress(ValueError):
        yield int(os.environ.get("JPY_PARENT_PID", ""))
    pid = os.getppid()
    while pid > 0:
        yield pid
        try:
            # After the command's name, which may hold anything: state, parent.
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # signal 0 is Ctrl-C there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _listens(url: str) -> bool:
    """A file may outlive its server and name a process that is another one by now."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=PROBE):
            return True
    except OSError:
        return False


def _reachable(url: str) -> str:
    """The address with a slash at its end and a host that one can connect to."""
    parts = urlsplit(url)
    host = ANYWHERE.get(parts.hostname or "")
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
