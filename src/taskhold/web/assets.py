"""The page's files: named by their content, compressed once, and put together in `index.html`.

A browser keeps a file whose name has its content's hash for good (RFC 8246, `immutable`). The files
themselves know nothing of that: `index.html` gets an import map that leads from the names in their
`import` lines to the hashed ones, and says which modules the first view needs, so that they are all
asked for at once.
"""

import base64
import hashlib
import json
import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

from taskhold.web.files import TYPES, Asset, asset

_LIBRARIES = {
    "preact": "vendor/preact/preact.mjs",
    "preact/hooks": "vendor/preact/hooks.mjs",
    "htm": "vendor/htm/htm.mjs",
    "@preact/signals-core": "vendor/signals-core/signals-core.mjs",
    "@preact/signals": "vendor/signals/signals.mjs",
}
"""What the modules import by name (in `jsconfig.json` for the type checker, too)."""
_IMPORT = re.compile(
    r"""(?:^|[};\s])(?:import|export)\b\s*(?:[\w$*{][\w$*{},\s]*?\bfrom\s*)?['"]([^'"]+)['"]""",
    re.MULTILINE,
)
"""A static import; `import()` has a parenthesis."""
_COMMENT = re.compile(r"^\s*(?:/\*.*?\*/|//.*?$)", re.MULTILINE | re.DOTALL)
_REFERENCE = re.compile(r'(?<=")static/([^"]+)(?=")')


class Page(NamedTuple):
    """`index.html`, put together."""

    asset: Asset
    policy: bytes
    """Its content security policy, which names the import map by its hash."""
    etag: bytes


class Assets(NamedTuple):
    """All of it."""

    files: dict[str, Asset]
    """By their hashed names below `static/`."""
    page: Page
    service_worker: Asset


@cache
def assets() -> Assets:
    """The files of the package; read and compressed when the first of them is asked for."""
    contents = dict(_read(resources.files("taskhold.web").joinpath("static"), ""))
    index, worker = contents.pop("index.html"), contents.pop("service-worker.js")
    names = {name: _hashed(name, content) for name, content in contents.items()}
    manifest = "app.webmanifest"
    contents[manifest] = _with_hashed_names(contents[manifest], names, "")
    names[manifest] = _hashed(manifest, contents[manifest])
    page = _page(index, names, contents)
    listed = json.dumps(["./", *sorted(f"static/{name}" for name in names.values())])
    version = hashlib.sha256(page.asset.content).hexdigest()[:12]
    head = f'self.VERSION = "{version}";\nself.FILES = {listed};\n'
    return Assets(
        {names[name]: asset(name, content) for name, content in contents.items()},
        page,
        asset("service-worker.js", head.encode() + worker),
    )


def _read(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _read(entry, f"{prefix}{entry.name}/")
        elif entry.name.rpartition(".")[2] in TYPES:
            found.append((prefix + entry.name, entry.read_bytes()))
    return found


def _hashed(name: str, content: bytes) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:10]}.{ending}"


def _with_hashed_names(content: bytes, names: dict[str, str], prefix: str) -> bytes:
    return _REFERENCE.sub(lambda found: prefix + names[found[1]], content.decode()).encode()


def _page(index: bytes, names: dict[str, str], contents: dict[str, bytes]) -> Page:
    html = _with_hashed_names(index, names, "static/").decode()
    modules = [name for name in names if name.endswith("js")]
    mapped = {f"./static/{name}": f"./static/{names[name]}" for name in sorted(modules)}
    mapped |= {library: f"./static/{names[name]}" for library, name in _LIBRARIES.items()}
    imports = json.dumps({"imports": mapped}, separators=(",", ":"))
    preloads = "".join(
        f'<link rel="modulepreload" href="static/{names[name]}">\n'
        for name in _needed("app.js", contents)
    )
    html = html.replace(
        '<script type="module"',
        f'<script type="importmap">{imports}</script>\n{preloads}<script type="module"',
    )
    digest = base64.b64encode(hashlib.sha256(imports.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; "
        "connect-src 'self'; img-src 'self' data:; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    content = html.encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    return Page(asset("index.html", content), policy.encode(), etag.encode())


def _needed(entry: str, contents: dict[str, bytes]) -> list[str]:
    """The modules that run before the first view: all that `entry` imports, and they import."""
    needed: dict[str, None] = {}
    open_ends = [entry]
    while open_ends:
        name = open_ends.pop()
        if name in needed:
            continue
        needed[name] = None
        source = _COMMENT.sub("", contents[name].decode())
        open_ends += [_resolve(name, target) for target in _IMPORT.findall(source)]
    return sorted(needed)


def _resolve(importer: str, target: str) -> str:
    """The file that `target` means in `importer`."""
    if not target.startswith("."):
        return _LIBRARIES[target]
    parts = importer.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
