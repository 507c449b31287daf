#!/usr/bin/env bash
# Install the wheel alone in an environment of its own, with what is pinned for the image, and use it
# in an empty folder.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT

uv build --quiet --wheel --out-dir "$folder/dist"
uv venv --quiet "$folder/venv"
uv pip install --quiet --python "$folder/venv" --require-hashes --no-deps -r deploy/requirements.txt
uv pip install --quiet --python "$folder/venv" --no-deps "$folder"/dist/*.whl
uv pip check --quiet --python "$folder/venv"

mkdir "$folder/empty"
cd "$folder/empty"
"$folder/venv/bin/taskhold" serve --port 0 >line 2>log &
server=$!
for _ in $(seq 200); do
    url=$(sed -n 's/.*open \(http:[^ ]*\) .*/\1/p' line)
    [ -z "$url" ] || break
    sleep 0.1
done
[ -n "$url" ] || { cat log; exit 1; }
"$folder/venv/bin/python" "$here/tools/try_server.py" "$url"
kill "$server"
wait "$server"
server=
ls "$folder/empty"
