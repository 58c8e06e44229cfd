"""What KIS's gate says to a key: a token too soon is waited for, an old one is replaced, a block is something else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response
from market.providers.caller import Caller
from market.providers.kis_calls import KisCalls
from market.providers.port import Blocked, Limited, NotAllowed, ProviderError

AT = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
TOKEN = {"access_token": "a-token", "expires_in": 86_400}


class Gate:
    """KIS's gate: what it answers next to whoever asks for a token, and to whoever asks for a chart."""

    def __init__(self) -> None:
        self.tokens: list[Response] = []
        self.charts: list[Response] = []
        self.issued = 0

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/oauth2/tokenP")
        async def token() -> Response:
            self.issued += 1
            return self.tokens.pop(0) if self.tokens else JSONResponse(TOKEN)

        @app.get("/uapi/domestic-stock/v1/chart")
        async def chart() -> Response:
            return self.charts.pop(0) if self.charts else JSONResponse({"rt_cd": "0"})

        return app


def refused(status: int, **said: str) -> Response:
    return JSONResponse(said, status)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest_asyncio.fixture
async def calls(gate: Gate, served: Any) -> AsyncIterator[KisCalls]:
    async def sleep(_: float) -> None:
        return

    async with served(gate.app()) as host:
        caller = Caller(f"http://{host}", 0.0, sleep=sleep)
        yield KisCalls(caller, "key", "secret", lambda: AT, sleep)
        await caller.close()


@pytest.mark.parametrize(
    ("answer", "failure", "said"),
    [
        (refused(403, error_code="EGW00133", error_description="1분당 1회"), Limited, "EGW00133"),
        (refused(403, error_code="EGW00103", error_description="유효하지 않은 AppKey"), NotAllowed, "check the key"),
        (refused(403, error_code="EGW00105", error_description="유효하지 않은 AppSecret"), NotAllowed, "check the key"),
        (HTMLResponse("<html>Forbidden</html>", 403), Blocked, "shut out"),
    ],
)
async def test_a_token_that_is_refused_says_why_and_only_a_page_is_a_block(
    gate: Gate, calls: KisCalls, answer: Response, failure: type[ProviderError], said: str
) -> None:
    gate.tokens.append(answer)
    with pytest.raises(failure, match=said):
        await calls.ask("chart", "X", {})
    assert await calls.ask("chart", "X", {}) == {"rt_cd": "0"}, "the next one is asked for, and is there"


async def test_a_key_without_the_permission_is_for_a_person_to_mend(gate: Gate, calls: KisCalls) -> None:
    gate.charts.append(refused(403, rt_cd="1", msg_cd="EGW00206", msg1="API 사용 권한이 없습니다."))
    with pytest.raises(NotAllowed, match="EGW00206"):
        await calls.ask("chart", "X", {})


@pytest.mark.parametrize("status", [403, 500])
async def test_a_token_that_ended_early_is_replaced_once_and_the_question_asked_again(
    gate: Gate, calls: KisCalls, status: int
) -> None:
    gate.charts.append(refused(status, rt_cd="1", msg_cd="EGW00123", msg1="기간이 만료된 token 입니다."))
    assert await calls.ask("chart", "X", {}) == {"rt_cd": "0"}
    assert gate.issued == 2
