"""Mail server, Bot API and KakaoTalk on this machine, when `EXODUS_OUTSIDE=1`: native only, as `make demo` wants it."""

import os
import sys
from typing import Final

from tools.native.layout import ROOT, Layout
from tools.native.probes import why_not_ready
from tools.native.programs import Program

MAIL_PORT_VARIABLE: Final = "EXODUS_OUTSIDE_MAIL_PORT"
BOT_TOKEN: Final = "1000001:bot-of-this-machine-alone"  # noqa: S105 - opens nothing but tools/outside.py
HTTP_OFFSET: Final = 311
MAIL_OFFSET: Final = 312


def are_wanted() -> bool:
    """Whether `make up` was asked for them."""
    return os.environ.get("EXODUS_OUTSIDE") == "1"


def address(layout: Layout) -> str:
    """Where the Bot API, KakaoTalk and what was heard answer."""
    return f"http://127.0.0.1:{layout.ports.base + HTTP_OFFSET}"


def programs(layout: Layout) -> list[Program]:
    """The one process that is all of them."""
    if not are_wanted():
        return []
    port = layout.ports.base + HTTP_OFFSET
    return [
        Program(
            name="outside",
            group="helpers",
            command=(
                *(sys.executable, "-m", "uvicorn", "tools.outside:everybody", "--factory"),
                *("--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--no-server-header"),
                *("--timeout-graceful-shutdown", "1"),  # a long poll lasts longer than anybody wants to wait
            ),
            directory=layout.directory,
            why_not_ready=lambda: why_not_ready(port, "/_outside/ready"),
            environment={
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
                MAIL_PORT_VARIABLE: str(layout.ports.base + MAIL_OFFSET),
            },
            depends_on=(ROOT / "tools/outside.py",),
        )
    ]


def settings(layout: Layout) -> dict[str, str]:
    """What notification is told, so that its mails, chats and memos go there."""
    if not are_wanted():
        return {}
    told = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(layout.ports.base + MAIL_OFFSET),
        "SMTP_SECURITY": "none",
        "TELEGRAM_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": address(layout),
        "KAKAO_CLIENT_ID": "this-machine",
        "KAKAO_AUTH_URL": address(layout),
        "KAKAO_API_URL": address(layout),
    }
    return {f"NOTIFICATION_{name}": value for name, value in told.items()}
