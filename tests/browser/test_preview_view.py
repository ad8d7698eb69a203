"""Previews as a user sees them: every kind and state, in both themes."""

from __future__ import annotations

import io
import json
import re
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.panel import Panel

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Locator


def safetensors() -> bytes:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    for layer in range(40):
        start = layer * 128
        header[f"model.layers.{layer}.weight"] = {
            "dtype": "BF16",
            "shape": [8, 8],
            "data_offsets": [start, start + 128],
        }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(40 * 128)


def png(width: int = 320, height: int = 200) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"".join(bytes((x % 256, y, 128)) for x in range(width)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pdf() -> bytes:
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length 48>>stream\nBT /F 24 Tf 40 100 Td (Hello from a PDF) Tj ET  \nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        offsets.append(len(out))
        out += b"%d 0 obj" % number + part + b"endobj\n"
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + table + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(out)


def archive(kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
            for number in range(3):
                zipped.writestr(f"data/part-{number}.csv", "x,y\n" * 1000)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as tarred:
            entry = tarfile.TarInfo("data/part.csv")
            entry.size = 3
            tarred.addfile(entry, io.BytesIO(b"x,y"))
    return buffer.getvalue()


MARKDOWN = """# A model card

It has **bold** words, a [link](https://example.invalid/) and a table:

| a | b |
| - | - |
| 1 | 2 |

![beside](picture.png) ![pixel](https://tracker.invalid/pixel.png)

<img src="x" onerror="window.hacked = true"><script>window.hacked = true</script>
"""

ELSEWHERE = "http://elsewhere.invalid"
#: Each of these would send a request to another server, or run a script of this one, if nothing prevented it.
NOISY = f"""# Noisy

```mermaid
flowchart LR
  a[<img src='{ELSEWHERE}/mermaid-html'>] --> b@{{ img: "{ELSEWHERE}/mermaid-image", label: "b", w: 60, h: 60 }}
```

> ~~~~  mermaid
> %%{{init: {{"themeCSS": "@import url({ELSEWHERE}/mermaid-css);"}}}}%%
> flowchart LR
>   c --> d
> ~~~~

````markdown
```mermaid
quoted
```
````

$\\style{{background: url({ELSEWHERE}/mathjax-style)}}{{x}}$ $\\href{{/lab?reset}}{{y}}$
$\\require{{{ELSEWHERE}/require.js}}$ $\\require{{[mathjax]/{ELSEWHERE}/root.js}}$ $\\require{{[x]/{ELSEWHERE}/x.js}}$
$\\require{{requireme}}$ $\\require{{/require-script.js}}$
$\\require{{[/require-script.js}}$ $\\require{{[tex]/../require-script}}$
<code class="mathjax_process">$\\require{{requireme}}$</code>
$\\style{{cursor: url({ELSEWHERE}/cursor-style), auto}}{{x}}$
$\\mmlToken{{mi}}[style='cursor: url({ELSEWHERE}/cursor-token), auto']{{x}}$
$\\fcolorbox{{red;cursor:url({ELSEWHERE}/cursor-color),auto}}{{blue}}{{x}}$

<p style="background-image: url({ELSEWHERE}/css)">styled</p>
<p style="background: \\75rl({ELSEWHERE}/css-escape)">escaped</p>
<style>@import url({ELSEWHERE}/import); p {{ background: url({ELSEWHERE}/sheet) }}</style>
<link rel="stylesheet" href="{ELSEWHERE}/link"><link rel="preload" as="image" href="{ELSEWHERE}/preload">
<base href="{ELSEWHERE}/base/"><meta http-equiv="refresh" content="0;url={ELSEWHERE}/refresh">
<svg><image href="{ELSEWHERE}/image" xlink:href="{ELSEWHERE}/xlink"/><use href="{ELSEWHERE}/use#x"/></svg>
<picture><source srcset="{ELSEWHERE}/source"><img src="data:," srcset="{ELSEWHERE}/srcset 2x"></picture>
<video src="{ELSEWHERE}/video" poster="{ELSEWHERE}/poster"><source src="{ELSEWHERE}/in-video"></video>
<audio autoplay src="{ELSEWHERE}/audio"></audio> <input type="image" src="{ELSEWHERE}/input">
<object data="{ELSEWHERE}/object"></object><embed src="{ELSEWHERE}/embed"><iframe src="{ELSEWHERE}/frame"></iframe>
<table background="{ELSEWHERE}/table"><tr><td background="{ELSEWHERE}/cell">cell</td></tr></table>
<img src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E%3Cimage href='{ELSEWHERE}/in'/%3E%3C/svg%3E">

The end
"""

NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": "# Results"},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "source": "print('the answer')",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "the answer\n"}],
        },
    ],
    "metadata": {"language_info": {"name": "python"}},
    "nbformat": 4,
    "nbformat_minor": 4,
}

OBJECTS: dict[str, tuple[bytes, str]] = {
    "table.csv": (
        ("id,name,value\n" + "".join(f"{row},name {row},{row * 1.5}\n" for row in range(300))).encode(),
        r"name 7",
    ),
    "lines.jsonl": (b'{"id": 1, "text": "one"}\n{"id": 2, "text": null}\n', r"one"),
    "code.py": (("def hello():\n    return 'wörld'\n" * 50).encode(), "wörld"),
    "card.md": (MARKDOWN.encode(), "A model card"),
    "model.safetensors": (safetensors(), r"parameters"),
    "picture.png": (png(), r"320 . 200"),
    "paper.pdf": (pdf(), r"application/pdf"),
    "results.ipynb": (json.dumps(NOTEBOOK).encode(), r"the answer"),
    "data.zip": (archive("zip"), r"data/part-1\.csv"),
    "data.tar.gz": (archive("tar"), r"data/part\.csv"),
    "weights.bin": (bytes(range(256)) * 8, r"00000010"),
}


@pytest.fixture
def filled(panel: Panel, client: S3Client) -> Panel:
    for key, (content, _) in OBJECTS.items():
        client.put_object(Bucket="models", Key=key, Body=content)
    panel.button("Refresh").click()
    panel.row("table.csv").wait_for()
    return panel


def shown(panel: Panel) -> Locator:
    return panel.page.locator(".odhtec-Preview:visible")


def preview(panel: Panel, name: str) -> Locator:
    """Open a preview by keyboard."""
    panel.row(name).click()
    panel.press("Space")
    shown(panel).locator(".odhtec-Preview-name", has_text=re.compile(f"^{re.escape(name)}$")).wait_for()
    return shown(panel)


def test_each_kind_is_shown_in_both_themes(filled: Panel, pictures: Path) -> None:
    panel = filled
    requests: list[str] = []
    panel.page.on("request", lambda it: requests.append(it.url))
    for theme in ("Light", "Dark"):
        panel.use_theme(f"JupyterLab {theme}")
        for name, (_, found) in OBJECTS.items():
            view = preview(panel, name)
            view.get_by_text(re.compile(found)).first.wait_for()
            view.locator(".odhtec-Preview-foot").get_by_text("bytes").wait_for()
            if name == "paper.pdf":
                view.locator("iframe").wait_for()
            panel.shoot(pictures, f"preview-{name}-{theme.lower()}")
    assert not [url for url in requests if "tracker.invalid" in url]


def test_markdown_runs_no_scripts_and_loads_no_foreign_images(filled: Panel) -> None:
    view = preview(filled, "card.md")
    beside = view.get_by_role("img", name="beside")
    beside.wait_for()
    assert beside.evaluate("it => it.decode().then(() => it.naturalWidth)") == 320
    view.get_by_role("link", name="[Image not loaded: pixel]").wait_for()
    assert filled.page.evaluate("() => window.hacked") is None
    view.get_by_role("button", name="Show Source").click()
    view.get_by_text("# A model card").wait_for()


@pytest.mark.parametrize("name", ["noisy.md", "noisy.ipynb"])
def test_preview_sends_no_request_to_another_server(panel: Panel, client: S3Client, name: str) -> None:
    cell = {"cell_type": "markdown", "metadata": {}, "source": NOISY}
    content = NOISY if name.endswith("md") else json.dumps(NOTEBOOK | {"cells": [cell]})
    client.put_object(Bucket="models", Key=name, Body=content.encode())
    client.put_object(Bucket="models", Key="maths.md", Body=b"$z$")
    panel.button("Refresh").click()
    # MathJax is loaded before, so that only the requests of the preview are counted.
    preview(panel, "maths.md").locator("mjx-container").wait_for()
    requests: list[str] = []
    panel.page.on("request", lambda it: requests.append(it.url))
    view = preview(panel, name)
    view.get_by_text("The end").wait_for()
    view.locator("mjx-container a:not([href])").wait_for()  # links into Lab are removed
    # Rendered. Every request of the rendering was sent before this one.
    panel.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    panel.page.evaluate("() => fetch(document.location.href)")
    host = panel.page.url.split("/lab")[0]
    assert [url for url in requests if not url.startswith(host) or "require" in url] == []
    assert view.locator("img[src^=http], .jp-RenderedMermaid, script, style, link, base, iframe").count() == 0
    # Diagrams are shown as their source.
    assert view.locator("code.language-mermaid").count() == 2
    view.get_by_text("flowchart LR").first.wait_for()
    assert view.locator("code.language-markdown").text_content() == "```mermaid\nquoted\n```"


def test_invisible_characters_of_a_name_are_shown(panel: Panel, client: S3Client) -> None:
    """Invisible characters are shown wherever the name is shown. Commands use the real name."""
    name, visible = "invoice\u202egnp.py\u200b", r"invoice\u{202E}gnp.py\u{200B}"
    client.put_object(Bucket="models", Key=f"folder\u2066/{name}", Body=b"what is in it")
    panel.button("Refresh").click()
    panel.row(r"folder\u{2066}").dblclick()
    panel.row(visible).wait_for()
    view = preview(panel, visible)
    view.get_by_text("what is in it").wait_for()
    panel.page.get_by_role("tab", name=visible).wait_for()
    hidden = """() => [...document.querySelectorAll('#odhtec-browser *, .odhtec-Preview *, [role=tab]')].flatMap(it =>
      [it.textContent, it.title, it.ariaLabel].filter(text => /[\\u200b\\u202e\\u2066]/.test(text)))"""
    assert panel.page.evaluate(hidden) == []
    panel.row(visible).click()
    panel.press("Delete")
    panel.dialog.get_by_text(visible).wait_for()
    panel.dialog.get_by_role("button", name="Delete").click()
    panel.row(visible).wait_for(state="detached")
    assert "Contents" not in client.list_objects_v2(Bucket="models")


def test_preview_is_used_by_keyboard_alone(filled: Panel) -> None:
    panel, page = filled, filled.page
    view = preview(panel, "model.safetensors")
    region = view.get_by_role("region", name="Tensors")
    page.locator(":focus").and_(region).wait_for()
    panel.press("End")
    page.wait_for_function("() => document.activeElement.scrollTop > 0")
    panel.press("Shift+Tab")
    page.keyboard.type("layers.39")
    region.get_by_role("row").nth(1).get_by_text("model.layers.39.weight").wait_for()
    region.get_by_text("model.layers.1.weight").wait_for(state="detached")

    # The Tab key moves the focus out of the text and inserts nothing.
    code = preview(panel, "code.py").locator(".cm-content")
    code.focus()
    panel.press("Tab")
    page.wait_for_function("() => !document.activeElement.closest('.cm-editor')")
    assert "\t" not in code.inner_text()


def test_changed_object_is_reported_and_read_again(filled: Panel, client: S3Client, pictures: Path) -> None:
    panel, page = filled, filled.page
    view = preview(panel, "weights.bin")
    view.get_by_text("2.0 kB").wait_for()
    preview(panel, "lines.jsonl").get_by_text("one").wait_for()
    client.put_object(Bucket="models", Key="weights.bin", Body=b"other")
    page.get_by_role("tab", name="weights.bin").click()
    notice = shown(panel).get_by_role("status").filter(has_text="has changed")
    notice.wait_for()
    panel.shoot(pictures, "preview-changed")
    notice.get_by_role("button", name="Reload").click()
    shown(panel).get_by_text("5 bytes").wait_for()
    assert notice.count() == 0


def test_error_is_explained_and_can_be_retried(filled: Panel, client: S3Client, pictures: Path) -> None:
    panel = filled
    client.delete_object(Bucket="models", Key="lines.jsonl")
    view = preview(panel, "lines.jsonl")
    view.get_by_role("alert").get_by_role("heading", name="Object not found").wait_for()
    panel.shoot(pictures, "preview-error")
    client.put_object(Bucket="models", Key="lines.jsonl", Body=b'{"back": 1}\n')
    view.get_by_role("button", name="Retry").click()
    view.get_by_role("columnheader", name="back").wait_for()


def test_each_object_has_one_tab_which_is_restored_after_a_reload(filled: Panel) -> None:
    panel, page = filled, filled.page
    for _ in range(2):
        preview(panel, "data.zip")
    tab = page.get_by_role("tab", name="data.zip")
    assert tab.count() == 1
    with page.expect_response(lambda it: "/lab/api/workspaces/" in it.url and it.request.method == "PUT"):
        preview(panel, "weights.bin")
    page.goto(page.url.replace("&reset", "").replace("?reset", ""))
    tab.wait_for()
    tab.click()
    shown(panel).get_by_text("data/part-1.csv").wait_for()
