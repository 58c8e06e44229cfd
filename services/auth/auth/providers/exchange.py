"""The steps that all providers share: authorization request with PKCE, code for token, JSON from them."""

import base64
from typing import Any

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from kit.trust import trust

from auth.domain.email import EMAIL_LENGTH_MAX
from auth.providers import ProviderRefused, ProviderSilent, Secrets
from auth.providers.settings import ProviderSettings

TIMEOUT_SECONDS = 5.0
ANSWER_BYTES_MAX = 256 * 1024
SUBJECT_LENGTH_MAX = 255

Json = dict[str, Any]


def authorization_url(
    endpoint: str, settings: ProviderSettings, redirect_uri: str, scope: str | None, secrets: Secrets
) -> str:
    """Return an authorization request; PKCE is S256 always."""
    url: str = prepare_grant_uri(
        endpoint,
        settings.client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=scope,
        state=secrets.state,
        nonce=secrets.nonce,
        code_challenge=create_s256_code_challenge(secrets.verifier),
        code_challenge_method="S256",
    )
    return url


async def token_of(endpoint: str, settings: ProviderSettings, form: dict[str, str], *, secret_in_form: bool) -> Json:
    """Exchange a code at the token endpoint, as the client we are."""
    secret = settings.client_secret.get_secret_value()
    headers = {"Accept": "application/json"}
    if secret_in_form:
        form = {**form, "client_id": settings.client_id, "client_secret": secret}
    else:
        basic = base64.b64encode(f"{settings.client_id}:{secret}".encode()).decode()
        headers["Authorization"] = f"Basic {basic}"
    token = await ask("POST", endpoint, headers, form)
    if "error" in token or not isinstance(token.get("access_token"), str):
        raise ProviderRefused("the code was not exchanged for a token")
    return token


async def ask(method: str, url: str, headers: dict[str, str] | None = None, form: dict[str, str] | None = None) -> Json:
    """Return the JSON object a provider answers with; redirects are not followed."""
    try:
        async with httpx.AsyncClient(verify=trust(), timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            answer = await client.request(method, url, headers=headers, data=form)
    except httpx.HTTPError as failed:
        raise ProviderSilent(type(failed).__name__) from failed
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise ProviderSilent(f"answered {answer.status_code}")
    if not answer.is_success or len(answer.content) > ANSWER_BYTES_MAX:
        raise ProviderRefused(f"answered {answer.status_code}")
    try:
        said = answer.json()
    except ValueError as unreadable:
        raise ProviderRefused("answered no JSON") from unreadable
    if not isinstance(said, dict):
        raise ProviderRefused("answered no JSON object")
    return said


def email_of(value: object) -> str | None:
    """Return what can be somebody's address here, else None."""
    text = text_of(value)
    return text if text is not None and "@" in text and len(text) <= EMAIL_LENGTH_MAX and text.isprintable() else None


def subject_of(value: object) -> str:
    """Return whom the provider means.

    Raises:
        ProviderRefused: when it names nobody.
    """
    if isinstance(value, bool) or not isinstance(value, int | str) or not 1 <= len(str(value)) <= SUBJECT_LENGTH_MAX:
        raise ProviderRefused("the provider names nobody")
    return str(value)


def text_of(value: object) -> str | None:
    """Return a string that says something, else None."""
    return value if isinstance(value, str) and value else None
