#!/usr/bin/env bash
# Install what the tests of the page drive: Debian's Chromium.
set -euo pipefail
if command -v chromium >/dev/null; then
    exit 0
fi
as_root=$([ "$(id -u)" = 0 ] || echo sudo)
$as_root apt-get update --quiet
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends \
    chromium fonts-dejavu-core fonts-noto-color-emoji
