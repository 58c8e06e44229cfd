"""auth's OpenAPI against auth: schemathesis makes requests by the document, ten times with a fixed seed each.

Each operation is asked by somebody of its own, who has just logged in, from an address of its own: what one operation
ends or makes wait is not another's trouble.
"""

import asyncio
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from auth.app import create_app
from auth.config import Settings
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as how
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from services.auth.tests.people import PASSWORD

SEEDS = range(10)
EXAMPLES = 2
START_SECONDS_MAX = 60
ANSWER_SECONDS_MAX = 60
"""A machine that does other things meanwhile is no finding."""
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
NOT_SAID_BY_A_SCHEMA = [positive_data_acceptance]
"""A password of the right form may be weak, a code of the right form wrong: a documented refusal, not a finding."""


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """auth behind a real socket, its loop in a thread: schemathesis waits for answers in this one."""
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, forwarded_allow_ips="*"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        for _ in range(START_SECONDS_MAX * 100):
            if server.started:
                break
            thread.join(0.01)
        assert server.started, "auth did not start"
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def somebody(url: str, number: int) -> dict[str, str]:
    """Register and log in from an address of one's own; return the headers to ask with."""
    place = {"X-Forwarded-For": f"198.18.0.{number}"}
    credentials = {"email": f"tester-{number}@example.com", "password": PASSWORD}
    with httpx.Client(base_url=url, headers=place) as http:
        http.post("/api/v1/auth/register", json=credentials | {"name": "a tester"}).raise_for_status()
        tokens = http.post("/api/v1/auth/login", json=credentials).raise_for_status().json()
    return place | {"Authorization": f"Bearer {tokens['access_token']}"}


def findings(operation: Any, headers: dict[str, str]) -> Iterator[str]:
    """Ask with each seed; yield what schemathesis finds wrong, in its words."""
    strategies = [operation.as_strategy(generation_mode=mode) for mode in MODES]
    for number in SEEDS:

        @seed(number)
        @how(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategies[number % 2])
        def ask(case: Case) -> None:
            case.call_and_validate(headers=headers, excluded_checks=NOT_SAID_BY_A_SCHEMA, timeout=ANSWER_SECONDS_MAX)

        try:
            with suppress(Unsatisfiable):  # an operation that takes no input can be given no wrong one
                ask()
        except BaseExceptionGroup as wrong:
            yield f"{operation.label}, seed {number}: {''.join(traceback.format_exception(wrong))}"


@pytest.mark.requirement("R-35")
@pytest.mark.timeout(400)
def test_every_answer_is_as_the_document_says(settings: Settings) -> None:
    with served(settings) as url:
        schema = schemathesis.openapi.from_url(f"{url}/api/v1/auth/openapi.json")
        found: list[str] = []
        for number, operation in enumerate(schema.get_all_operations(), 1):
            found += findings(operation.ok(), somebody(url, number))
    assert not found, "\n\n".join(found)
