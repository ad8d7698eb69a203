"""Folders of the labextension import only folders below them."""

from __future__ import annotations

import os.path
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "labextension" / "src"
# From the top. Folders in one line do not import each other. In the last line they do.
LAYERS = (
    {"index.ts"},
    {"plugins"},
    {"cell"},
    {"lab"},
    {"views"},
    {"forms", "preview"},
    {"list", "uploads", "drive"},
    {"transfers"},
    {"api"},
    {
        "tokens.ts",
        "format.ts",
        "untrustedjson.ts",
        "python.ts",
        "sleep.ts",
        "version.ts",
        "contract.ts",
        "visible.ts",
        "translation.ts",
        "jsxruntime.ts",
    },
)
IMPORT = re.compile(r"(?:from|import\()\s*'(\.{1,2}/[^']+)'")


def top_of(path: str) -> str:
    """Return the top folder of a file, or the file itself if it has none."""
    first, inside, _ = path.partition("/")
    return first if inside else f"{first}.ts"


def rank(name: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if name in layer)


def test_every_folder_imports_only_what_is_below_it() -> None:
    wrong, seen = [], set()
    for file in sorted(SOURCE.rglob("*.ts*")):
        if ".spec." in file.name or file.name.endswith(".d.ts") or "testing" in file.parts:
            continue
        importer = top_of(file.relative_to(SOURCE).with_suffix("").as_posix())
        seen.add(importer)
        for path in IMPORT.findall(file.read_text()):
            imported = os.path.normpath(os.path.join(file.parent.relative_to(SOURCE), path))
            if imported.startswith(".."):
                continue  # package.json
            target = top_of(imported)
            if target == importer or {target, importer} <= LAYERS[-1]:
                continue
            if rank(target) <= rank(importer):
                wrong.append(f"{file.relative_to(SOURCE)} imports {imported}")
    assert wrong == []
    assert seen == set().union(*LAYERS), "add new folders to LAYERS"


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports of types count: with circular ones, modules cannot be read and moved one by one."""
    files = {
        file.relative_to(SOURCE).with_suffix("").as_posix(): file
        for file in SOURCE.rglob("*.ts*")
        if ".spec." not in file.name and not file.name.endswith(".d.ts")
    }
    imports = {
        name: {
            os.path.normpath(os.path.join(file.parent.relative_to(SOURCE), path))
            for path in IMPORT.findall(file.read_text())
        }
        & files.keys()
        for name, file in files.items()
    }
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        raise AssertionError(f"circle: {' -> '.join(error.args[1])}") from error


def test_imports_are_sorted_by_path() -> None:
    wrong = []
    for file in sorted(SOURCE.rglob("*.ts*")):
        for block in re.findall(r"^(?:import [^;]+;\n)+", file.read_text(), re.MULTILINE):
            paths = [path.lower() for path in re.findall(r"'([^']+)';\n", block)]
            if paths != sorted(paths):
                wrong.append(file.relative_to(SOURCE).as_posix())
    assert wrong == []


def test_only_plugins_and_cell_import_widgets() -> None:
    """Without ipywidgets, the sidebar must not load them."""
    users = {
        file.relative_to(SOURCE).as_posix() for file in SOURCE.rglob("*.ts*") if "@jupyter-widgets/" in file.read_text()
    }
    assert {user for user in users if not user.startswith("cell/")} <= {"plugins/widget.ts"}


def test_names_are_shown_through_one_function() -> None:
    """Views and translations show invisible characters. Other texts for Lab must call the function themselves."""
    settings = (SOURCE.parent / "tsconfig.json").read_text()
    assert '"jsxImportSource": "#jsx"' in settings
    wrong = []
    for file in sorted(SOURCE.rglob("*.ts*")):
        name, text = file.relative_to(SOURCE).as_posix(), file.read_text()
        if ".spec." in name:
            continue
        if name not in {"jsxruntime.ts", "translation.ts"}:
            wrong += [name] if re.search(r"\.load\(DOMAIN|\bcreateElement\((?!')|react/jsx", text) else []
        for shown in re.findall(r"\.title\.(?:label|caption) =([^;]*);", text):
            if not re.search(r"\b(?:visible|__|title)\(", shown):
                wrong.append(f"{name}: {shown.strip()}")
    assert wrong == []
