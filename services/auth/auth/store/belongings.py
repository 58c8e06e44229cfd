"""Everything that is somebody's here, as they are given it: each table they own, without what is secret in it."""

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Table

from auth.store.tables import (
    api_keys,
    delegations,
    exports,
    familiar_places,
    identities,
    mails,
    passkeys,
    second_factors,
    sessions,
    users,
)

TOLD: Final = (
    users,
    sessions,
    familiar_places,
    second_factors,
    mails,
    passkeys,
    identities,
    api_keys,
    delegations,
    exports,
)
HIDDEN: Final[Mapping[Table, Collection[str]]] = {
    users: {"password_hash"},
    familiar_places: {"digest"},
    second_factors: {"sealed", "last_step"},
    passkeys: {"credential_id", "public_key"},
    api_keys: {"sealed_secret"},
}
"""Columns that are not told: secrets and what is made of them, of no use to anybody but us."""
UNTOLD: Final = {
    "refresh_tokens": "hashes of secrets; the sessions they belong to are told",
    "recovery_codes": "hashes of secrets",
    "mail_tokens": "hashes of secrets, for minutes",
    "export_parts": "the archives themselves",
    "events": "the outbox: facts about what is told from its own tables",
}
