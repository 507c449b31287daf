"""nginx and Caddy, each with the configuration that we ship, in front of a server."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.lesson import ROOT

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else "")
CADDY = shutil.which("caddy") or ""
SHIPPED = ROOT / "deploy"
KINDS = ("nginx", "caddy")

_NGINX = """\
daemon off;
{user}
worker_processes 1;
error_log {folder}/nginx-error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{site}
}}
"""
_NGINX_BESIDE_OTHERS = """\
server {{
    listen 443 ssl http2;
    server_name example.org;
    ssl_certificate /etc/letsencrypt/live/tasks.example.org/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/tasks.example.org/privkey.pem;
    gzip on;
    gzip_proxied any;
    gzip_types application/json;
{location}
}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def nginx_configuration(folder: Path, port: int, upstream: int, *, below: str) -> str:
    """What we ship, with the names, ports and files of this machine."""
    if below:
        location = (SHIPPED / "nginx-sub-path.conf").read_text()
        site = _NGINX_BESIDE_OTHERS.format(location=location)
    else:
        site = (SHIPPED / "nginx.conf").read_text()
    site = re.sub(
        r"/etc/letsencrypt/live/tasks.example.org/fullchain.pem", f"{folder}/tls.crt", site
    )
    site = re.sub(r"/etc/letsencrypt/live/tasks.example.org/privkey.pem", f"{folder}/tls.key", site)
    site = site.replace("listen 443", f"listen 127.0.0.1:{port}")
    site = re.sub(r"(?<=server_name )\S+(?=;)", "127.0.0.1", site)
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    # Where root runs the tests, nginx's workers would be another user, who can't read the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    return _NGINX.format(folder=folder, site=site, user=user)


def caddy_configuration(folder: Path, port: int, upstream: int, *, below: str) -> str:
    """The same for Caddy."""
    site = (SHIPPED / ("Caddyfile-sub-path" if below else "Caddyfile")).read_text()
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    head = "{\n\tadmin off\n\tauto_https off\n}\n"
    tls = f"\n\ttls {folder}/tls.crt {folder}/tls.key\n"
    site = re.sub(
        r"^\S*example.org {", f"https://127.0.0.1:{port} {{{tls}", site, flags=re.MULTILINE
    )
    return head + site


@contextmanager
def running(kind: str, folder: Path, port: int, upstream: int, *, below: str) -> Iterator[None]:
    """The proxy, until the block ends; `folder` has its certificate."""
    if kind == "nginx":
        file = folder / "nginx.conf"
        file.write_text(nginx_configuration(folder, port, upstream, below=below))
        command = [NGINX, "-c", str(file), "-p", str(folder), "-e", f"{folder}/nginx-error.log"]
    else:
        file = folder / "Caddyfile"
        file.write_text(caddy_configuration(folder, port, upstream, below=below))
        command = [CADDY, "run", "--config", str(file), "--adapter", "caddyfile"]
    variables = os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=variables, start_new_session=True
        )
    try:
        _wait_for(port, process, folder / f"{kind}.log")
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(log.read_text())
