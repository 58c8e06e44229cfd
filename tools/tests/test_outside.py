"""The world outside, as the demo has it: it takes what its originals take, and refuses what they refuse."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage

import httpx
import pytest
import pytest_asyncio
from kit.testing.serving import free_port, serving

from tools.native import outsiders, services
from tools.native.layout import Layout, settle
from tools.native.ports import Ports
from tools.outside import everybody

BOT = f"/bot{outsiders.BOT_TOKEN}"


@pytest.fixture
def mail_port(monkeypatch: pytest.MonkeyPatch) -> int:
    port = free_port()
    monkeypatch.setenv(outsiders.MAIL_PORT_VARIABLE, str(port))
    return port


@pytest_asyncio.fixture
async def outside(mail_port: int) -> AsyncIterator[httpx.AsyncClient]:
    assert mail_port
    async with serving(everybody()) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        yield client


async def heard(outside: httpx.AsyncClient, channel: str, to: str) -> list[str]:
    told = await outside.get("/_outside/heard", params={"channel": channel, "to": to})
    return [each["text"] for each in told.json()]


async def test_a_mail_is_heard_where_it_was_sent_to_and_nowhere_else(
    outside: httpx.AsyncClient, mail_port: int
) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "exodus@localhost", "haneul@example.com", "체결"
    mail.set_content("Bought 10\nat 56,000\n")

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", mail_port, timeout=60) as client:
            client.send_message(mail)

    await asyncio.to_thread(send)
    assert await heard(outside, "email", "haneul@example.com") == ["체결\nBought 10\nat 56,000"]
    assert await heard(outside, "email", "minji@example.com") == []


async def test_the_bot_hears_people_once_and_writes_only_to_those_who_wrote_first(outside: httpx.AsyncClient) -> None:
    message = {"chat_id": 7, "text": "hello"}
    refused = await outside.post(f"{BOT}/sendMessage", json=message)
    assert (refused.status_code, refused.json()["description"]) == (400, "Bad Request: chat not found")
    (await outside.post("/_outside/says", json={"chat": 7, "text": "/start"})).raise_for_status()
    (update,) = (await outside.post(f"{BOT}/getUpdates", json={"offset": 0, "timeout": 30})).json()["result"]
    assert (update["message"]["text"], update["message"]["chat"]) == ("/start", {"id": 7, "type": "private"})
    confirmed = {"offset": update["update_id"] + 1, "timeout": 0}
    assert (await outside.post(f"{BOT}/getUpdates", json=confirmed)).json() == {"ok": True, "result": []}
    assert (await outside.post(f"{BOT}/sendMessage", json=message)).json()["ok"] is True
    assert await heard(outside, "telegram", "7") == ["hello"]
    assert (await outside.post("/bot1:wrong/getUpdates", json={})).status_code == 401


async def test_what_people_write_after_a_restart_is_newer_than_all_before_it(mail_port: int) -> None:
    assert mail_port
    numbers = []
    for _ in range(2):
        async with serving(everybody()) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
            (await client.post("/_outside/says", json={"chat": 7, "text": "/status"})).raise_for_status()
            (update,) = (await client.post(f"{BOT}/getUpdates", json={"timeout": 0})).json()["result"]
            numbers.append(update["update_id"])
        await asyncio.sleep(1)  # nobody restarts it faster
    assert numbers[0] < numbers[1]


async def test_a_memo_needs_the_token_of_somebody_who_consented_and_reaches_them_alone(
    outside: httpx.AsyncClient,
) -> None:
    memo = {"template_object": '{"object_type":"text","text":"체결","link":{}}'}
    sent = "/v2/api/talk/memo/default/send"
    assert (await outside.post(sent, data=memo, headers={"Authorization": "Bearer none"})).status_code == 401
    grant = {"grant_type": "authorization_code", "code": "haneul"}
    tokens = (await outside.post("/oauth/token", data=grant)).json()
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    renewed = (await outside.post("/oauth/token", data=again)).json()
    for token in (tokens["access_token"], renewed["access_token"]):
        answer = await outside.post(sent, data=memo, headers={"Authorization": f"Bearer {token}"})
        assert answer.json() == {"result_code": 0}
    assert await heard(outside, "kakao", "haneul") == ["체결", "체결"]
    forged = {"grant_type": "refresh_token", "refresh_token": "forged"}
    assert (await outside.post("/oauth/token", data=forged)).status_code == 400


def test_only_a_platform_that_asked_for_them_sends_there(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Layout(settle(tmp_path_factory.mktemp("stack")), Ports(base=38000))
    monkeypatch.delenv("EXODUS_OUTSIDE", raising=False)
    assert outsiders.programs(stack) == []
    assert not {"NOTIFICATION_SMTP_HOST", "NOTIFICATION_TELEGRAM_TOKEN"} & set(
        services.environment(stack, "notification")
    )
    monkeypatch.setenv("EXODUS_OUTSIDE", "1")
    assert [program.name for program in outsiders.programs(stack)] == ["outside"]
    told = services.environment(stack, "notification")
    assert told["NOTIFICATION_TELEGRAM_API_URL"] == told["NOTIFICATION_KAKAO_API_URL"] == outsiders.address(stack)
    assert told["NOTIFICATION_ENVIRONMENT"] == "development"
    assert not any(name.startswith("NOTIFICATION_SMTP") for name in services.environment(stack, "trading"))
