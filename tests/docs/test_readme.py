"""The README: its commands, its links and its pictures on a package index."""

from __future__ import annotations

import re
import tomllib

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


def test_readme_names_the_commands_for_demonstration_and_tests() -> None:
    assert re.search(r"^scripts/demo\b", README, re.MULTILINE)
    assert re.search(r"^scripts/test$", README, re.MULTILINE)


def test_lab_extra_is_named_before_its_command() -> None:
    install = README.partition("## Install")[2].partition("\n## ")[0]
    assert "[lab]" in install.partition("jupyter labextension list")[0]


def test_files_that_readme_links_exist() -> None:
    links = [link for link in LINK.findall(README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_has_no_picture_that_a_package_index_cannot_show() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = README
    assert re.search(r"!\[[^\]]*\]\((?!https://)", text)
    for one in config["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    assert not re.search(r"!\[[^\]]*\]\((?!https://)", text)
    assert len(README.splitlines()) - len(text.splitlines()) < 4
