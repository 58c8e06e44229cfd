"""WebSockets on a real server: who does not authenticate, floods or stalls is closed, and disturbs nobody."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import uvicorn
import websockets
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from kit import websocket as hub
from kit.frames import FrameProtocol, frame
from kit.ids import new_id
from kit.testing.tokens import Tokens
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri


@pytest_asyncio.fixture
async def address(tokens: Tokens) -> AsyncIterator[str]:
    app = FastAPI()

    @app.websocket("/ws")
    async def serve(client: WebSocket) -> None:
        identity = await hub.authenticate(client, tokens.verifier)
        if identity is None:
            return
        queue = hub.ClientQueue(client, bound=50)
        sending = asyncio.create_task(queue.send_forever())
        try:
            while True:
                message = await hub.receive(client)
                for number in range(int(message.get("lossless", 0))):
                    queue.put_json({"n": number})
                for number in range(int(message.get("quotes", 0))):
                    queue.put_json({"quote": number}, key="same")
                for number in range(int(message.get("mixed", 0))):
                    queue.put_json({"quote": number}, key="same")
                    queue.put_json({"n": number})
        except (WebSocketDisconnect, RuntimeError):
            pass
        except ValueError as wrong:
            await hub.close(client, 1008, str(wrong))
        finally:
            sending.cancel()

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws=FrameProtocol))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    yield f"ws://127.0.0.1:{listener.getsockname()[1]}/ws"
    server.should_exit = True
    await task


async def closing_code(client: websockets.ClientConnection) -> int:
    async with asyncio.timeout(15):
        await client.wait_closed()
    assert client.close_code is not None
    return client.close_code


@pytest.mark.requirement("R-34")
@pytest.mark.parametrize(
    "first", ['{"action":"auth","token":"x"}', '{"action":"subscribe"}', "[]", "no json", '{"action":"auth"}']
)
async def test_a_bad_first_message_is_closed_with_4401(address: str, first: str) -> None:
    async with websockets.connect(address) as client:
        await client.send(first)
        assert await closing_code(client) == 4401


@pytest.mark.requirement("R-34")
async def test_silence_is_closed_with_4401(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "AUTH_TIMEOUT_SECONDS", 0.2)
    async with websockets.connect(address) as client:
        assert await closing_code(client) == 4401


async def test_a_token_in_the_subprotocol_opens_as_well(address: str, tokens: Tokens) -> None:
    token = tokens.for_user(new_id())
    async with websockets.connect(address, subprotocols=["bearer", token]) as client:  # type: ignore[list-item]
        assert json.loads(await client.recv())["type"] == "authenticated"
        assert client.subprotocol == "bearer"


async def opened(address: str, tokens: Tokens) -> websockets.ClientConnection:
    client = await websockets.connect(address, max_queue=None)
    await client.send(json.dumps({"action": "auth", "token": tokens.for_user(new_id())}))
    assert json.loads(await client.recv())["type"] == "authenticated"
    return client


@pytest.mark.requirement("R-33")
async def test_quotes_conflate_to_the_newest(address: str, tokens: Tokens) -> None:
    client = await opened(address, tokens)
    await client.send('{"quotes": 500}')
    assert json.loads(await client.recv()) == {"quote": 499}
    await client.close()


@pytest.mark.requirement("R-33")
async def test_what_gathers_arrives_in_order_and_a_newer_quote_takes_the_place_of_the_older(
    address: str, tokens: Tokens
) -> None:
    client = await opened(address, tokens)
    await client.send('{"mixed": 40}')
    arrived = [json.loads(await client.recv()) for _ in range(41)]
    assert arrived == [{"quote": 39}, *({"n": number} for number in range(40))]
    await client.close()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
async def test_a_frame_made_by_hand_is_read_by_somebody_elses_client(length: int) -> None:
    text = "가" * (length // 3) + "x" * (length % 3)
    protocol = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    protocol.receive_data(frame(text))
    [read] = protocol.events_received()
    assert isinstance(read, Frame)
    assert (read.opcode, read.fin, bytes(read.data).decode()) == (Opcode.TEXT, True, text)


async def test_a_server_without_our_protocol_is_told_how_to_be_started() -> None:
    socket = WebSocket({"type": "websocket", "extensions": {}}, receive=None, send=None)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=r"--ws kit\.frames:FrameProtocol"):
        hub.ClientQueue(socket)


@pytest.mark.requirement("R-33")
async def test_who_falls_behind_on_what_may_not_be_dropped_is_closed_with_1013(address: str, tokens: Tokens) -> None:
    client = await opened(address, tokens)
    await client.send('{"lossless": 51}')
    assert await closing_code(client) == 1013


async def test_a_frame_that_is_too_large_is_refused(address: str, tokens: Tokens) -> None:
    client = await opened(address, tokens)
    await client.send(json.dumps({"x": "y" * 70_000}))
    assert await closing_code(client) == 1008
