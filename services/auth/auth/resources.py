"""What auth holds open while it runs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from kit.db import Database
from kit.settings import secrets_directory

from auth.config import Settings
from auth.domain.session import Lifetimes
from auth.hashing import Hasher
from auth.keyring import Keyring
from auth.providers import Provider
from auth.providers.catalogue import providers_of
from auth.sealing import Sealer
from auth.spent_nonces import SpentNonces
from auth.tokens import TokenSigner


@dataclass(frozen=True)
class Resources:
    """The database, the hashing threads, the keys that sign and seal, settings, other providers, spent nonces."""

    database: Database
    hasher: Hasher
    signer: TokenSigner
    lifetimes: Lifetimes
    sealer: Sealer
    settings: Settings
    providers: Mapping[str, Provider]
    spent_nonces: SpentNonces = field(default_factory=SpentNonces)


def signer_of(settings: Settings) -> TokenSigner:
    """Make the signer of the configured keys; where they lie in a secret file, it follows every change of that."""
    file = secrets_directory() / "auth_signing_key"
    return TokenSigner(
        Keyring(settings.signing_key.get_secret_value(), file),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        ttl_seconds=settings.token_ttl_seconds,
    )


def sealer_of(settings: Settings) -> Sealer:
    """Make the sealer of the configured keys; where they lie in a secret file, it follows every change of that."""
    file = secrets_directory() / "auth_sealing_key"
    return Sealer(settings.sealing_key.get_secret_value(), file if file.is_file() else None)


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Open everything, and close it at the end."""
    database = Database(
        settings.database_url.get_secret_value(),
        settings.system_database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application="auth",
    )
    hasher = Hasher(settings.hashes_at_once, settings.hashing_niceness)
    providers = providers_of(settings.oauth_providers, settings.public_url)
    try:
        yield Resources(
            database, hasher, signer_of(settings), settings.lifetimes, sealer_of(settings), settings, providers
        )
    finally:
        hasher.close()
        await database.close()


def _opened(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Opened = Annotated[Resources, Depends(_opened)]
