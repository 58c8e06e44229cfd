"""Every relation of auth's database keeps owners apart, found by enumeration and tried with four verbs."""

import pytest
from kit.testing import isolation
from kit.testing.databases import TestDatabase

TABLES: dict[str, str] = {
    "audit_log": "one chain for the whole installation: the app role adds entries, and sees hashes and positions only",
    "revocations": "bare ids of what is no longer good, which every service is told; the app role only adds",
}
KEYS: dict[str, str] = {
    "delegations_delegate_id_fkey": "a delegation names somebody else on purpose; only the worker role writes one",
    "users_email_key": "an address belongs to one person of the whole installation",
    "identities_issuer_subject_key": "a person at another provider is one person of the whole installation",
    "passkeys_credential_id_key": "a device's credential belongs to one person of the whole installation",
    "mail_tokens_pkey": "the hash of a secret of 256 random bits",
    "refresh_tokens_pkey": "the hash of a secret of 256 random bits",
}


@pytest.mark.requirement("R-36", "R-37")
async def test_every_relation_keeps_owners_apart(fresh: TestDatabase) -> None:
    found = await isolation.findings(fresh, "auth", TABLES, KEYS)
    assert not found, "\n".join(found)
