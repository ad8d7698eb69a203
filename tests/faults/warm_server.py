"""A process that has imported what a Jupyter server needs, and forks one in milliseconds.

``python warm_server.py`` reads requests from stdin and answers on stdout, both as lines of JSON. It must not have
threads or an event loop: a fork would lose the threads and share the loop.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

# Modules that the server imports at its start or at the first use of a store.
IMPORTS = (
    "jupyter_server.serverapp",
    "jupyter_server.services.config.handlers",
    "odhtec_jupyter.app",
    "boto3.session",
    "botocore.client",
    "botocore.httpsession",
    "botocore.retries.standard",
    "botocore.signers",
    "s3transfer.manager",
    "huggingface_hub",
    "huggingface_hub.hf_api",
    "requests",
    "sqlite3",
)


def main() -> None:
    for name in IMPORTS:
        importlib.import_module(name)
    load_s3()
    assert threading.active_count() == 1
    gc.freeze()  # so that the garbage collector of a fork does not copy these pages
    children: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            pid = os.fork()
            if pid == 0:
                become(**request["start"])
                return
            children.add(pid)
            answer: Any = pid
        else:  # the exit code of a server, None while it runs
            found, status = os.waitpid(request["reap"], 0 if request["blocking"] else os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if found else None
            if found:
                children.remove(found)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in children:  # the tests have ended
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def load_s3() -> None:
    """Let botocore load its description of S3, which takes 100 ms."""
    from odhtec_jupyter.network import Network
    from odhtec_jupyter.settings import S3Connection
    from odhtec_jupyter.stores.s3.connection.clients import S3Clients

    clients = S3Clients(S3Connection("http://127.0.0.1:1", "us-east-1", None, "key", "secret"), Network())
    clients.get()
    clients.close()


def become(command: list[str], env: dict[str, str], cwd: str, log: str, constants: dict[str, Any]) -> None:
    """Run ``command``, which is ``python -m module …``, with a new session, environment and working directory."""
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    null, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for file, number in ((null, 0), (output, 1), (output, 2)):
        os.dup2(file, number)
    os.close(null)
    os.close(output)
    for name, value in constants.items():
        module, _, constant = name.rpartition(".")
        found = importlib.import_module(module)
        assert hasattr(found, constant), name
        setattr(found, constant, value)
    module, sys.argv = command[2], command[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
