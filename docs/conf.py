"""Settings of the documentation build: `./dev docs`."""

from __future__ import annotations

from obskit.version import __version__

project = "obskit"
author = "The obskit authors"
copyright = "2026, The obskit authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
suppress_warnings = [
    "ref.python"
]  # `obskit.Logger` and `obskit.logs.Logger` are one class: either link is right

default_role = "py:obj"  # `name` in a docstring is a link where there is something to link to
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"obskit {release}"
