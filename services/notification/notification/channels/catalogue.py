"""The channels this installation offers: those whose servers and applications the operator has set up."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx
from kit.trust import trust

from notification.channels.chat_hooks import Discord, Slack
from notification.channels.email import Email, MailServer
from notification.channels.kakao import Kakao, KakaoApp
from notification.channels.outward import Outward
from notification.channels.port import Port
from notification.channels.telegram import Bot, Telegram
from notification.channels.web_push import WebPush
from notification.channels.webhook import Webhook
from notification.config import Settings
from notification.domain.channel import ChannelKind
from notification.sealing import Sealer


@dataclass(frozen=True)
class Catalogue:
    """What there is, by kind; and the parts that adding a channel needs."""

    ports: Mapping[ChannelKind, Port]
    outward: Outward
    bot: Bot | None
    kakao: KakaoApp | None
    beginnings: Mapping[ChannelKind, str]
    """How the addresses of a kind begin, where they all begin alike."""


@asynccontextmanager
async def open_catalogue(settings: Settings, sealer: Sealer, clock: Callable[[], datetime]) -> AsyncIterator[Catalogue]:
    """Build the channels, and close their connections at the end."""
    outward = Outward(loopback=settings.outgoing_loopback)
    async with httpx.AsyncClient(verify=trust(), follow_redirects=False, trust_env=False) as client:
        bot, kakao = _bot(settings, client), _kakao(settings, client)
        ports: dict[ChannelKind, Port] = {
            "slack": Slack(outward),
            "discord": Discord(outward),
            "webhook": Webhook(outward, clock),
            "web_push": WebPush(outward, sealer.push_key, settings.push_contact, clock),
        }
        if (server := _mail_server(settings)) is not None:
            ports["email"] = Email(server)
        if bot is not None:
            ports["telegram"] = Telegram(bot)
        if kakao is not None:
            ports["kakao"] = Kakao(kakao)
        beginnings: dict[ChannelKind, str] = {"slack": settings.slack_url, "discord": settings.discord_url}
        yield Catalogue(ports, outward, bot, kakao, beginnings)


def _mail_server(settings: Settings) -> MailServer | None:
    if settings.smtp_host is None:
        return None
    password = None if settings.smtp_password is None else settings.smtp_password.get_secret_value()
    return MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_username,
        password,
        settings.mail_from,
    )


def _bot(settings: Settings, client: httpx.AsyncClient) -> Bot | None:
    if settings.telegram_token is None:
        return None
    return Bot(settings.telegram_api_url, settings.telegram_token.get_secret_value(), client)


def _kakao(settings: Settings, client: httpx.AsyncClient) -> KakaoApp | None:
    if settings.kakao_client_id is None:
        return None
    secret = None if settings.kakao_client_secret is None else settings.kakao_client_secret.get_secret_value()
    where = (settings.kakao_auth_url, settings.kakao_api_url, settings.public_url)
    return KakaoApp(settings.kakao_client_id, secret, *where, client)
