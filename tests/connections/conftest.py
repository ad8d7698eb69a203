"""A registry of connections whose clock a test moves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from odhtec_jupyter.connections.registry import Connections
from odhtec_jupyter.settings import OdhTecSettings

Registry = Callable[..., Connections]


class Clock:
    """A clock that only moves when a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(
    clock: Clock, clean_environment_variables: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Registry:
    """A function that returns a registry with these settings and environment variables."""
    monkeypatch.setenv("APP_ROOT", str(tmp_path / "app-root"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))

    def make(variables: dict[str, str] | None = None, **traits: Any) -> Connections:
        for name, value in (variables or {}).items():
            monkeypatch.setenv(name, value)
        settings = OdhTecSettings(config=Config({"OdhTecSettings": traits}))
        return Connections(settings, log=logging.getLogger("test"), clock=clock)

    return make
