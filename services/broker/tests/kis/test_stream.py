"""KIS's stream as its emulator speaks it, and frames as we read them: keys, budget, PINGPONG, drift."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio
import websockets
from broker.adapters.drift import Drifts
from broker.adapters.kis import frames
from broker.adapters.kis.frames import Key, Notice, Unreadable
from emulators.kis import stream
from kit.testing.tasks import ended
from websockets.asyncio.client import ClientConnection

from services.broker.tests.builders import an_order
from services.broker.tests.emulated import KINDS, Emulated, emulated

KEY = Key(b"k" * 32, b"i" * 16)


@pytest_asyncio.fixture
async def kis() -> AsyncIterator[Emulated]:
    async with emulated("kis") as running:
        yield running


@pytest_asyncio.fixture
async def line(kis: Emulated) -> AsyncIterator[ClientConnection]:
    async with websockets.connect(kis.socket("/tryitout"), proxy=None) as opened:
        yield opened


async def approval(http: httpx.AsyncClient, appkey: str = "K" * 36) -> str:
    answer = await http.post("/oauth2/Approval", json={"appkey": appkey, "secretkey": "S" * 180})
    return str(answer.json()["approval_key"])


async def asks(line: ClientConnection, approved: str, name: str, key: str, kind: str = "1") -> dict[str, Any]:
    header = {"approval_key": approved, "custtype": "P", "tr_type": kind, "content-type": "utf-8"}
    await line.send(json.dumps({"header": header, "body": {"input": {"tr_id": name, "tr_key": key}}}))
    answer: dict[str, Any] = json.loads(await line.recv())["body"]
    return answer


async def test_a_connection_has_a_budget_of_subscriptions_and_can_give_some_back(
    kis: Emulated, line: ClientConnection
) -> None:
    approved = await approval(kis.http)
    codes = [(await asks(line, approved, "H0STCNT0", f"{number:06d}"))["msg_cd"] for number in range(42)]
    assert codes == ["OPSP0000"] * stream.SUBSCRIPTIONS_MAX + ["OPSP0008"]
    assert (await asks(line, approved, "H0STCNT0", "000000"))["msg_cd"] == "OPSP0002"
    assert (await asks(line, approved, "H0STCNT0", "000000", "2"))["msg_cd"] == "OPSP0001"
    assert (await asks(line, approved, "H0STASP0", "005930"))["msg_cd"] == "OPSP0000"


async def test_an_approval_key_of_nobody_opens_nothing_and_a_key_has_one_connection(
    kis: Emulated, line: ClientConnection
) -> None:
    assert (await asks(line, "made up", "H0STCNT0", "005930"))["msg_cd"] == "OPSP0011"
    assert (await asks(line, await approval(kis.http), "H0STCNI9", "minji"))["output"].keys() == {"iv", "key"}
    async with websockets.connect(kis.socket("/"), proxy=None) as second:
        assert (await asks(second, await approval(kis.http), "H0STCNI9", "minji"))["msg_cd"] == "OPSP8996"


async def test_trades_and_books_are_plain_and_have_as_many_fields_as_kis_lists(
    kis: Emulated, line: ClientConnection
) -> None:
    approved = await approval(kis.http)
    for name in ("H0STCNT0", "H0STASP0"):
        await asks(line, approved, name, "005930")
    kis.quotes(ask="70200")
    assert str(await line.recv()).startswith("0|H0STASP0|"), "a book that moves is no trade"
    kis.house.trade("005930", Decimal(70_100), Decimal(5))
    trade, book = [str(await line.recv()).split("|") for _ in range(2)]
    assert [frame[:3] for frame in (trade, book)] == [["0", "H0STCNT0", "001"], ["0", "H0STASP0", "001"]]
    assert [len(frame[3].split("^")) for frame in (trade, book)] == [46, 59]
    assert book[3].split("^")[3] == "70200"


async def test_a_notice_is_sealed_with_the_key_of_its_subscription(kis: Emulated, line: ClientConnection) -> None:
    output = (await asks(line, await approval(kis.http), "H0STCNI9", "minji"))["output"]
    order = an_order("005930", limit_price="69900")
    answer = await kis.connector().submit(order, order.key)
    frame = str(await line.recv())
    assert "005930" not in frame
    told, width = frames.notices(frame, Key(output["key"].encode(), output["iv"].encode()))
    assert (told, width) == ([Notice("5012345601", "0000000001")], frames.DOMESTIC_NOTICES.fields)
    assert getattr(answer, "broker_order_id", "").endswith("0000000001")
    with pytest.raises(Unreadable):
        frames.notices(frame, KEY)


async def test_a_ping_is_answered_word_for_word(kis: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.05)
    echoed: list[str] = []
    serve = kis.app.state.stream._subscribe
    assert serve is not None
    receive = stream.WebSocket.receive_text

    async def listens(socket: Any) -> str:
        text = await receive(socket)
        if "PINGPONG" in text:
            echoed.append(text)
        return text

    monkeypatch.setattr(stream.WebSocket, "receive_text", listens)
    assert KINDS["kis"].listen is not None
    reports = KINDS["kis"].listen(kis, 600.0).reports()
    hearing = asyncio.ensure_future(anext(reports))
    async with asyncio.timeout(30):
        while not echoed:  # noqa: ASYNC110 - what we wait for is what the other side appends
            await asyncio.sleep(0.02)
    await ended(hearing)
    await reports.aclose()
    assert json.loads(echoed[0])["header"]["tr_id"] == "PINGPONG"


@pytest.mark.requirement("R-27")
async def test_a_frame_that_has_grown_is_read_all_the_same_and_raises_the_alarm(
    kis: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarms = Drifts()  # a process tells of a shape once: another test may have seen this one
    monkeypatch.setattr("broker.adapters.kis.notices.drifts", alarms)
    assert KINDS["kis"].listen is not None
    connector = KINDS["kis"].listen(kis, 600.0)
    reports = connector.reports()
    order = an_order("005930", limit_price="69900")
    answer = await kis.connector().submit(order, order.key)
    kis.known[getattr(answer, "broker_order_id", "")] = order.key
    await asyncio.wait_for(anext(reports), 30)
    asking = asyncio.ensure_future(anext(reports))
    await asyncio.sleep(0.3)
    kis.faults.add("stream", "grown_frame")
    kis.quotes(bid="69800", ask="69900", ask_size="3")
    [report] = await asyncio.wait_for(asking, 30)
    await reports.aclose()
    assert report.news.progress is not None
    assert report.news.progress.quantity == 3
    assert [alarm.fields for alarm in alarms.take()] == [frames.DOMESTIC_NOTICES.fields + 1]


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "1|H0STCNI9|001",
        "1|H0STCNI9|000|x",
        "1|H0STCNI9|one|x",
        "1|H0STCNI9|001|not base64",
        f"1|H0STCNI9|001|{b64encode(b'x' * 16).decode()}",
        f"1|H0STCNI9|001|{b64encode(b'x' * 15).decode()}",
        "0|H0STCNI9|002|a^b^c",
        "0|H0STCNI9|001|a",
    ],
)
def test_what_is_no_notice_is_not_read_as_one(frame: str) -> None:
    with pytest.raises(Unreadable):
        frames.notices(frame, KEY)


@pytest.mark.parametrize("frame", ["{}", "[]", "null", "nonsense", '{"header": 1}', '{"body": {}}'])
def test_what_is_no_answer_is_not_read_as_one(frame: str) -> None:
    with pytest.raises(Unreadable):
        frames.answer(frame)
