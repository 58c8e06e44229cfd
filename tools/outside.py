"""The world outside, on loopback: a mail server, a Telegram Bot API and KakaoTalk, for the demo and its test.

Run by `make demo` (tools/native/outsiders.py) as `uvicorn tools.outside:everybody --factory`, with the mail server on
the port of EXODUS_OUTSIDE_MAIL_PORT. Each speaks its protocol as far as the platform uses it, and refuses what its
original would refuse. /_outside/heard tells what reached whom; by /_outside/says people write to the bot. Nothing is
kept on disk.
"""

import asyncio
import json
import os
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Annotated, Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI, Form, Header, Request
from fastapi.responses import JSONResponse, Response

from tools.native.outsiders import BOT_TOKEN, MAIL_PORT_VARIABLE

KEPT_MAX: Final = 10_000
POLL_SECONDS_MAX: Final = 50
TOKEN_SECONDS: Final = 21_599
MEMO_TEXT_MAX: Final = 200
BODY_BYTES_MAX: Final = 1 << 20

Json = dict[str, Any]


@dataclass
class World:
    """What was said where: `to` is an address, a chat, or who consented at KakaoTalk; `id` is a mail's."""

    heard: deque[Json] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    updates: deque[Json] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    chats: set[int] = field(default_factory=set)
    consents: dict[str, str] = field(default_factory=dict)
    written: asyncio.Event = field(default_factory=asyncio.Event)
    last_update: int = field(default_factory=lambda: int(time.time()))
    """Numbers grow over restarts: the platform remembers up to which it has read."""

    def hears(self, channel: str, to: str, text: str, sent_id: str | None = None) -> None:
        self.heard.append({"channel": channel, "to": to, "text": text, "id": sent_id})

    def says(self, chat: int, text: str) -> None:
        """Let a person write to the bot, in the chat of the two alone."""
        self.last_update += 1
        self.chats.add(chat)
        message = {
            "message_id": self.last_update,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private"},
            "from": {"id": chat, "is_bot": False, "first_name": "Somebody"},
            "text": text,
        }
        self.updates.append({"update_id": self.last_update, "message": message})
        self.written.set()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail."""
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        for to in envelope.rcpt_tos:
            text = f"{mail['Subject']}\n{mail.get_content()}".replace("\r\n", "\n")  # lines as on the wire
            self.hears("email", to, text.strip(), mail["Message-ID"])
        return "250 taken"


def everybody() -> FastAPI:
    """Build the servers for uvicorn."""
    world = World()

    @asynccontextmanager
    async def with_mail(_app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        port = int(os.environ[MAIL_PORT_VARIABLE])
        async with await loop.create_server(lambda: SMTP(world, hostname="localhost", loop=loop), "127.0.0.1", port):
            yield

    app = FastAPI(title="outside", lifespan=with_mail)
    _admin(app, world)
    _telegram(app, world)
    _kakao(app, world)
    return app


def _admin(app: FastAPI, world: World) -> None:
    @app.get("/_outside/ready")
    async def _ready() -> Json:
        return {"ready": True}

    @app.get("/_outside/heard")
    async def _heard(channel: str, to: str) -> list[Json]:
        return [each for each in world.heard if (each["channel"], each["to"]) == (channel, to)]

    @app.post("/_outside/says")
    async def _says(request: Request) -> Json:
        said = await request.json()
        world.says(int(said["chat"]), str(said["text"]))
        return {}


def _telegram(app: FastAPI, world: World) -> None:
    """The Bot API: https://core.telegram.org/bots/api, getUpdates and sendMessage."""

    @app.post("/bot{token}/{method}")
    async def _bot(token: str, method: str, request: Request) -> Response:
        if not secrets.compare_digest(token, BOT_TOKEN):
            return _no(401, "Unauthorized")
        asked = json.loads(await request.body())
        if method == "getUpdates":
            return JSONResponse({"ok": True, "result": await _updates(world, asked)})
        if method != "sendMessage":
            return _no(404, "Not Found")
        chat, text = int(asked["chat_id"]), str(asked.get("text", ""))
        if chat not in world.chats:
            return _no(400, "Bad Request: chat not found")
        if not text:
            return _no(400, "Bad Request: message text is empty")
        world.hears("telegram", str(chat), text)
        return JSONResponse({"ok": True, "result": {"message_id": len(world.heard), "chat": {"id": chat}}})


async def _updates(world: World, asked: Json) -> list[Json]:
    """Forget what the offset confirms, and wait for something new as long as was asked."""
    offset, seconds = int(asked.get("offset", 0)), min(int(asked.get("timeout", 0)), POLL_SECONDS_MAX)
    while world.updates and world.updates[0]["update_id"] < offset:
        world.updates.popleft()
    if not world.updates:
        world.written.clear()
        try:
            await asyncio.wait_for(world.written.wait(), seconds)
        except TimeoutError:
            return []
    return list(world.updates)[:100]


def _no(code: int, description: str) -> Response:
    return JSONResponse({"ok": False, "error_code": code, "description": description}, code)


def _kakao(app: FastAPI, world: World) -> None:
    """KakaoTalk: tokens for a person's consent, and memos to that person. Whoever consents is called by their code."""

    @app.post("/oauth/token")
    async def _token(
        grant_type: Annotated[str, Form()],
        code: Annotated[str, Form()] = "",
        refresh_token: Annotated[str, Form()] = "",
    ) -> Response:
        renews = grant_type == "refresh_token"
        person = world.consents.get(f"refresh {refresh_token}") if renews else code
        if not person:
            return JSONResponse({"error": "invalid_grant", "error_code": "KOE320"}, 400)
        access, refresh = secrets.token_urlsafe(24), refresh_token if renews else secrets.token_urlsafe(24)
        world.consents |= {f"access {access}": person, f"refresh {refresh}": person}
        told = {"token_type": "bearer", "access_token": access, "expires_in": TOKEN_SECONDS}
        return JSONResponse(told if renews else {**told, "refresh_token": refresh})

    @app.post("/v2/api/talk/memo/default/send")
    async def _memo(
        template_object: Annotated[str, Form(max_length=BODY_BYTES_MAX)], authorization: Annotated[str, Header()] = ""
    ) -> Response:
        person = world.consents.get(f"access {authorization.removeprefix('Bearer ')}")
        if person is None:
            return JSONResponse({"msg": "this access token does not exist", "code": -401}, 401)
        template = json.loads(template_object)
        if template.get("object_type") != "text" or not template.get("text") or "link" not in template:
            return JSONResponse({"msg": "template_object is not a text", "code": -2}, 400)
        world.hears("kakao", person, template["text"][:MEMO_TEXT_MAX])
        return JSONResponse({"result_code": 0})
