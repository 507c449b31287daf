"""Undo, by the journal."""
