"""How `docs/` becomes the site that the program serves below `/help`.

Sphinx reads the pages with MyST; `tools/help_site.py` runs it. They are plain Markdown that any
forge shows, too: what only the site needs (the order of the pages) is here.
"""

import re
import tomllib
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
SECTIONS = {
    "Begin": ["start", "tour", "page", "from-the-lesson"],
    "Use it": ["tasks", "commands", "transfer", "api", "client", "building-a-client", "accounts"],
    "Run it": ["deploy", "settings", "operations", "care", "metrics", "copy", "scale"],
    "Rely on it": ["durability", "security", "speed", "decisions/README", "releasing"],
}
"""The pages in their order. One that is in no section is named by Sphinx, as a mistake."""

project = "Taskhold"
release = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]["version"]
root_doc = "index"
extensions = ["myst_parser"]
exclude_patterns = ["scale/*"]
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]  # of JSON in several lines of a command
myst_heading_anchors = 4
myst_enable_extensions = ["html_image"]

html_theme = "theme"
html_theme_path = ["."]
html_title = project
html_js_files = ["help.js"]
html_copy_source = False
html_use_index = False
html_permalinks_icon = "#"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _read)
    app.connect("doctree-read", _mend)


def _read(_app: Sphinx, name: str, source: list[str]) -> None:
    source[0] = _OUTSIDE.sub(lambda found: _without_link(DOCS / name, found), source[0])
    if name == root_doc:
        source[0] += "".join(
            _contents(f":caption: {caption}", *pages) for caption, pages in SECTIONS.items()
        )
    elif name == "decisions/README":
        source[0] += _contents(":glob:", "0*")


def _mend(_app: Sphinx, document: nodes.document) -> None:
    """What Markdown has to say, and a page must not."""
    for picture in document.findall(nodes.image):
        picture.attributes.pop("width", None)  # the style sheet says it: the policy knows no other
    for head in list(document.findall(nodes.thead)):
        if not head.astext().strip():  # a table has one, a reader of screens reads it
            head.parent.remove(head)


def _contents(option: str, *pages: str) -> str:
    return "\n".join(("\n```{toctree}", ":hidden:", option, "", *pages, "```\n"))


_OUTSIDE = re.compile(r"\[([^]]*)\]\((\.\./[^)#]*)[^)]*\)")


def _without_link(page: Path, found: re.Match[str]) -> str:
    """The text alone of a link to what the site hasn't: a folder, a page, a module.

    Other files of the repository come along, to be downloaded.
    """
    target = (page.parent / found[2]).resolve()
    is_elsewhere = not target.is_relative_to(DOCS) and (
        target.suffix in (".md", ".py") or target.is_dir()
    )
    return found[1] if is_elsewhere and target.exists() else found[0]
