"""These tests share a database."""

from services.broker.tests.one_database import fresh

__all__ = ["fresh"]
