"""Use a fresh server once: `python tools/try_server.py URL`. The page, the documents, a task."""

import json
import re
import sys
from urllib.parse import urljoin
from urllib.request import Request, urlopen


def get(url: str) -> str:
    """What is there. Raises HTTPError for what isn't."""
    with urlopen(url, timeout=20) as answer:
        text: str = answer.read().decode()
    return text


def main(url: str) -> None:
    """Raises what goes wrong."""
    page = get(f"{url}/")
    for path in re.findall(r'(?:src|href)="(static/[^"]+\.(?:js|css|svg))"', page):
        assert get(f"{url}/{path}")
    for path in re.findall(r'(?:src|href)="(docs-assets/[^"]+\.(?:js|css))"', get(f"{url}/docs")):
        assert get(f"{url}/{path}")
    for path in re.findall(r'(?:src|href)="([^":#]+)', get(f"{url}/help/")):
        assert get(urljoin(f"{url}/help/", path))
    body = json.dumps({"title": "from the wheel"}).encode()
    with urlopen(Request(f"{url}/tasks", body, {"Content-Type": "application/json"})) as answer:
        assert answer.status == 201
    (task,) = json.loads(get(f"{url}/tasks"))
    assert task["title"] == "from the wheel"
    print(f"{url} has a page, documents, help and task {task['id']}")


if __name__ == "__main__":
    main(sys.argv[1])
