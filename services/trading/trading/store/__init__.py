"""What is remembered: Postgres tables, read and written for one owner at a time."""
