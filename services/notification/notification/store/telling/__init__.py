"""Telling many owners at once."""
