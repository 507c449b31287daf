"""The files in `deploy/` pass the tools that are made for them, and fit what the package says."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from taskhold.settings import PREFIX, Settings
from tests.deploy.proxies import (
    CADDY,
    NGINX,
    SHIPPED,
    caddy_configuration,
    nginx_configuration,
)
from tests.support.lesson import ROOT
from tests.support.tls import make_certificate

pytestmark = pytest.mark.database("sqlite")
needs_proxies = pytest.mark.skipif(
    not (NGINX and CADDY), reason="NO PROXIES: install nginx and Caddy with: tools/programs.sh"
)
SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 1.5
"""On the scale of `systemd-analyze security`, from 0 to 10; below 2 it says OK."""


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("path", ["deploy", "docs/scale", "docs/scale/patroni"])
def test_hadolint_finds_nothing_in_the_images(path: str) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    # DL3008: Debian keeps no old versions of a package that one could pin.
    linted = run(str(hadolint), "--no-color", "--ignore", "DL3008", str(ROOT / path / "Dockerfile"))
    assert linted.returncode == 0, linted.stdout


@pytest.mark.skipif(SYSTEMD_ANALYZE is None, reason="NO SYSTEMD: systemd-analyze is not here")
def test_the_unit_is_in_a_tight_sandbox(tmp_path: Path) -> None:
    assert SYSTEMD_ANALYZE is not None
    unit = tmp_path / "taskhold.service"
    text = (SHIPPED / "taskhold.service").read_text()
    unit.write_text(text.replace("/opt/taskhold/bin/taskhold", sys.executable))
    found = run(SYSTEMD_ANALYZE, "security", "--offline=true", "--no-pager", str(unit))
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", found.stdout)
    assert exposure, found.stderr
    assert float(exposure[1]) <= MOST_EXPOSED
    verified = run(SYSTEMD_ANALYZE, "verify", str(unit))
    assert "taskhold.service" not in verified.stderr, verified.stderr


@needs_proxies
@pytest.mark.parametrize("below", ["", "/todo"])
def test_nginx_and_caddy_take_their_configurations(tmp_path: Path, below: str) -> None:
    make_certificate(tmp_path, "tls")
    nginx, caddy = tmp_path / "nginx.conf", tmp_path / "Caddyfile"
    nginx.write_text(nginx_configuration(tmp_path, 8443, 8000, below=below))
    caddy.write_text(caddy_configuration(tmp_path, 8443, 8000, below=below))
    checked = run(NGINX, "-t", "-c", str(nginx), "-p", str(tmp_path), "-e", f"{tmp_path}/log")
    assert checked.returncode == 0, checked.stderr
    checked = run(CADDY, "validate", "--config", str(caddy), "--adapter", "caddyfile")
    assert checked.returncode == 0, checked.stderr
    for name in ("Caddyfile", "Caddyfile-sub-path"):
        formatted = run(CADDY, "fmt", str(SHIPPED / name))
        assert formatted.stdout == (SHIPPED / name).read_text()


def test_the_compose_file_sets_what_is_a_setting_and_holds_no_password() -> None:
    text = (SHIPPED / "compose.yaml").read_text()
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    for name in services["taskhold"]["environment"]:
        assert name.removeprefix(PREFIX).lower() in Settings.model_fields
    assert not re.search(r"PASSWORD: (?!\$\{)", text)
    build = services["taskhold"]["build"]
    assert (SHIPPED / build["context"] / build["dockerfile"]).is_file()


def test_the_pinned_requirements_are_those_of_the_package() -> None:
    """`tools/pin.sh` renews them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pinned = {}
    for name in ("requirements.txt", "requirements-build.txt"):
        text = (SHIPPED / name).read_text()
        assert "://" not in text
        for entry in re.split(r"\n(?=\S)", text.strip()):
            line = entry.partition(" \\")[0]
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), line
            requirement = Requirement(line)
            (version,) = requirement.specifier
            pinned[canonicalize_name(requirement.name)] = Version(version.version)
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for requirement in map(Requirement, wanted):
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_the_wheel_holds_the_page_the_documents_and_the_migrations(tmp_path: Path) -> None:
    built = run("uv", "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(ROOT))
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "src" / "taskhold"
    wanted = {
        f"taskhold/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= held
    assert not {name for name in held if name.startswith(("tests/", "bench/"))}
