"""The configuration of Sphinx: pages in MyST Markdown, the theme of the Jupyter projects, no network."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "ODH-TEC for Jupyter"
author = "The ODH-TEC for Jupyter contributors"
project_copyright = author
release = version = version_of("odhtec-jupyter")

extensions = ["myst_parser", "sphinx.ext.autodoc", "generated_pages"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
suppress_warnings = ["config.cache"]

# The signatures of overloads would fill a screen for each method; the docstrings name the types that matter.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
# Docstrings name classes of other modules without their path.
nitpick_ignore_regex = [("py:.*", r"(?!odhtec_jupyter\.).*")]

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "show_version_warning_banner": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"*": []}  # pages without pages below them
