"""Modules import only layers below them. The imports are read from the source, so deferred ones count as well."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "odhtec_jupyter"
LEAVES = {
    *("settings", "network", "models", "errors", "keys", "patterns", "uris", "visible", "secret_traits"),
    *("hub_address", "file_names", "policy"),
    "_version",
}


@cache
def modules() -> dict[str, set[str]]:
    """Return the imports of each module of the package, including those in functions and type checks."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        found[name] = imported(path)
    return found


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "use absolute imports"
            assert node.module
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def users_of(*libraries: str) -> set[str]:
    return {name for name, found in modules().items() if {one.split(".")[0] for one in found} & set(libraries)}


def own(name: str) -> set[str]:
    """Return the other layers of this package (first part of the name) that a module imports."""
    known = {module.split(".")[0] for module in modules()}
    layers = {one.split(".")[1] for one in modules()[name] if one.startswith("odhtec_jupyter.")}
    return (layers & known) - {name.split(".")[0]}


def layer(first: str) -> dict[str, set[str]]:
    found = {name: own(name) for name in modules() if name.split(".")[0] == first}
    assert found, first
    return found


def dependencies(name: str) -> set[str]:
    """Return the modules of the package that a module imports. ``from package import module`` counts as the module."""
    path = PACKAGE.joinpath(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {one if one.removeprefix("odhtec_jupyter.") in modules() else node.module for one in full}
    own_imports = {one.removeprefix("odhtec_jupyter.") for one in found if one.startswith("odhtec_jupyter.")}
    return own_imports & modules().keys()


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: dependencies(name) for name in modules() if name != "__init__"}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_only_the_s3_store_imports_boto3() -> None:
    assert {name for name in users_of("boto3", "botocore", "s3transfer") if not name.startswith("demo")} == {
        "stores.s3.connection.clients",
        "stores.s3.connection.sessions",
        "stores.s3.connection.signing",
        "stores.s3.connection.signing_keys",
        "stores.s3.wire.errors",
    }


def test_only_one_module_imports_huggingface_hub() -> None:
    assert {name for name in users_of("huggingface_hub") if not name.startswith("demo")} == {"stores.hub.client"}


def test_only_the_server_imports_tornado_and_jupyter_server() -> None:
    users = users_of("tornado", "jupyter_server")
    assert "app" in users
    assert {name for name in users if name.split(".")[0] not in {"app", "routes", "handlers", "demo"}} == set()


def test_leaves_import_nothing_above_them() -> None:
    assert layer("errors")["errors"] == set()
    assert layer("models")["models"] == set()
    allowed = {"models", "errors", "network", "policy", "secret_traits"}
    assert {name: found - allowed for name, found in layer("settings").items() if found - allowed} == {}
    assert layer("policy")["policy"] <= {"errors"}
    assert layer("network")["network"] <= {"errors", "policy"}
    assert layer("keys")["keys"] <= {"errors"}
    assert layer("patterns")["patterns"] <= {"errors"}
    assert layer("visible")["visible"] == set()
    assert layer("uris")["uris"] <= {"errors", "models"}
    assert layer("hub_address")["hub_address"] <= {"errors", "models", "network", "patterns", "uris"}


def test_connections_are_above_the_settings_and_below_the_services() -> None:
    allowed = LEAVES | {"stores"}
    assert {name: found - allowed for name, found in layer("connections").items() if found - allowed} == {}
    users = {name.split(".")[0] for name in modules() if "connections" in own(name)}
    assert users == {"services", "handlers", "doctor"}


def test_the_doctor_is_above_connections_and_stores() -> None:
    allowed = LEAVES | {"connections", "stores"}
    assert {name: found - allowed for name, found in layer("doctor").items() if found - allowed} == {}
    users = {name.split(".")[0] for name in modules() if "doctor" in own(name)}
    assert users == {"handlers"}


def test_audit_is_above_the_transfers_and_below_the_services() -> None:
    assert {name: found for name, found in layer("audit").items() if found - {"transfers", "uris"}} == {}
    assert {name.split(".")[0] for name in modules() if "audit" in own(name)} == {"app", "services", "handlers"}


def test_stores_import_leaves_only() -> None:
    assert {name: found - LEAVES for name, found in layer("stores").items() if found - LEAVES} == {}


def test_transfers_import_stores_and_leaves() -> None:
    allowed = LEAVES | {"stores"}
    assert {name: found - allowed for name, found in layer("transfers").items() if found - allowed} == {}


# From the top. Folders in one row do not import each other.
TRANSFER_FOLDERS = [
    {"manager"},
    {"jobs", "uploads", "downloads"},
    {"planning"},
    {"locations"},
    {"copying"},
    {"targets"},
    {"runtime"},
    {"journal"},
    {"transfer"},
    {"transfer_file", "events"},
    {"owner"},
]


def test_folders_of_transfers_import_only_folders_below() -> None:
    level = {folder: number for number, row in enumerate(TRANSFER_FOLDERS) for folder in row}
    found: dict[str, set[str]] = {}
    for name, imports in modules().items():
        if not name.startswith("transfers."):
            continue
        folder = name.split(".")[1]
        others = {one.split(".")[2] for one in imports if one.startswith("odhtec_jupyter.transfers.")} - {folder}
        if wrong := {other for other in others if level[other] <= level[folder]}:
            found[name] = wrong
    assert found == {}


def test_previews_import_stores_and_leaves() -> None:
    allowed = LEAVES | {"stores"}
    assert {name: found - allowed for name, found in layer("preview").items() if found - allowed} == {}
    users = {name for name in modules() if "preview" in own(name)}
    assert users == {"handlers.preview"}


def test_pyarrow_is_loaded_in_a_process_of_its_own() -> None:
    assert {name for name in users_of("pyarrow") if not name.startswith("demo")} == {"preview.arrow.table"}
    assert {name for name, found in modules().items() if "odhtec_jupyter.preview.arrow.table" in found} == {
        "preview.arrow.worker"
    }


def test_only_the_routes_import_handlers() -> None:
    users = {name for name in modules() if "handlers" in own(name)}
    assert users == {"routes"}


def test_only_the_app_imports_routes_and_nothing_imports_the_app() -> None:
    assert {name for name in modules() if "routes" in own(name)} == {"app"}
    # __init__.py names the app for Jupyter.
    assert {name for name in modules() if "app" in own(name)} <= {"__init__", ""}


def test_the_client_imports_leaves_only() -> None:
    """The client runs in kernels, so it imports neither the server nor stores nor settings, which have secrets."""
    allowed = {"models", "errors", "keys", "uris", "patterns", "visible", "file_names"}
    assert {name: found - allowed for name, found in layer("client").items() if found - allowed} == {}
    assert {name: found for name, found in layer("commands").items() if found - allowed - {"client"}} == {}
    # The widget sends no requests. The page does.
    assert layer("widget")["widget"] <= {"errors", "uris", "secret_traits", "_version"}
    assert users_of("ipywidgets") == {"widget"}
    assert {name for name in modules() if "widget" in own(name)} <= {"__init__", ""}
    # __init__.py imports Client when it is first used.
    assert {name.split(".")[0] for name in modules() if "client" in own(name)} <= {"commands", "cli", "__init__", ""}


def test_client_folders_import_only_folders_below() -> None:
    """Of the modules directly in ``client/``, the entry points are above its folders and the others below."""
    entry_points = {"__init__", "client", "filesystem"}
    levels = ["http", "base", "files", "local", "entry"]

    def level(module: str) -> int:
        first = module.removeprefix("client").removeprefix(".").split(".")[0]
        if first in entry_points | {""}:
            return levels.index("entry")
        return levels.index(first) if first in levels else levels.index("base")

    upward = {
        (name, one)
        for name, found in modules().items()
        if name.split(".")[0] == "client"
        for one in (one.removeprefix("odhtec_jupyter.") for one in found)
        if one in modules() and one.startswith("client.") and level(one) > level(name)
    }
    assert upward == set()


def test_the_server_starts_without_the_heavy_libraries() -> None:
    heavy = ["boto3", "botocore", "huggingface_hub", "urllib3", "requests", "python_multipart", "yaml", "moto"]
    heavy += ["pyarrow", "numpy", "pandas", "charset_normalizer"]
    # Modules that Jupyter itself loads do not count.
    code = (
        "import sys, jupyter_server.extension.application, jupyter_server.base.handlers\n"
        "before = set(sys.modules)\n"
        "import odhtec_jupyter.app\n"
        f"print(*sorted(set({heavy!r}) & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.split() == []
