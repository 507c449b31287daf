"""What happened to accounts, for administrators."""
