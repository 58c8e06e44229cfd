"""What the broker service does, one file each."""
