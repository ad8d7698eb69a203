"""``openapi.yaml`` describes the server."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from odhtec_jupyter.handlers.contract import NotFoundHandler
from odhtec_jupyter.routes import ROUTES

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = yaml.safe_load((ROOT / "odhtec_jupyter" / "openapi.yaml").read_text())
VERBS = ("get", "head", "post", "put", "delete", "patch")


def template(pattern: str) -> str:
    """Return the path in the contract for the pattern of a route."""
    path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern)
    return re.sub(r"{(transfer|upload)_id}", "{id}", path).replace("{prefix}", "{key}")


def served() -> dict[str, set[str]]:
    """Return the methods of each path in the routing table, including inherited ones."""
    from tornado.web import RequestHandler

    found: dict[str, set[str]] = {}
    for pattern, handler in ROUTES:
        if handler is not NotFoundHandler:
            verbs = {verb for verb in VERBS if getattr(handler, verb) is not getattr(RequestHandler, verb)}
            found[template(pattern)] = verbs
    return found


def described() -> dict[str, set[str]]:
    return {path: set(item) & set(VERBS) for path, item in CONTRACT["paths"].items()}


# With other methods, these paths mean an object in a bucket of that name; /objects/{bucket}/{key} describes them.
SHADOWS = {
    "/objects/upload/{bucket}": {"get", "delete", "put"},  # a PUT without a key is answered with 405
    "/objects/folder/{bucket}": {"get", "delete"},
    "/objects/import-hf": {"get"},
    "/objects/presign": {"get"},
}


def test_every_route_is_described_with_its_methods() -> None:
    paths = described()
    for path, verbs in served().items():
        assert verbs - SHADOWS.get(path, set()) <= paths.get(path, set()), path


def test_every_described_method_is_served() -> None:
    table = served()
    # /objects/multiple/{bucket} shares the route of /objects/{bucket}/{key}. It differs by its body.
    table["/objects/multiple/{bucket}"] = {"delete"}
    assert "delete" in table["/objects/{bucket}/{key}"]
    for path, verbs in described().items():
        assert verbs <= table.get(path, set()), path


def test_path_parameters_are_described() -> None:
    def resolve(item: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in item:
            return item
        *_, section, name = item["$ref"].split("/")
        found: dict[str, Any] = CONTRACT["components"][section][name]
        return found

    for path, item in CONTRACT["paths"].items():
        parameters = [resolve(parameter) for parameter in item.get("parameters", [])]
        named = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), path


@pytest.fixture
def generator() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("contract_script", str(ROOT / "scripts" / "contract"))
    spec = importlib.util.spec_from_loader("contract_script", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_the_schemas_are_those_of_the_models(generator: ModuleType) -> None:
    assert CONTRACT["components"]["schemas"] == generator.schemas()
    assert generator.contract_text() == (ROOT / "odhtec_jupyter" / "openapi.yaml").read_text()


def test_an_error_is_a_code_and_a_sentence() -> None:
    reply = CONTRACT["components"]["schemas"]["ErrorReply"]
    assert set(reply["properties"]) == set(reply["required"]) == {"error", "message"}
    for path, item in CONTRACT["paths"].items():
        for verb in set(item) & set(VERBS):
            assert "default" in item[verb]["responses"], (path, verb)


async def test_the_served_document_is_openapi_31(jp_fetch: Any) -> None:
    document = json.loads((await jp_fetch("odhtec/api/openapi.json")).body)
    assert document == CONTRACT
    assert document["openapi"].startswith("3.1")
    validate(document, cls=OpenAPIV31SpecValidator)
