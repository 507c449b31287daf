"""The journal: one row for each change of a task, written with it."""
