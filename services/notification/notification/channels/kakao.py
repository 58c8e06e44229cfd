"""KakaoTalk: the memo API, which writes to the person themselves, by their own OAuth token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from kit.json import dumps_text, loads

from notification.channels.port import Gone, Message, NotNow, Refused, Sent

TEXT_MAX = 200
SECONDS_MAX = 10


@dataclass(frozen=True)
class KakaoApp:
    """The operator's application at Kakao, and where people reach this platform."""

    client_id: str
    client_secret: str | None
    auth_url: str
    api_url: str
    public_url: str
    client: httpx.AsyncClient

    async def redeem(self, code: str, redirect_uri: str) -> dict[str, str]:
        """Exchange what Kakao's consent page gave the person for tokens."""
        return await self._tokens({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri})

    async def renew(self, refresh_token: str) -> dict[str, str]:
        """Get a new access token; Kakao renews the refresh token only when it nears its end."""
        fresh = await self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})
        return {"refresh_token": refresh_token, **fresh}

    async def _tokens(self, grant: Mapping[str, str]) -> dict[str, str]:
        secret = {} if self.client_secret is None else {"client_secret": self.client_secret}
        form = {**grant, "client_id": self.client_id, **secret}
        status, said = await self.ask(f"{self.auth_url}/oauth/token", form, {})
        if status in {400, 401}:
            raise Gone("KakaoTalk does not accept the consent any more: connect it again")
        if status != 200:
            raise NotNow(f"KakaoTalk answered HTTP {status}")
        return {name: str(said[name]) for name in ("access_token", "refresh_token") if said.get(name)}

    async def ask(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Post a form; return status and body."""
        try:
            answer = await self.client.post(url, data=form, headers=headers, timeout=SECONDS_MAX)
            return answer.status_code, dict(loads(answer.content or b"{}"))
        except httpx.HTTPError as failed:
            raise NotNow(f"KakaoTalk does not answer: {type(failed).__name__}") from None
        except (ValueError, TypeError):
            raise NotNow("KakaoTalk answered with something else than JSON") from None


@dataclass(frozen=True)
class Kakao:
    """Writes a memo; an access token that ended is renewed on the way, once."""

    app: KakaoApp

    async def send(self, message: Message, secrets: Mapping[str, str]) -> Sent:
        """Hand over; return the new tokens when there are some."""
        status, said = await self._memo(message, secrets["access_token"])
        renewed = None
        if status == 401:
            renewed = await self.app.renew(secrets["refresh_token"])
            status, said = await self._memo(message, renewed["access_token"])
        if status == 200 and said.get("result_code") == 0:
            return Sent(renewed)
        if status in {401, 403}:
            raise Gone("KakaoTalk does not let us write any more: connect it again, and allow messages")
        if status == 429 or status >= 500:
            raise NotNow(f"KakaoTalk answered HTTP {status}")
        raise Refused(f"KakaoTalk refused the message (HTTP {status}, code {said.get('code', 'none')})")

    async def _memo(self, message: Message, access_token: str) -> tuple[int, dict[str, Any]]:
        link = {"web_url": self.app.public_url, "mobile_web_url": self.app.public_url}
        template = {"object_type": "text", "text": message.text[:TEXT_MAX], "link": link}
        url = f"{self.app.api_url}/v2/api/talk/memo/default/send"
        form = {"template_object": dumps_text(template)}
        return await self.app.ask(url, form, {"Authorization": f"Bearer {access_token}"})
