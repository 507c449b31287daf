#!/usr/bin/env bash
# Renew docs/pictures: what the tests of the page see, in light.
set -euo pipefail
cd "$(dirname "$0")/.."
uv run pytest -n 0 tests/page/test_looks.py -k every_view
for name in today details palette; do
    cp "build/pictures/$name-desk-light.png" "docs/pictures/$name.png"
done
cp build/pictures/today-phone-light.png docs/pictures/phone.png
