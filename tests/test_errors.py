"""The registry of errors: it is complete, its drawing matches it, and server and client use the same codes."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from odhtec_jupyter import errors
from odhtec_jupyter.errors import CODES, OdhTecError, StoreError, error_for
from odhtec_jupyter.handlers import base as handler_base

PACKAGE = Path(errors.__file__).parent
OWN = {name: one for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, OdhTecError)}
# Models of the wire and of S3's lists, which name the error of one key.
FAILURES = {"Failure", "KeyFailure"}


def tree(kind: type[OdhTecError] = OdhTecError, first: str = "", later: str = "") -> Iterator[str]:
    """Yield the lines of the drawing: each class below its base class, with its statuses and codes."""
    name = f"{first}{kind.__name__}"
    children = [child for child in OWN.values() if child.__base__ is kind]
    for status in sorted({one.status for one in CODES.values() if one.kind is kind}):
        codes = " ".join(code for code, one in CODES.items() if one == (kind, status))
        shown = str(status)
        for line in textwrap.wrap(codes, 82):
            yield f"{name:<27} {shown:3}  {line}"
            name, shown = later + ("│" if children else ""), ""
    for number, child in enumerate(children, 1):
        last = number == len(children)
        yield from tree(child, later + ("└── " if last else "├── "), later + ("    " if last else "│   "))


def test_drawing_in_the_docstring_matches_the_registry() -> None:
    assert textwrap.indent("\n".join(tree()), "    ") in (errors.__doc__ or "")


def test_every_class_has_its_own_code_registered() -> None:
    for kind in OWN.values():
        if kind is not StoreError:
            assert CODES[kind.code].kind is kind, kind
            assert CODES[kind.code].status == kind.status, kind


def test_no_code_is_registered_twice() -> None:
    codes = [code for _, _, codes in errors._REGISTRY for code in codes]
    assert len(codes) == len(set(codes))


# --- errors raised in the package -------------------------------------------------------------------------------------


def sources() -> dict[str, ast.Module]:
    """Return the modules of the package, without the demonstration, whose servers send errors of S3 and the hub."""
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if "demo" not in path.parts]
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text()) for path in paths}


def classes(modules: dict[str, ast.Module]) -> dict[str, tuple[str, str | None]]:
    """Return for each error class outside of errors.py its base class in errors.py and its own code."""
    bases: dict[str, tuple[list[str], str | None]] = {}
    for tree in modules.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                lines = [one for one in node.body if isinstance(one, ast.Assign)]
                codes = [text(one.value) for one in lines if ast.unparse(one.targets[0]) == "code"]
                bases[node.name] = [ast.unparse(base) for base in node.bases], codes[0] if codes else None

    def registered(name: str) -> str | None:
        if name in OWN:
            return name
        return next((found for base in bases.get(name, ([], None))[0] if (found := registered(base))), None)

    return {name: (found, code) for name, (_, code) in bases.items() if name not in OWN and (found := registered(name))}


def text(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def texts(node: ast.AST | None, constants: dict[str, str]) -> list[str]:
    """Return the possible values of an expression for a code: a literal, both branches of a condition, a constant."""
    if isinstance(node, ast.IfExp):
        return [*texts(node.body, constants), *texts(node.orelse, constants)]
    if isinstance(node, ast.Name):
        return [constants[node.id]] if node.id in constants else []
    return [found] if (found := text(node)) is not None else []


def test_every_raised_code_is_registered_with_the_class_that_is_raised() -> None:
    modules = sources()
    private = classes(modules)
    constants = {
        node.targets[0].id: value
        for tree in modules.values()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (value := text(node.value))
    }
    wrong = []
    found = set()
    for module, tree in modules.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func).rpartition(".")[2]
            codes = [word.value for word in node.keywords if word.arg in {"code", "Code"}]
            if name == "error_for" or name in FAILURES:
                kind = None  # any class, because the code decides
                codes += node.args[:1] if name == "error_for" else []
            elif name in OWN or name in private:
                kind = OWN[private[name][0] if name in private else name]
            elif codes and name == "__init__":
                kind = None
            else:
                continue
            for code in [one for expression in codes for one in texts(expression, constants)]:
                found.add(code)
                if code not in CODES:
                    wrong.append(f"{module}:{node.lineno} {code} is not in errors.CODES")
                elif kind is not None and not issubclass(kind, CODES[code].kind):
                    wrong.append(f"{module}:{node.lineno} {code} is {CODES[code].kind.__name__}, not {kind.__name__}")
    for code in handler_base._CODES.values():  # for refusals of tornado and Jupyter
        if code not in CODES:
            wrong.append(f"handlers/base.py: {code}")
    for name, (base, code) in private.items():
        if code is not None and (code not in CODES or not issubclass(OWN[base], CODES[code].kind)):
            wrong.append(f"class {name} has the code {code}")
    assert wrong == []
    # The test itself finds literals, constants, conditions and classes of other modules.
    assert {"InUse", "HiddenFile", "ProxyBodyLimit", "NeedsConnection", "NoSuchKey"} <= found
    assert "HubEndpointMissing" in {code for _, code in private.values()}


def test_every_registered_code_is_raised_or_comes_from_s3() -> None:
    """Codes that are no longer raised have to be removed from the registry."""
    words = {
        node.value
        for module, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and module != "errors.py"
    }
    own = {code for code, one in CODES.items() if one.kind is not StoreError}
    assert own - words - {kind.code for kind in OWN.values()} == set()


# --- errors of the client for a reply ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_a_failure_without_status_is_the_registered_error(code: str) -> None:
    error = error_for(code, "x")
    assert (type(error), error.code, error.status) == (CODES[code].kind, code, CODES[code].status)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchLifecycleConfiguration", 404, StoreError),
        ("InvalidToken", 400, StoreError),
        ("InvalidToken", 403, errors.Forbidden),
        ("InternalError", 502, StoreError),
        ("InternalError", 500, OdhTecError),
        ("EntityTooLarge", 400, StoreError),
        ("EntityTooLarge", 413, errors.TooLarge),
        ("RequestTimeout", 400, StoreError),
        ("RequestTimeout", 408, errors.SlowSender),
    ],
)
def test_codes_that_s3_also_sends_are_distinguished_by_status(code: str, status: int, kind: type[OdhTecError]) -> None:
    error = error_for(code, "x", status)
    assert (type(error), error.code, error.status) == (kind, code, status)
