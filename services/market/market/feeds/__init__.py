"""Where prices come from: files now; every source turns its own shape into the same rows."""
