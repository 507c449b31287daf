#!/usr/bin/env bash
# Install the programs that tests drive, and that are in no wheel: Debian's Chromium, nginx and Caddy.
set -euo pipefail
missing=()
for package in chromium-headless-shell nginx caddy; do
    PATH=$PATH:/usr/sbin command -v "$package" >/dev/null || missing+=("$package")
done
if [ ${#missing[@]} = 0 ]; then
    exit 0
fi
as_root=$([ "$(id -u)" = 0 ] || echo sudo)
# Installed, not started: each test starts its own.
$as_root apt-get update --quiet
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install --quiet --yes \
    --no-install-recommends fonts-dejavu-core fonts-noto-color-emoji "${missing[@]}"
