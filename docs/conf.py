"""How the documentation is built: `make docs`, with warnings as errors."""

import os
import re
from importlib.metadata import version as installed
from pathlib import Path

from click import Context

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
exclude_patterns = ["measured/data", "**/.ipynb_checkpoints"]
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
napoleon_use_ivar = True  # attributes that are properties are listed once
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


def _write_commands() -> None:
    """The command line's page, from the commands themselves."""
    from typer.cli import get_docs_for_click
    from typer.main import get_command

    from neurofuse.cli import app

    command = get_command(app)
    text = get_docs_for_click(obj=command, ctx=Context(command), name="neurofuse")
    text = re.sub(
        r"\[bold\](.*?)\[/\]", r"`\1`", text.replace("# `neurofuse`", "# Command line", 1)
    )
    for name, one in command.commands.items():  # whole sentences, not as much as a screen holds
        text = re.sub(
            rf"(?m)^\* `{name}`: .*$", f"* [`{name}`](#neurofuse-{name}): {one.help}", text
        )
    (Path(__file__).parent / "commands.md").write_text(text, encoding="utf-8")


def setup(app) -> None:
    _copy_notebooks()
    _write_commands()
