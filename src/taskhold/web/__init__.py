"""The page: plain modules in `static/`, served as they are, and what they need of the server."""
