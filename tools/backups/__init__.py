"""Backups: taken whole, sealed, proved by restoring them, and restored into quarantine."""
