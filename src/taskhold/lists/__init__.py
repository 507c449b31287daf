"""Lists, which tasks can be put in."""
