"""What market decides without a database: sessions, and how a day becomes a stream of quotes."""
