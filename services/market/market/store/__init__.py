"""What market remembers: rows in PostgreSQL, the latest quotes in Redis."""
