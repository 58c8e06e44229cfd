"""One database for all tests of a module, where each keeps to its own symbol and owner: making one takes a while."""

import asyncio
from collections.abc import Iterator

import pytest
from kit.testing import databases
from kit.testing.databases import TestDatabase


@pytest.fixture(scope="module")
def fresh(postgres_server: str, service: str, template: str) -> Iterator[TestDatabase]:
    database = asyncio.run(databases.create(postgres_server, service, template))
    yield database
    asyncio.run(databases.drop(postgres_server, database))
