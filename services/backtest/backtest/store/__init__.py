"""What is remembered, and for whom."""
