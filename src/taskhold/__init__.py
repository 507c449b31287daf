"""Taskhold: a task server that keeps what you save."""

from importlib.metadata import version

__version__ = version("taskhold")
