"""Any provider that speaks OpenID Connect, Google among them."""

import hmac
import time
from typing import Any

import jwt

from auth.domain.identity import Claimed
from auth.providers import ProviderRefused, Secrets
from auth.providers.exchange import Json, ask, authorization_url, email_of, subject_of, text_of, token_of
from auth.providers.settings import ProviderSettings

SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "ES256"]
REQUIRED_CLAIMS = ["iss", "aud", "sub", "exp", "iat", "nonce"]
LEEWAY_SECONDS = 60
METADATA_SECONDS = 3_600
KEYS_REFETCH_SECONDS = 30


class OpenIdProvider:
    """Addresses and keys are found by discovery, and kept for an hour."""

    def __init__(self, name: str, settings: ProviderSettings, redirect_uri: str) -> None:
        assert settings.issuer is not None, "the settings say so"
        self.name = name
        self._issuer = settings.issuer
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._metadata: Json = {}
        self._metadata_until = float("-inf")
        self._keys: dict[str | None, Any] = {}
        self._keys_fetched_at = float("-inf")

    async def authorization_url(self, secrets: Secrets) -> str:
        """Return where the browser is sent."""
        endpoint = await self._endpoint("authorization_endpoint")
        return authorization_url(endpoint, self._settings, self._redirect_uri, SCOPE, secrets)

    async def identify(self, code: str, secrets: Secrets, issuer: str | None) -> Claimed:
        """Exchange a code for a verified ID token."""
        if issuer is not None and issuer != self._issuer:
            raise ProviderRefused("the code came from another issuer")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": secrets.verifier,
        }
        token = await token_of(await self._endpoint("token_endpoint"), self._settings, form, secret_in_form=False)
        claims = await self._claims_of(text_of(token.get("id_token")) or "", secrets.nonce)
        return Claimed(
            provider=self.name,
            issuer=self._issuer,
            subject=subject_of(claims["sub"]),
            email=email_of(claims.get("email")),
            email_verified=claims.get("email_verified") is True,
            name=text_of(claims.get("name")),
        )

    async def _claims_of(self, id_token: str, nonce: str) -> Json:
        try:
            claims: Json = jwt.decode(
                id_token,
                await self._key_of(id_token),
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=self._settings.client_id,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED_CLAIMS},
            )
        except (jwt.InvalidTokenError, ValueError, TypeError) as invalid:
            raise ProviderRefused("the ID token is not valid") from invalid
        if not isinstance(claims["nonce"], str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
            raise ProviderRefused("the ID token was made for another log-in")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self._settings.client_id:
            raise ProviderRefused("the ID token was made for another client")
        return claims

    async def _key_of(self, id_token: str) -> Any:
        header = jwt.get_unverified_header(id_token)
        key_id = header.get("kid")
        if key_id not in self._keys and time.monotonic() - self._keys_fetched_at >= KEYS_REFETCH_SECONDS:
            found = await ask("GET", await self._endpoint("jwks_uri"))
            self._keys_fetched_at = time.monotonic()  # not before: who could not be asked has not answered
            try:
                self._keys = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(found).keys}
            except jwt.PyJWTError as unreadable:
                raise ProviderRefused("the provider's keys cannot be read") from unreadable
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))  # OpenID Connect Core 10.1: one key needs no name
        if key_id not in self._keys:
            raise ProviderRefused("the ID token was signed by an unknown key")
        return self._keys[key_id]

    async def _endpoint(self, name: str) -> str:
        if time.monotonic() >= self._metadata_until:
            found = await ask("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                raise ProviderRefused("discovery names another issuer")
            self._metadata, self._metadata_until = found, time.monotonic() + METADATA_SECONDS
        endpoint = text_of(self._metadata.get(name))
        if endpoint is None:
            raise ProviderRefused(f"discovery names no {name}")
        return endpoint
