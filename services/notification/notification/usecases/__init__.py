"""What notification does, one file for each."""
