"""How a provider is configured."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _confidential(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("must begin with https://")
    return url


Url = Annotated[str, Field(max_length=255), AfterValidator(_confidential)]


class ProviderSettings(BaseModel):
    """One entry of AUTH_OAUTH_PROVIDERS.

    `oidc` is any OpenID Connect provider (Google: issuer https://accounts.google.com) and finds its addresses itself;
    `kakao` and `naver` speak OAuth 2.0 with profiles of their own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["oidc", "kakao", "naver"]
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    client_secret: SecretStr
    issuer: Url | None = None
    authorize_url: Url | None = None
    token_url: Url | None = None
    profile_url: Url | None = None

    @model_validator(mode="after")
    def _issuer_is_known(self) -> Self:
        if (self.kind == "oidc") != (self.issuer is not None):
            raise ValueError("oidc needs an issuer, and the others have none")
        return self
