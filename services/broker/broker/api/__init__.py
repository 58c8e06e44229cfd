"""The routes under /api/v1/broker."""
