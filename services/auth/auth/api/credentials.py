"""What browsers' WebAuthn calls answer, bounded, and what is shown beside a password."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from auth.ceremonies import Credential, relying_party_of
from auth.resources import Resources
from auth.usecases.check_second_factor import SecondProof

CREDENTIAL_ID_LENGTH_MAX = 1_400
CLIENT_DATA_LENGTH_MAX = 4_096
ATTESTATION_LENGTH_MAX = 16_384

CredentialId = Annotated[str, Field(min_length=1, max_length=CREDENTIAL_ID_LENGTH_MAX)]
ClientData = Annotated[str, Field(min_length=1, max_length=CLIENT_DATA_LENGTH_MAX)]
Attestation = Annotated[str, Field(min_length=1, max_length=ATTESTATION_LENGTH_MAX)]


class Created(BaseModel):
    """`response` of a new credential; base64url throughout."""

    clientDataJSON: ClientData  # noqa: N815 - WebAuthn's names
    attestationObject: Attestation  # noqa: N815


class Signed(BaseModel):
    """`response` of a signature; base64url throughout."""

    clientDataJSON: ClientData  # noqa: N815
    authenticatorData: ClientData  # noqa: N815
    signature: ClientData
    userHandle: CredentialId | None = None  # noqa: N815


class NewCredential(BaseModel):
    """What `navigator.credentials.create` answers, by its `toJSON()`; what we do not need is ignored."""

    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: Literal["public-key"]
    response: Created


class UsedCredential(BaseModel):
    """What `navigator.credentials.get` answers, by its `toJSON()`; what we do not need is ignored."""

    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: Literal["public-key"]
    response: Signed


def answer_of(credential: NewCredential | UsedCredential) -> Credential:
    """Return a browser's answer as WebAuthn's words."""
    return credential.model_dump(exclude_none=True)


def second_proof_of(resources: Resources, otp: str | None, passkey: UsedCredential | None) -> SecondProof:
    """Return what is shown beside a password, with what it is judged by."""
    party = relying_party_of(resources.settings.public_url)
    return SecondProof(resources.sealer, party, otp, None if passkey is None else answer_of(passkey))
