"""The outside world on loopback: a Bot API, Slack, Discord, webhooks, a push service and Kakao, behind real sockets.

Each speaks its protocol as far as we use it, keeps what it was told, and can be told to misbehave.
"""

import asyncio
import base64
import json
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from services.notification.tests.people import serve

BOT_TOKEN = "1234:bot-of-the-tests"


@dataclass
class Heard:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Outside:
    """What was heard, and what is answered: `answers` first, one for each request to the path, then the good one."""

    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    answers: dict[str, list[Response]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    access_token: str = "access-1"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def at(self, path: str) -> list[Heard]:
        return [each for each in self.heard if each.path == path]

    def next_answers(self, path: str, *answers: Response) -> None:
        self.answers.setdefault(path, []).extend(answers)


@dataclass
class Hanging:
    """A receiver that takes a connection and says nothing until it is let go."""

    url: str = ""
    asked: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def hang(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.release()
        await self.let_go.wait()
        writer.transport.abort()


@asynccontextmanager
async def hanging_receiver() -> AsyncIterator[Hanging]:
    receiver = Hanging()
    async with await asyncio.start_server(receiver.hang, "127.0.0.1", 0) as server:
        receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/never"
        yield receiver
        receiver.let_go.set()


@asynccontextmanager
async def outside_world() -> AsyncIterator[Outside]:
    world = Outside()
    app = FastAPI()

    @app.post("/{path:path}")
    async def _any(path: str, request: Request) -> Response:
        path = f"/{path}"
        world.heard.append(Heard(path, dict(request.headers), await request.body()))
        if world.answers.get(path):
            return world.answers[path].pop(0)
        return await _good(world, path, request)

    async with serve(app) as port:
        world.port = port
        yield world


async def _good(world: Outside, path: str, request: Request) -> Response:
    if path.startswith("/bot"):
        return await _bot(world, path, request)
    if path == "/oauth/token":
        world.access_token = "access-2"
        return JSONResponse({"access_token": world.access_token, "token_type": "bearer", "expires_in": 21_599})
    if path == "/v2/api/talk/memo/default/send":
        known = request.headers.get("authorization") == f"Bearer {world.access_token}"
        no = JSONResponse({"msg": "this access token does not exist", "code": -401}, 401)
        return JSONResponse({"result_code": 0}) if known else no
    return Response("ok", status_code=201 if path.startswith("/push/") else 200)


async def _bot(world: Outside, path: str, request: Request) -> Response:
    if not path.startswith(f"/bot{BOT_TOKEN}/"):
        return refusal(401, "Unauthorized")
    if path.endswith("/getUpdates"):
        after = (await request.json()).get("offset", 0)
        return JSONResponse({"ok": True, "result": [each for each in world.updates if each["update_id"] >= after]})
    return JSONResponse({"ok": True, "result": {"message_id": len(world.heard)}})


def refusal(code: int, description: str, **parameters: Any) -> Response:
    """How the Bot API says no."""
    body = {"ok": False, "error_code": code, "description": description}
    return JSONResponse(body | ({"parameters": parameters} if parameters else {}), code)


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser:
    """A browser with a push subscription: it alone can read what is pushed to it."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, world: Outside) -> dict[str, Any]:
        keys = {"p256dh": text_of(self.public), "auth": text_of(self.auth)}
        return {"endpoint": f"{world.url}/push/1", "keys": keys}

    def reads(self, body: bytes) -> Any:
        """Decrypt as RFC 8188 and RFC 8291 tell the receiver to."""
        salt, (_size, length) = body[:16], struct.unpack("!IB", body[16:21])
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        secret = HKDF(SHA256(), 32, salt=self.auth, info=b"WebPush: info\0" + self.public + theirs).derive(shared)
        key = HKDF(SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\0").derive(secret)
        padded = AESGCM(key).decrypt(nonce, sealed, None)
        text, mark, _padding = padded.rpartition(b"\x02")
        assert mark, "the last record ends with 2"
        return json.loads(text)


def vapid_of(heard: Heard, world: Outside) -> dict[str, Any]:
    """Verify who pushed, as a push service does: by the key that came along."""
    scheme, _, rest = heard.headers["authorization"].partition(" ")
    assert scheme == "vapid"
    parts = dict(each.strip().split("=", 1) for each in rest.split(","))
    point = base64.urlsafe_b64decode(parts["k"] + "=" * (-len(parts["k"]) % 4))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    return {"k": parts["k"], **jwt.decode(parts["t"], key, ["ES256"], audience=world.url)}
