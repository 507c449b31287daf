"""Build the documentation into the package: `uv run python tools/help_site.py`.

What Sphinx makes of `docs/` is kept in git, below `src/taskhold/help_assets`, so that a clone and
every wheel have it without a generator (docs/decisions/0031). `tests/docs/test_site.py` says when
it is not what `docs/` makes. A broken link stops the build.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILT = ROOT / "src/taskhold/help_assets"
USELESS = (".buildinfo", "objects.inv", "_static/*.png", "_static/basic.css", "_static/pyg*.css")
"""What Sphinx writes and our pages don't use."""


def build(docs: Path, target: Path) -> None:
    """Write the site to `target`. Raises CalledProcessError, after Sphinx has said why."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        strictly = ("-W", "--keep-going", "-q", "-E", "-d", f"{folder}/read")
        sphinx = [sys.executable, "-m", "sphinx", *strictly, str(docs), str(site)]
        subprocess.run(sphinx, check=True, stdout=sys.stderr)
        for pattern in USELESS:
            for useless in site.glob(pattern):
                useless.unlink()
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(site, target)


if __name__ == "__main__":
    build(ROOT / "docs", BUILT)
