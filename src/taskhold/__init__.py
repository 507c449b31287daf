"""Taskhold: a task server that keeps what you save."""

__version__ = "0.1.0"
