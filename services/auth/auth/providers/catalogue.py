"""The providers that are configured, each with the one address it may send people back to."""

from collections.abc import Mapping

from auth.providers import Provider
from auth.providers.korean import KAKAO, NAVER, ProfileProvider
from auth.providers.oidc import OpenIdProvider
from auth.providers.settings import ProviderSettings

DIALECTS = {"kakao": KAKAO, "naver": NAVER}


def providers_of(configured: Mapping[str, ProviderSettings], public_url: str) -> dict[str, Provider]:
    """Build every provider; each has a redirect address of its own, so that no answer is taken for another's."""
    providers: dict[str, Provider] = {}
    for name, settings in configured.items():
        redirect_uri = f"{public_url.rstrip('/')}/api/v1/auth/oauth/{name}/callback"
        if settings.kind == "oidc":
            providers[name] = OpenIdProvider(name, settings, redirect_uri)
        else:
            providers[name] = ProfileProvider(name, DIALECTS[settings.kind], settings, redirect_uri)
    return providers
