"""Logging in with a password, and staying logged in."""
