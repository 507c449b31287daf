"""The formats: each reads lines into items, and writes what an export gives."""

from enum import StrEnum


class Format(StrEnum):
    """What is written."""

    jsonl = "jsonl"
    csv = "csv"
    todotxt = "todotxt"
    ics = "ics"


class Source(StrEnum):
    """What is read."""

    jsonl = "jsonl"
    csv = "csv"
    todotxt = "todotxt"
    ics = "ics"
    todoist = "todoist"
