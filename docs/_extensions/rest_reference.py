"""The contract in ``openapi.yaml`` as Markdown: each operation, then each schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CONTRACT = Path(__file__).resolve().parents[2] / "odhtec_jupyter" / "openapi.yaml"
METHODS = ("get", "head", "post", "put", "delete")
GROUPS = {
    "buckets": "Buckets",
    "objects": "Objects",
    "usage": "Size of a folder",
    "archive": "Archives",
    "multipart": "Unfinished uploads in a bucket",
    "hub": "Hugging Face",
    "transfers": "Transfers",
    "uploads": "Resumable uploads",
    "connections": "Connections",
    "settings": "Settings",
    "policy": "Policy",
    "disclaimer": "Disclaimer",
    "openapi.json": "The contract",
}

Json = dict[str, Any]


def rest() -> str:
    """The whole reference."""
    contract: Json = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    groups: dict[str, list[str]] = {name: [] for name in GROUPS}
    for path, item in contract["paths"].items():
        lines = groups[path.split("/")[1]]
        for method in METHODS:
            if method in item:
                lines += _operation(contract, method.upper(), path, item, item[method])
    lines = [contract["info"]["description"], ""]
    for name, title in GROUPS.items():
        lines += [f"## {title}", "", *groups[name]]
    lines += ["## Schemas", ""]
    for name, schema in contract["components"]["schemas"].items():
        lines += _schema(name, schema)
    return "\n".join(lines)


def _operation(contract: Json, method: str, path: str, item: Json, operation: Json) -> Iterator[str]:
    yield f"### `{method} {path}`"
    yield ""
    yield operation["summary"]
    yield ""
    if "description" in operation:
        yield operation["description"]
        yield ""
    if resources := operation.get("x-resources"):
        names = ", ".join(f"`{name}`" for name in resources)
        yield f"Also needs the permission for {names}."
        yield ""
    parameters = [_resolved(contract, one) for one in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    yield from _table(
        ("parameter", "in", "type", "meaning"),
        [(f"`{one['name']}`", one["in"], _type(one["schema"]), one.get("description", "")) for one in parameters],
    )
    if body := _resolved(contract, operation.get("requestBody", {})):
        yield f"Body: {_contents(body)}. {body.get('description', '')}".rstrip()
        yield ""
    rows = []
    for status, response in operation["responses"].items():
        reply = _resolved(contract, response)
        rows.append((status, _contents(reply), reply["description"]))
    yield from _table(("status", "body", "meaning"), rows)


def _schema(name: str, schema: Json) -> Iterator[str]:
    yield f"({_anchor(name)})="
    yield f"### {name}"
    yield ""
    if "description" in schema:
        yield schema["description"]
        yield ""
    if "properties" not in schema:
        yield f"{_type(schema)}"
        yield ""
        return
    required = schema.get("required", ())
    yield from _table(
        ("field", "type", "meaning"),
        [
            (f"`{key}`" + ("" if key in required else " (optional)"), _type(prop), _meaning(prop))
            for key, prop in schema["properties"].items()
        ],
    )


def _meaning(prop: Json) -> str:
    text: str = prop.get("description", "")
    if prop.get("default") in (None, ""):
        return text
    default = f"Default: `{json.dumps(prop['default'])}`"
    return f"{text.rstrip('.')}. {default}" if text else default


def _contents(one: Json) -> str:
    kinds = [f"{_type(content['schema'])} (`{kind}`)" for kind, content in one.get("content", {}).items()]
    return " or ".join(kinds).replace(" (`application/json`)", "")


def _type(schema: Json) -> str:
    """A type in a few words; schemas of the contract are links."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[several]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    if "format" in schema and schema["format"] != "binary":
        return f"{kind} ({schema['format']})"
    return "bytes" if schema.get("format") == "binary" else str(kind)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    if rows:
        yield from ("| " + " | ".join(_cell(text) for text in row) + " |" for row in (head, ["---"] * len(head), *rows))
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(name: str) -> str:
    return f"schema-{name.lower()}"


def _resolved(contract: Json, one: Json) -> Json:
    while "$ref" in one:
        node: Any = contract
        for step in one["$ref"].removeprefix("#/").split("/"):
            node = node[step]
        one = node
    return one
