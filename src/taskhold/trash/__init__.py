"""The trash: what was deleted and can come back."""
