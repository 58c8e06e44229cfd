"""Alembic's scripts, shared by all services: only the version files differ."""
