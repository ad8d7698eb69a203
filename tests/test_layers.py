"""Who may import whom: read from the source, so that no detour at run time hides it."""

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
    *("hub_address", "file_names"),
    "_version",
}


@cache
def modules() -> dict[str, set[str]]:
    """Every module's name below the package, and what it imports: functions and type checks included."""
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
            assert node.level == 0, "imports are written in full"
            assert node.module
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def users_of(*libraries: str) -> set[str]:
    return {name for name, found in modules().items() if {one.split(".")[0] for one in found} & set(libraries)}


def own(name: str) -> set[str]:
    """The layers (first part of the name) of this package that a module imports, besides its own."""
    known = {module.split(".")[0] for module in modules()}
    layers = {one.split(".")[1] for one in modules()[name] if one.startswith("odhtec_jupyter.")}
    return (layers & known) - {name.split(".")[0]}


def layer(first: str) -> dict[str, set[str]]:
    found = {name: own(name) for name in modules() if name.split(".")[0] == first}
    assert found, first
    return found


def dependencies(name: str) -> set[str]:
    """The modules of the package that a module imports; ``from package import module`` counts as the module alone."""
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
    # They name the type of the file system that uses them.
    for name in ("client.filesystem.walk", "client.filesystem.bulk_operations"):
        graph[name].remove("client.filesystem.filesystem")
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_only_the_s3_store_knows_boto3() -> None:
    assert {name for name in users_of("boto3", "botocore", "s3transfer") if not name.startswith("demo")} == {
        "stores.s3.connection.clients",
        "stores.s3.connection.signing",
        "stores.s3.wire.errors",
    }


def test_only_one_module_knows_huggingface_hub() -> None:
    assert {name for name in users_of("huggingface_hub") if not name.startswith("demo")} == {"stores.hub.client"}


def test_only_the_server_side_knows_the_web_server() -> None:
    users = users_of("tornado", "jupyter_server")
    assert "app" in users
    assert {name for name in users if name.split(".")[0] not in {"app", "routes", "handlers", "demo"}} == set()


def test_leaves_import_nothing_above_them() -> None:
    assert layer("errors")["errors"] == set()
    assert layer("models")["models"] == set()
    allowed = {"models", "errors", "network", "secret_traits"}
    assert {name: found - allowed for name, found in layer("settings").items() if found - allowed} == {}
    assert layer("network")["network"] <= {"errors"}
    assert layer("keys")["keys"] <= {"errors"}
    assert layer("patterns")["patterns"] <= {"errors"}
    assert layer("visible")["visible"] == set()
    assert layer("uris")["uris"] <= {"errors", "models"}
    assert layer("hub_address")["hub_address"] <= {"errors", "models", "network", "patterns", "uris"}


def test_stores_import_leaves_only() -> None:
    assert {name: found - LEAVES for name, found in layer("stores").items() if found - LEAVES} == {}


def test_transfers_import_stores_and_leaves() -> None:
    # The package itself: `from odhtec_jupyter import models` names a leaf.
    allowed = LEAVES | {"stores"}
    assert {name: found - allowed for name, found in layer("transfers").items() if found - allowed} == {}


# From the top; rooms that share a row do not know one another.
ROOMS = [
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


def test_rooms_of_transfers_import_only_rooms_below() -> None:
    floor = {room: number for number, row in enumerate(ROOMS) for room in row}
    found: dict[str, set[str]] = {}
    for name, imports in modules().items():
        if not name.startswith("transfers."):
            continue
        room = name.split(".")[1]
        others = {one.split(".")[2] for one in imports if one.startswith("odhtec_jupyter.transfers.")} - {room}
        if wrong := {other for other in others if floor[other] <= floor[room]}:
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
    # The package's own file tells Jupyter where the app is.
    assert {name for name in modules() if "app" in own(name)} <= {"__init__", ""}


def test_the_client_imports_leaves_only() -> None:
    """It runs in kernels: no server, no store, no settings with their secrets."""
    allowed = {"models", "errors", "keys", "uris", "patterns", "visible", "file_names"}
    assert {name: found - allowed for name, found in layer("client").items() if found - allowed} == {}
    assert {name: found for name, found in layer("commands").items() if found - allowed - {"client"}} == {}
    # The widget leaves the talking to the page.
    assert layer("widget")["widget"] <= {"errors", "uris", "secret_traits", "_version"}
    assert users_of("ipywidgets") == {"widget"}
    assert {name for name in modules() if "widget" in own(name)} <= {"__init__", ""}
    # The package's own file offers Client, when it is asked for.
    assert {name.split(".")[0] for name in modules() if "client" in own(name)} <= {"commands", "cli", "__init__", ""}


def test_client_rooms_import_downwards() -> None:
    """The modules directly in ``client/`` are on two floors: the entry points above the rooms, the others below."""
    entry_points = {"__init__", "client", "filesystem"}
    floors = ["http", "base", "files", "local", "entry"]

    def floor(module: str) -> int:
        first = module.removeprefix("client").removeprefix(".").split(".")[0]
        if first in entry_points | {""}:
            return floors.index("entry")
        return floors.index(first) if first in floors else floors.index("base")

    upward = {
        (name, one)
        for name, found in modules().items()
        if name.split(".")[0] == "client"
        for one in (one.removeprefix("odhtec_jupyter.") for one in found)
        if one in modules() and one.startswith("client.") and floor(one) > floor(name)
    }
    assert upward == set()


def test_the_server_starts_without_the_heavy_libraries() -> None:
    heavy = ["boto3", "botocore", "huggingface_hub", "urllib3", "requests", "python_multipart", "yaml", "moto"]
    heavy += ["pyarrow", "numpy", "pandas", "charset_normalizer"]
    # What Jupyter loads itself is not ours to answer for.
    code = (
        "import sys, jupyter_server.extension.application, jupyter_server.base.handlers\n"
        "before = set(sys.modules)\n"
        "import odhtec_jupyter.app\n"
        f"print(*sorted(set({heavy!r}) & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.split() == []
