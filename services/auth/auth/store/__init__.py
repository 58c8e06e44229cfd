"""What auth remembers."""
