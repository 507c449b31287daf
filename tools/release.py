"""Cut a release: `uv run python -m tools.release 0.2.0`. docs/releasing.md is the rest of it.

It writes the version and the date, renews the pinned requirements and the documentation's pages,
runs the checks, commits, tags, and makes from the tag what is published: a wheel, a source
distribution, an SBOM and their sums, in `dist/0.2.0`. Nothing leaves this machine. It refuses
before it writes anything, and takes back what it has written where a check fails.
"""

import argparse
import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parent.parent
PYPROJECT, PACKAGE = ROOT / "pyproject.toml", ROOT / "src/taskhold/__init__.py"
CHANGELOG, EARLIER = ROOT / "CHANGELOG.md", ROOT / "tests/store/earlier"
_PYPROJECT_VERSION = re.compile(r'^version = "(.+)"$', re.MULTILINE)
_PACKAGE_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
OF_RELEASES = ("uv", "run", "--quiet", "--isolated", "--only-group", "release")
"""Runs what only releases need, in an environment of its own."""
_VALIDATE = """
import sys
from pathlib import Path
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text()))
"""
_VENDORED = re.compile(r"^\| \S+ \| (\S+) \| (\d\S*) \| (\S+) \|$", re.MULTILINE)


class Refused(Exception):
    """Why there is no release."""


def run(*command: str | Path, folder: Path = ROOT) -> str:
    """What it says on standard output. Raises Refused where it fails."""
    ended = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode:
        raise Refused(f"`{shlex.join(map(str, command))}` failed")
    return ended.stdout


def refuse_what_is_not_ready(version: str) -> None:
    """Raises Refused: all that can be known before anything is written."""
    try:
        new, now = Version(version), Version(written_version())
    except InvalidVersion as error:
        raise Refused(f"{error}; say 0.2.0, or 0.2.0rc1") from error
    if str(new) != version:
        raise Refused(f"Write the version as {new}")
    if new < now:
        raise Refused(f"{version} is older than {now}")
    if dirty := run("git", "status", "--porcelain"):
        raise Refused(f"There are changes that are not committed:\n{dirty.rstrip()}")
    if run("git", "tag", "--list", f"v{version}"):
        raise Refused(f"There is a tag v{version} already")
    if (ROOT / "dist" / version).exists():
        raise Refused(f"There is a folder dist/{version} already")
    if not _entries(version):
        raise Refused(f"CHANGELOG.md has nothing under “## [Unreleased]” or “## [{version}]”")
    newest = max((ROOT / "src/taskhold/store/migrations/versions").glob("0*.py")).name[:4]
    for kind in ("sqlite.db", "postgresql.sql"):
        if not (EARLIER / f"{newest}-{kind}.gz").exists():
            raise Refused(
                f"No database of schema {newest} is kept for the tests of later versions: "
                "uv run python -m tools.keep_schema"
            )


def written_version() -> str:
    """The one in pyproject.toml. Raises Refused where the package says another."""
    written = {
        found[1]
        for file, pattern in ((PYPROJECT, _PYPROJECT_VERSION), (PACKAGE, _PACKAGE_VERSION))
        if (found := pattern.search(file.read_text("utf-8")))
    }
    if len(written) != 1:
        raise Refused(f"pyproject.toml and the package disagree on the version: {written}")
    return written.pop()


def _heading(version: str) -> re.Pattern[str]:
    return re.compile(
        rf"^## \[(?:Unreleased|{re.escape(version)}\] - unreleased)\]?$", re.MULTILINE
    )


def _entries(version: str) -> str:
    """What the changelog says of this version."""
    _, _, after = _heading(version).sub("\0", CHANGELOG.read_text("utf-8")).partition("\0")
    return after.partition("\n## [")[0].strip()


def write(version: str) -> None:
    """The version, the date, the pinned requirements, the documentation's pages."""
    for file, pattern in ((PYPROJECT, _PYPROJECT_VERSION), (PACKAGE, _PACKAGE_VERSION)):
        text = file.read_text("utf-8")
        found = pattern.search(text)
        assert found
        file.write_text(text[: found.start(1)] + version + text[found.end(1) :], "utf-8")
    heading = f"## [{version}] - {datetime.now(UTC):%Y-%m-%d}"
    CHANGELOG.write_text(_heading(version).sub(heading, CHANGELOG.read_text("utf-8")), "utf-8")
    run(ROOT / "tools/pin.sh")
    run(sys.executable, ROOT / "tools/help_site.py")


def check(command: str) -> None:
    """Raises Refused where it fails."""
    print(f"Checking: {command}", flush=True)
    ended = subprocess.run(command, cwd=ROOT, shell=True, check=False)  # noqa: S602  # the maintainer's own
    if ended.returncode:
        raise Refused(f"A check failed: {command}")


def take_back() -> None:
    """The tree was clean before."""
    run("git", "checkout", "--quiet", "--", ".")
    run("git", "clean", "--quiet", "-d", "--force", "--", "src/taskhold/help_assets")


def commit_and_tag(version: str) -> None:
    """The tag's text is the changelog's."""
    changes = CHANGELOG.read_text("utf-8").partition(f"\n## [{version}]")[2]
    changes = changes.partition("\n## [")[0].partition("\n")[2].strip()
    run("git", "add", "--all", "--", "src/taskhold/help_assets")  # pages that are new
    run("git", "commit", "--quiet", "--all", "--message", f"Taskhold {version}")
    message = f"Taskhold {version}\n\n{changes}"
    run("git", "tag", "--annotate", "--cleanup=verbatim", "--message", message, f"v{version}")


def publishables(version: str) -> list[Path]:
    """Made from the tag alone, in an environment with the pinned versions."""
    target = ROOT / "dist" / version
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run("git", "clone", "--quiet", "--branch", f"v{version}", ROOT, folder / "tagged")
        run("uv", "build", "--quiet", folder=folder / "tagged")
        for built in (folder / "tagged/dist").glob("taskhold-*"):
            shutil.copy(built, target)
        (wheel,) = target.glob("*.whl")
        run("uv", "venv", "--quiet", "--python", sys.executable, folder / "venv")
        install = ("uv", "pip", "install", "--quiet", "--no-deps", "--python", folder / "venv")
        requirements = folder / "tagged/deploy/requirements.txt"
        run(*install, "--require-hashes", "--requirement", requirements)
        run(*install, wheel)
        bill = target / f"taskhold-{version}.cdx.json"
        run(
            *(*OF_RELEASES, "cyclonedx-py", "environment", "--pyproject", PYPROJECT),
            *("--output-reproducible", "--output-format", "JSON", "--output-file", bill),
            folder / "venv/bin/python",
        )
    add_browser_libraries(bill)
    made = sorted(path for path in target.iterdir() if path.name != "SHA256SUMS")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made]
    (target / "SHA256SUMS").write_text("".join(sums))
    return [*made, target / "SHA256SUMS"]


def add_browser_libraries(bill: Path) -> None:
    """Name in an SBOM what is in the package from npm, too."""
    document: dict[str, Any] = json.loads(bill.read_text("utf-8"))
    document["components"] += vendored()
    bill.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    run(*OF_RELEASES, "python", "-c", _VALIDATE, bill)


def vendored() -> Iterator[dict[str, Any]]:
    """What `tools/vendor.py` has brought, as CycloneDX has it."""
    for table in sorted((ROOT / "src/taskhold").rglob("VERSIONS.md")):
        for name, version, licence in _VENDORED.findall(table.read_text("utf-8")):
            address = f"pkg:npm/{name.replace('@', '%40')}@{version}"
            yield {
                "bom-ref": address,
                "type": "library",
                "name": name,
                "version": version,
                "purl": address,
                "licenses": [{"license": {"id": licence}}],
            }


def release(version: str, checks: str, *, dry_run: bool) -> None:
    """All of it. Raises Refused."""
    refuse_what_is_not_ready(version)
    try:
        write(version)
        check(checks)
        if dry_run:
            print(run("git", "diff", "--stat"), end="")
            print(f"Nothing is done: {version} could be released")
            return
        commit_and_tag(version)
    finally:
        take_back()
    for path in publishables(version):
        print(path.relative_to(ROOT))
    print("Look at them, then: git push --follow-tags, and publish them (docs/releasing.md, 4)")


def main() -> NoReturn:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("version")
    parser.add_argument("--dry-run", action="store_true", help="check all, and leave all as it was")
    parser.add_argument("--check", default=".ci/run", help="what has to pass; .ci/run by default")
    given = parser.parse_args()
    try:
        release(given.version, given.check, dry_run=given.dry_run)
    except Refused as refusal:
        sys.exit(f"No release: {refusal}")
    sys.exit()


if __name__ == "__main__":
    main()
