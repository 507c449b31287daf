#!/usr/bin/env bash
# Renew deploy/requirements*.txt: what the image installs, each file pinned by its hash.
# They hold no address: pip takes the files from wherever it is set up to.
set -euo pipefail
cd "$(dirname "$0")/.."
uv lock --quiet --upgrade
uv export --quiet --no-dev --no-emit-project --no-header --no-annotate \
    --output-file deploy/requirements.txt >/dev/null
sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml |
    uv pip compile --quiet --generate-hashes --no-header --no-annotate --universal \
        --output-file deploy/requirements-build.txt - >/dev/null
