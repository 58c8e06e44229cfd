"""Kakao and Naver: OAuth 2.0 with a profile of their own in place of an ID token.

Sources: Kakao Developers, "Kakao Login / REST API" and "Retrieve user information" (kapi.kakao.com/v2/user/me); NAVER
Developers, "네아로 API 명세" and "회원 프로필 조회" (openapi.naver.com/v1/nid/me).
"""

from collections.abc import Callable
from dataclasses import dataclass

from auth.domain.identity import Claimed
from auth.providers import ProviderRefused, Secrets
from auth.providers.exchange import Json, ask, authorization_url, email_of, subject_of, text_of, token_of
from auth.providers.settings import ProviderSettings


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where a provider is, and how its profile is read."""

    issuer: str
    authorize_url: str
    token_url: str
    profile_url: str
    scope: str | None
    read: Callable[[str, str, Json], Claimed]


def read_kakao(name: str, issuer: str, profile: Json) -> Claimed:
    """Read a Kakao profile: an address counts as verified only if Kakao calls it both valid and verified."""
    account = profile.get("kakao_account")
    account = account if isinstance(account, dict) else {}
    shown = account.get("profile")
    nickname = text_of(shown.get("nickname")) if isinstance(shown, dict) else None
    verified = account.get("is_email_valid") is True and account.get("is_email_verified") is True
    return Claimed(name, issuer, subject_of(profile.get("id")), email_of(account.get("email")), verified, nickname)


def read_naver(name: str, issuer: str, profile: Json) -> Claimed:
    """Read a Naver profile: Naver does not say whether it verified the address, so it counts as not verified."""
    found = profile.get("response")
    if profile.get("resultcode") != "00" or not isinstance(found, dict):
        raise ProviderRefused("the profile was not given")
    called = text_of(found.get("name")) or text_of(found.get("nickname"))
    return Claimed(name, issuer, subject_of(found.get("id")), email_of(found.get("email")), False, called)  # noqa: FBT003


KAKAO = Dialect(
    "https://kauth.kakao.com",
    "https://kauth.kakao.com/oauth/authorize",
    "https://kauth.kakao.com/oauth/token",
    "https://kapi.kakao.com/v2/user/me",
    "account_email profile_nickname",
    read_kakao,
)
NAVER = Dialect(
    "https://nid.naver.com",
    "https://nid.naver.com/oauth2.0/authorize",
    "https://nid.naver.com/oauth2.0/token",
    "https://openapi.naver.com/v1/nid/me",
    None,
    read_naver,
)


class ProfileProvider:
    """A provider whose profile is asked for with the access token."""

    def __init__(self, name: str, dialect: Dialect, settings: ProviderSettings, redirect_uri: str) -> None:
        self.name = name
        self._dialect = dialect
        self._settings = settings
        self._redirect_uri = redirect_uri

    async def authorization_url(self, secrets: Secrets) -> str:
        """Return where the browser is sent."""
        endpoint = self._settings.authorize_url or self._dialect.authorize_url
        return authorization_url(endpoint, self._settings, self._redirect_uri, self._dialect.scope, secrets)

    async def identify(self, code: str, secrets: Secrets, issuer: str | None) -> Claimed:
        """Exchange a code for an access token, and that for the profile."""
        if issuer is not None and issuer != self._dialect.issuer:
            raise ProviderRefused("the code came from another issuer")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "state": secrets.state,
            "redirect_uri": self._redirect_uri,
            "code_verifier": secrets.verifier,
        }
        endpoint = self._settings.token_url or self._dialect.token_url
        token = await token_of(endpoint, self._settings, form, secret_in_form=True)
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        profile = await ask("GET", self._settings.profile_url or self._dialect.profile_url, bearer)
        return self._dialect.read(self.name, self._dialect.issuer, profile)
