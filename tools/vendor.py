"""Renew the browser libraries in the package from npm, unchanged: `python tools/vendor.py`.

Each library is pinned here; its version and licence are written to VERSIONS.md beside it.
"""

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parent.parent / "src/taskhold"


class Library(NamedTuple):
    """An npm package, and which of its files we ship."""

    package: str
    version: str
    folder: str
    """Below the package's folder."""
    files: tuple[str, ...]


LIBRARIES = (
    Library(
        "swagger-ui-dist",
        "5.35.0",
        "docs_assets/swagger-ui",
        (
            "swagger-ui-bundle.js",
            "swagger-ui.css",
            "swagger-ui-bundle.js.LICENSE.txt",
            "LICENSE",
            "NOTICE",
        ),
    ),
    Library(
        "redoc",
        "2.5.4",
        "docs_assets/redoc",
        ("bundles/redoc.standalone.js", "bundles/redoc.standalone.js.LICENSE.txt", "LICENSE"),
    ),
    Library(
        "preact",
        "11.2.0",
        "web/static/vendor/preact",
        ("dist/preact.mjs", "hooks/dist/hooks.mjs", "LICENSE"),
    ),
    Library("htm", "3.1.1", "web/static/vendor/htm", ("dist/htm.mjs", "LICENSE")),
    Library(
        "@preact/signals-core",
        "1.14.5",
        "web/static/vendor/signals-core",
        ("dist/signals-core.mjs", "LICENSE"),
    ),
    Library(
        "@preact/signals",
        "2.11.4",
        "web/static/vendor/signals",
        ("dist/signals.mjs", "LICENSE"),
    ),
)


def renew(library: Library) -> str:
    """Unpack one library; its row of VERSIONS.md."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{library.package}@{library.version}"]
        name = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        with tarfile.open(Path(folder) / name.stdout.split()[-1]) as archive:
            for file in library.files:
                member = archive.extractfile(f"package/{file}")
                assert member is not None
                target = PACKAGE / library.folder / Path(file).name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(member.read())
            described = archive.extractfile("package/package.json")
            assert described is not None
            licence = json.load(described)["license"]
    return f"| {Path(library.folder).name}/ | {library.package} | {library.version} | {licence} |\n"


if __name__ == "__main__":
    rows: dict[Path, str] = {}
    for library in LIBRARIES:
        folder = PACKAGE / Path(library.folder).parent
        rows[folder] = rows.get(folder, "") + renew(library)
    for folder, table in rows.items():
        (folder / "VERSIONS.md").write_text(
            "Browser libraries from npm, unchanged; `tools/vendor.py` renews them.\n\n"
            "| folder | package | version | licence |\n|---|---|---|---|\n" + table
        )
