"""Gives the tests their servers: those in the environment, or a disposable set started when a test needs it."""

import os

import pytest

from tools.stack import ensure_test_servers

# The fixtures of kit.testing that speak to a server; every other fixture that needs one asks for one of these.
SERVER_FIXTURES = {"postgres_server", "redis_url", "amqp_url"}
SERVER_VARIABLES = ("EXODUS_TEST_POSTGRES", "EXODUS_TEST_REDIS", "EXODUS_TEST_AMQP")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts the servers (or finds them running) before the first test, unless no collected test needs any."""
    if session.config.option.collectonly or all(name in os.environ for name in SERVER_VARIABLES):
        return
    if any(SERVER_FIXTURES & set(getattr(item, "fixturenames", ())) for item in session.items):
        for name, value in ensure_test_servers().items():
            os.environ.setdefault(name, value)
