"""What we ask other services, with a deadline and never inside a transaction."""
