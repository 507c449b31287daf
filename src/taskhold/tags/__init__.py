"""Tags: the words that tasks bear."""
