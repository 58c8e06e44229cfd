"""What can be done, one file each: lock, decide, save, record."""
