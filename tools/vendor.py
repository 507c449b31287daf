"""Renew the browser libraries in the package from npm, unchanged: `python tools/vendor.py`.

Each library is pinned here; its version and licence are written to VERSIONS.md beside it.
"""

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

ASSETS = Path(__file__).parent.parent / "src/taskhold/docs_assets"


class Library(NamedTuple):
    """An npm package, and which of its files we ship."""

    package: str
    version: str
    folder: str
    files: tuple[str, ...]


LIBRARIES = (
    Library(
        "swagger-ui-dist",
        "5.35.0",
        "swagger-ui",
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
        "redoc",
        ("bundles/redoc.standalone.js", "bundles/redoc.standalone.js.LICENSE.txt", "LICENSE"),
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
                target = ASSETS / library.folder / Path(file).name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(member.read())
            described = archive.extractfile("package/package.json")
            assert described is not None
            licence = json.load(described)["license"]
    return f"| {library.folder}/ | {library.package} | {library.version} | {licence} |\n"


if __name__ == "__main__":
    rows = [renew(library) for library in LIBRARIES]
    (ASSETS / "VERSIONS.md").write_text(
        "Browser libraries from npm, unchanged; `tools/vendor.py` renews them.\n\n"
        "| folder | package | version | licence |\n|---|---|---|---|\n" + "".join(rows)
    )
