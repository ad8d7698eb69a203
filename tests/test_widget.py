"""The traits of the browser in a cell: valid values, and their effects on each other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from traitlets import TraitError

import odhtec_jupyter
from odhtec_jupyter import widget
from odhtec_jupyter.widget import S3Browser

SOURCE = Path(__file__).resolve().parent.parent / "labextension" / "src"


def test_widget_starts_in_the_default_bucket_without_a_selection() -> None:
    browser = S3Browser()
    assert (browser.bucket, browser.prefix, browser.filter) == ("", "", "")
    assert (browser.selected, browser.value, browser.multiple) == ([], None, True)
    assert browser.height == "400px"
    assert odhtec_jupyter.S3Browser is S3Browser


def test_value_is_the_single_selected_item() -> None:
    browser = S3Browser(value="s3://models/a/b.bin")
    assert browser.selected == ["s3://models/a/b.bin"]
    browser.selected = ["s3://models/x", "s3://models/日本 %2F/"]
    assert browser.value is None
    browser.value = None  # the present value
    assert len(browser.selected) == 2
    browser.selected = ["s3://models/y/"]
    assert browser.value == "s3://models/y/"
    browser.value = None
    assert browser.selected == []


def test_one_item_can_be_selected_without_multiple() -> None:
    browser = S3Browser(selected=["s3://models/a", "s3://models/b"])
    browser.multiple = False
    assert (browser.selected, browser.value) == (["s3://models/a"], "s3://models/a")
    with pytest.raises(TraitError, match=r"selected: with multiple=False only one item can be selected, not 2\."):
        browser.selected = ["s3://models/a", "s3://models/b"]
    with pytest.raises(TraitError, match="multiple=False"):
        S3Browser(multiple=False, selected=["s3://models/a", "s3://models/b"])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("bucket", "s3://models", "is not the name of a bucket"),
        ("bucket", "models/data", "is not the name of a bucket"),
        ("bucket", None, "bucket"),
        ("prefix", "data", "Folders end with a slash: 'data/'"),
        ("prefix", "é" * 512 + "/", "longer than 1024 bytes"),
        ("selected", ["notes.md"], "is not a valid location"),
        ("selected", ["workspace://notes.md"], "is not an object or folder"),
        ("selected", ["s3://models"], "is not an object or folder"),
        ("selected", ["s3://models/"], "is not an object or folder"),
        ("selected", ["s3://a/x", "s3://b/x"], "all items must be in one bucket, not in a, b"),
        ("selected", ["s3://a/x", "s3://a/x"], "contains the same URI twice"),
        ("selected", ["s3://a/" + "é" * 513], "longer than 1024 bytes"),
        ("value", "s3://models", "is not an object or folder"),
        ("value", 1, "value"),
        ("filter", None, "filter"),
        ("connection", "other", "'other' does not exist"),
        ("height", "tall", "is not a CSS length"),
        ("height", "400px; background: url(http://elsewhere)", "is not a CSS length"),
        ("multiple", "yes", "multiple"),
    ],
)
def test_invalid_value_of_a_trait_is_refused(name: str, value: Any, says: str) -> None:
    browser = S3Browser()
    before = getattr(browser, name)
    with pytest.raises(TraitError, match=re.escape(says)):
        setattr(browser, name, value)
    assert getattr(browser, name) == before
    with pytest.raises(TraitError, match=re.escape(says)):
        S3Browser(**{name: value})


def test_widget_can_be_observed_and_linked() -> None:
    browser, text = S3Browser(), ipywidgets.Text()
    ipywidgets.link((browser, "prefix"), (text, "value"))
    values: list[Any] = []
    browser.observe(lambda change: values.append(change["new"]), "value")
    browser.prefix = "data/"
    browser.set_state({"selected": ["s3://m/data/x"], "value": "s3://m/data/x"})  # as sent by the page
    browser.set_state({"selected": [], "value": None})
    assert text.value == "data/"
    assert values == ["s3://m/data/x", None]


def test_every_trait_is_synced_and_has_help() -> None:
    names = {"bucket", "prefix", "selected", "value", "filter", "multiple", "connection", "height"}
    traits = S3Browser.class_traits()
    assert all(traits[name].metadata["sync"] and traits[name].help for name in names)
    other = set(ipywidgets.DOMWidget.class_traits())
    assert {name for name in traits if not name.startswith("_")} - other == names


def test_page_without_a_kernel_shows_a_sentence() -> None:
    browser = S3Browser(value="s3://models/a")
    data = browser._repr_mimebundle_()
    assert data["text/plain"] == "Run the cell again to browse object storage here."
    assert data[widget.MIME_TYPE] == {"model_id": browser.model_id}
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == browser.model_id


def test_names_and_traits_are_the_same_in_python_and_typescript() -> None:
    """The names are compared here. The version of both comes from one file."""
    state = S3Browser().get_state()
    package = json.loads((SOURCE.parent / "package.json").read_text())
    assert state["_model_module"] == state["_view_module"] == package["name"] == widget.MODULE
    assert state["_model_module_version"] == state["_view_module_version"] == package["version"]
    assert "from '../package.json'" in (SOURCE / "version.ts").read_text()
    tokens = (SOURCE / "tokens.ts").read_text()
    assert f"WIDGET_MODULE = '{widget.MODULE}'" in tokens
    assert f"CELL_MIME_TYPE = '{widget.MIME_TYPE}'" in tokens
    assert f"'{widget.FALLBACK}'" in (SOURCE / "cell" / "celloutput.ts").read_text()
    model = (SOURCE / "cell" / "widgetmodel.ts").read_text()
    own = model[model.index("defaults()") : model.index("override initialize")]
    assert set(re.findall(r"^ {6}(\w+): ", own, re.MULTILINE)) == set(state) - set(
        ipywidgets.DOMWidget().get_state()
    ) | {name for name in state if name.startswith(("_model", "_view")) and name != "_view_count"}


def test_widget_is_imported_without_the_modules_of_the_server() -> None:
    code = (
        "import os, sys; before = dict(os.environ)\n"
        "from odhtec_jupyter import S3Browser; S3Browser(prefix='a/')\n"
        "assert dict(os.environ) == before\n"
        "print(*sorted({'boto3', 'botocore', 'jupyter_server', 'huggingface_hub', 'odhtec_jupyter.settings',"
        " 'odhtec_jupyter.client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("uri", ["s3://other@bucket/a", "s3://other@bucket/a/"])
def test_item_of_another_connection_cannot_be_selected(uri: str) -> None:
    with pytest.raises(TraitError, match="is on another connection"):
        S3Browser(selected=[uri])
