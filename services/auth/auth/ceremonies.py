"""The WebAuthn ceremonies of one platform: what browsers are asked, and whether what they answer is true.

A user must be verified by the device (PIN, finger, face) in every ceremony: a passkey is both factors in one.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, options_to_json_dict, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth.domain.passkey import CHALLENGE_TTL, Key
from auth.domain.user import User

NAME = "Exodus"
TIMEOUT_MS = CHALLENGE_TTL.seconds * 1000
MALFORMED = (WebAuthnException, ValueError, KeyError, TypeError)

Credential = dict[str, Any]
"""A browser's answer, as its `toJSON()` writes it; the shape is checked at the edge."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who we are to an authenticator: the host passkeys are bound to, and the one origin they may be used from."""

    host: str
    origin: str

    def creation_options(self, user: User, challenge: bytes, known: list[bytes]) -> dict[str, Any]:
        """Return what `navigator.credentials.create` is called with."""
        options = webauthn.generate_registration_options(
            rp_id=self.host,
            rp_name=NAME,
            user_name=user.email,
            user_id=user.id.bytes,
            user_display_name=user.profile.name,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        )
        return dict(options_to_json_dict(options))

    def request_options(self, challenge: bytes, known: list[bytes]) -> dict[str, Any]:
        """Return what `navigator.credentials.get` is called with; without known keys, the device offers its own."""
        options = webauthn.generate_authentication_options(
            rp_id=self.host,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return dict(options_to_json_dict(options))

    def created(self, credential: Credential, challenge: bytes) -> Key | None:
        """Return the key of a registration that is true, else None."""
        try:
            verified = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.host,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except MALFORMED:
            return None
        return Key(verified.credential_id, verified.credential_public_key, verified.sign_count)

    def signed(self, credential: Credential, challenge: bytes, key: Key) -> int | None:
        """Return the new count of a signature that is true and counted further than the last, else None."""
        try:
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.host,
                expected_origin=self.origin,
                credential_public_key=key.public_key,
                credential_current_sign_count=key.sign_count,
                require_user_verification=True,
            )
        except MALFORMED:
            return None
        return verified.new_sign_count


def relying_party_of(public_url: str) -> RelyingParty:
    """Return who we are at this address."""
    parts = urlsplit(public_url)
    return RelyingParty(parts.hostname or "localhost", f"{parts.scheme}://{parts.netloc}")


def challenge_of(credential: Credential) -> bytes | None:
    """Read which challenge a browser says it answers: whether it was ours is looked up, what was signed is verified."""
    try:
        return bytes(parse_client_data_json(base64url_to_bytes(credential["response"]["clientDataJSON"])).challenge)
    except (*MALFORMED, json.JSONDecodeError):
        return None


def bytes_of(text: str | None) -> bytes | None:
    """Read base64url; None for what is none."""
    try:
        return None if text is None else base64url_to_bytes(text)
    except ValueError:
        return None
