"""`python -m tools.release`, in a clone: what it makes, and what it refuses."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.lesson import ROOT

pytestmark = [pytest.mark.database("sqlite"), pytest.mark.timeout(600)]

Release = Callable[..., "subprocess.CompletedProcess[str]"]
US = {
    f"GIT_{who}_{what}": "a@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
NEWER = "0.99.0"
MINUTES = "it installs and builds: .ci/run runs it, with --long"


def git(folder: Path, *words: str) -> str:
    command = ["git", *words]
    ended = subprocess.run(
        command, cwd=folder, env=os.environ | US, capture_output=True, text=True, check=True
    )
    return ended.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with what is here, committed."""
    folder = tmp_path / "clone"
    git(ROOT, "clone", "--quiet", str(ROOT), str(folder))
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, listed):
        (folder / name).unlink(missing_ok=True)
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    changelog = folder / "CHANGELOG.md"
    head, _, rest = changelog.read_text().partition("\n## [")
    changelog.write_text(f"{head}\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n## [{rest}")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "As it is here")
    return folder


@pytest.fixture
def release(clone: Path) -> Release:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "tools.release", *words],
            cwd=clone,
            env=os.environ | US,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def state(clone: Path) -> tuple[str, str, str]:
    return git(clone, "rev-parse", "HEAD"), git(clone, "status", "--porcelain"), git(clone, "tag")


def test_a_release_is_a_commit_a_tag_and_what_is_published(
    clone: Path, release: Release, long: bool
) -> None:
    if not long:
        pytest.skip(MINUTES)
    before = git(clone, "rev-parse", "HEAD")
    ended = release(NEWER, "--check", "grep -q 0.99.0 pyproject.toml src/taskhold/__init__.py")
    assert ended.returncode == 0, ended.stderr
    assert git(clone, "rev-parse", f"v{NEWER}^{{commit}}~1") == before
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "cat-file", "-t", f"v{NEWER}") == "tag\n"
    assert "- A thing." in git(clone, "tag", "--list", "--format=%(contents)", f"v{NEWER}")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert f"\n## [{NEWER}] - {today}\n" in (clone / "CHANGELOG.md").read_text()
    assert f"<span>{NEWER}</span>" in (clone / "src/taskhold/help_assets/index.html").read_text()

    made = {path.name: path for path in (clone / "dist" / NEWER).iterdir()}
    wheel = made.pop(f"taskhold-{NEWER}-py3-none-any.whl")
    source = made.pop(f"taskhold-{NEWER}.tar.gz")
    bill = made.pop(f"taskhold-{NEWER}.cdx.json")
    sums = made.pop("SHA256SUMS").read_text().splitlines()
    assert not made
    assert sums == [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"
        for path in sorted((wheel, bill, source), key=lambda path: path.name)
    ]
    names = zipfile.ZipFile(wheel).namelist()
    assert "taskhold/help_assets/index.html" in names
    assert f"taskhold-{NEWER}.dist-info/METADATA" in names
    with tarfile.open(source) as archive:
        assert f"taskhold-{NEWER}/pyproject.toml" in archive.getnames()
    document = json.loads(bill.read_text())
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "taskhold"
    assert document["metadata"]["component"]["version"] == NEWER
    components = {each["name"]: each for each in document["components"]}
    assert {"sqlmodel", "uvicorn", "preact", "swagger-ui-dist"} <= set(components)
    assert "pytest" not in components
    assert components["sqlmodel"]["purl"].startswith("pkg:pypi/sqlmodel@")
    assert components["preact"]["licenses"] == [{"license": {"id": "MIT"}}]

    again = release(NEWER, "--check", "true")
    assert f"There is a tag v{NEWER} already" in again.stderr


def test_a_dry_run_leaves_all_as_it_was(clone: Path, release: Release, long: bool) -> None:
    if not long:
        pytest.skip(MINUTES)
    before = state(clone)
    ended = release(NEWER, "--dry-run", "--check", "true")
    assert ended.returncode == 0, ended.stderr
    assert "pyproject.toml" in ended.stdout
    assert ended.stdout.endswith(f"Nothing is done: {NEWER} could be released\n")
    assert state(clone) == before
    assert not (clone / "dist").exists()


def test_a_failing_check_leaves_all_as_it_was(clone: Path, release: Release, long: bool) -> None:
    if not long:
        pytest.skip(MINUTES)
    before = state(clone)
    ended = release(NEWER, "--check", "false")
    assert (ended.returncode, ended.stderr) == (1, "No release: A check failed: false\n")
    assert state(clone) == before


def test_what_is_not_ready_is_refused(clone: Path, release: Release) -> None:
    before = state(clone)

    def refusal(*words: str) -> str:
        ended = release(*words, "--check", "true")
        assert ended.returncode == 1
        return ended.stderr

    assert "0.0.1 is older than" in refusal("0.0.1")
    assert "say 0.2.0" in refusal("next")
    assert "Write the version as 0.99.0rc1" in refusal("0.99.0-rc.1")
    assert state(clone) == before

    (clone / "README.md").write_text("changed")
    assert "not committed:\n M README.md" in refusal(NEWER)
    git(clone, "checkout", "--", "README.md")
    (clone / "forgotten.py").touch()
    assert "?? forgotten.py" in refusal(NEWER)
    (clone / "forgotten.py").unlink()

    git(clone, "rm", "--quiet", "-r", "tests/store/earlier")
    git(clone, "commit", "--quiet", "--message", "No databases")
    assert "uv run python -m tools.keep_schema" in refusal(NEWER)
    git(clone, "reset", "--quiet", "--hard", "HEAD~1")

    changelog = clone / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("### Added\n\n- A thing.\n", ""))
    git(clone, "commit", "--quiet", "--all", "--message", "Nothing to tell")
    assert "CHANGELOG.md has nothing" in refusal(NEWER)

    package = clone / "src/taskhold/__init__.py"
    package.write_text(package.read_text().replace('"0.', '"1.'))
    git(clone, "commit", "--quiet", "--all", "--message", "Another version")
    assert "disagree on the version" in refusal(NEWER)
