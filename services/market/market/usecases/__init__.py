"""What market is asked to do, one file each."""
