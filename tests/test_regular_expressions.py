"""No regular expression of the package takes exponential time: otherwise a single header could block the server."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "odhtec_jupyter"
FUNCTIONS = {"compile", "match", "search", "fullmatch", "split", "sub", "findall", "finditer"}
HANG = 120  # seconds after which a parser is considered endless


def patterns() -> Iterator[tuple[str, Any]]:
    """Yield each regular expression of the package with its location. In f-strings, one letter replaces each value."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and node.func.attr in FUNCTIONS
            ):
                pattern = literal(node.args[0])
                if pattern is not None:
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}:{node.col_offset}", pattern


def literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
    if isinstance(node, ast.BinOp):
        return literal(node.left)
    return None


def ambiguous(parsed: Any, within: bool = False) -> bool:
    """Return whether an unlimited repetition contains an ambiguous pattern, which can take exponential time."""
    for operation, argument in parsed:
        if operation is _constants.BRANCH:
            if within or any(ambiguous(branch, within) for branch in argument[1]):
                return True
        elif operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            least, most, what = argument
            if (within and least != most) or ambiguous(what, within or most is _constants.MAXREPEAT):
                return True
        elif operation is _constants.SUBPATTERN and ambiguous(argument[3], within):
            return True
    return False


def test_regular_expressions_have_no_ambiguous_repetition() -> None:
    found = dict(patterns())
    assert len(found) > 30
    assert [where for where, pattern in found.items() if ambiguous(_parser.parse(pattern))] == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [(r'"((?:\\["\\]|[^"])*)"', True), (r"(a+)+", True), (r"(?:a+b)++", False), (r"(?:x[0-9]{1,9})?", False)],
)
def test_checker_detects_ambiguous_repetition(pattern: str, expected: bool) -> None:
    assert ambiguous(_parser.parse(pattern)) is expected
    assert re.compile(pattern)


# Each one has the expected result. If a parser hangs, its process is killed and the test fails.
PARSERS = {
    "the name of a file in a form": """
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.handlers.streaming.form import MAX_DISPOSITION_BYTES, file_name
begin = b'form-data; name="f"; filename="'
for piece in (b"\\\\", b'"', b";", b'\\\\"', b'";', b"'", b"filename*=", b"*=", b" "):
    file_name(begin + piece * ((MAX_DISPOSITION_BYTES - len(begin)) // len(piece)))
assert file_name(begin + b"\\\\" * 60) == '"' + "\\\\" * 60  # without a closing quote, the value is unchanged
try:
    file_name(begin + b"a" * MAX_DISPOSITION_BYTES)
except BadRequest:
    pass
else:
    raise AssertionError("too long a name was read")
""",
    "the password of a proxy": """
from odhtec_jupyter.settings.values import mask
for text in ("://" * 1_000_000, "://a:" * 1_000_000, "http://" + ":" * 5_000_000, "@" * 5_000_000):
    mask(text)
assert mask("http://u:" + "://x:" * 500_000 + "@host") == "http://u:***@host"
""",
    "patterns": """
from odhtec_jupyter.patterns import MAX_GLOBS, chooser, matcher
name = "a" * 1024
assert not matcher("*a" * 500 + "b")(name)
assert not matcher("*" * 1000 + "b")(name)
assert not chooser(["*a*a*a*a*a*a*a*b"] * 5000 + [f"*{n}" for n in range(MAX_GLOBS - 1)], None)(name)
takes = chooser([f"d/{n}[[]x].bin" for n in range(100_000)], ["*.tmp"])
assert sum(takes(f"d/{n}[x].bin") for n in range(100_000)) == 100_000
assert not takes("d/1[.bin")
""",
    "lists of S3": """
from odhtec_jupyter.stores.s3.wire.list_run import split
for text in ("<Contents>" * 200_000, "<Contents>" + "<Key>a</Key>" * 200_000, "<Contents><Key>" + "<" * 500_000,
             "<Contents>" + " " * 1_000_000, "<Contents>" + "<Key>a</Key>\\n" * 200_000 + "</Contents"):
    assert split(text.encode(), text) is None
""",
    "the hub's limits": """
from odhtec_jupyter.stores.hub.errors import retry_after
for text in ("; " * 500_000, ";" + " " * 500_000, ";r=" + "0" * 500_000, ";t=1" * 300_000):
    assert retry_after({"ratelimit": text}) is None
assert retry_after({"ratelimit": ' "api";' + " " * 500_000 + "r=0;t=57"}) == 57
""",
    "notebooks": """
from odhtec_jupyter.preview.formats.notebook import _ANSI
for text in ("\\x1b[" * 500_000, "\\x1b[" + "0" * 1_000_000, "\\x1b[" + "0" * 500_000 + " " * 500_000,
             "\\x1b]" * 500_000, "\\x1b]" + "a" * 1_000_000):
    _ANSI.sub("", text)
assert _ANSI.sub("", "\\x1b[31mred\\x1b[0m") == "red"
""",
    "texts in headers": """
from odhtec_jupyter.stores.s3.wire.header_text import header_value, readable, sendable
for text in ("=?" * 500_000, "=?utf-8?q?a?= " * 100_000 + "=?x", "=?utf-8?q?" * 100_000, "=?utf-8?b?" + "a" * 1_000_000,
             "=?utf-8?q?a?=" + " " * 500_000 + "x", "a" + " " * 1_000_000, "filename=" * 200_000 + "\\xe9"):
    readable(text)
    assert readable(sendable(text)) == text
    header_value(text)
""",
    "hosts without a proxy": """
from odhtec_jupyter.network import Network
network = Network(http_proxy="http://p", https_proxy="http://p", no_proxy=" ," * 1_000_000 + "x" * 1_000_000)
assert network.proxy_for("http://example.org/")
""",
}


@pytest.mark.parametrize("name", PARSERS)
def test_hostile_input_is_parsed_in_time(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", PARSERS[name]], capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 0, done.stderr
