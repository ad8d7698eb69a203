"""The version is defined in one place."""

from __future__ import annotations

import json
from pathlib import Path

import odhtec_jupyter

ROOT = Path(__file__).resolve().parent.parent


def test_the_package_has_the_version_of_the_labextension() -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert odhtec_jupyter.__version__ == package["version"]


def test_the_extension_is_enabled_under_its_own_name() -> None:
    config = json.loads((ROOT / "jupyter-config" / "server-config" / "odhtec_jupyter.json").read_text())
    assert config == {"ServerApp": {"jpserver_extensions": {"odhtec_jupyter": True}}}
    (point,) = odhtec_jupyter._jupyter_server_extension_points()
    # jupyter_server reads the name from the class. With a trait there, it would create a second instance.
    assert point["app"].name == "odhtec_jupyter"


def test_labextension_is_installed_under_its_name() -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    (path,) = odhtec_jupyter._jupyter_labextension_paths()
    assert path["dest"] == package["name"]
