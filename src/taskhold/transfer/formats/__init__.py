"""The formats: each reads lines into items, and writes what an export gives."""
