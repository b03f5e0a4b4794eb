"""How the documentation is built: `make docs`, with warnings as errors."""

import os
import re
from importlib.metadata import version as installed
from pathlib import Path

from pygments.lexers.special import TextLexer

ROOT = Path(__file__).parents[1]
os.environ["MNE_LOGGING_LEVEL"] = "ERROR"  # of notebooks that are run for their figures

project = "neurofuse"
author = "The neurofuse developers"
project_copyright = "the neurofuse developers"
version = release = installed("neurofuse")
html_title = f"neurofuse {version}"
html_theme = "furo"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["training", "**/.ipynb_checkpoints"]
highlight_language = "none"

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
# notebooks have outputs only here: they are run once, and again when they change
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "docs-notebooks")
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_output_stderr = "remove"  # progress bars of libraries

napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"


def _copy_notebooks() -> None:
    """Sphinx reads below `docs/` only, and the notebooks stand beside it."""
    here = Path(__file__).parent / "notebooks"
    for old in here.glob("*.ipynb"):
        old.unlink()
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text = notebook.read_text(encoding="utf-8").replace("](../docs/", "](../")
        (here / notebook.name).write_text(text, encoding="utf-8")


def _add_results(app, name: str, source: list[str]) -> None:
    """Pages that the index does not name are results of benchmarks, which come as they are run."""
    if name != "index":
        return
    pages = [path.stem for path in sorted(Path(app.srcdir).glob("*.md"))]
    more = [page for page in pages if not re.search(rf"\b{page}\b", source[0])]
    last = "synth_detectors\n"
    source[0] = source[0].replace(last, last + "".join(f"{page}\n" for page in more))


def setup(app) -> None:
    _copy_notebooks()
    app.connect("source-read", _add_results)
    app.add_lexer("mermaid", TextLexer)
