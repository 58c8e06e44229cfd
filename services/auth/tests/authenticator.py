"""An authenticator in software, small and honest: it signs what browsers sign, with the faults a test asks for.

soft-webauthn cannot say that it verified its user, and speaks an older cbor; hence this one.
"""

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Authenticator:
    """One passkey on one device; `verified` says whether the user's finger or PIN was checked."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.user_handle = b""
        self.count = 0

    def creates(self, options: dict[str, Any], **faults: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.create`."""
        assert options["authenticatorSelection"]["userVerification"] == "required"
        self.user_handle = base64.urlsafe_b64decode(options["user"]["id"] + "==")
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor2.dumps(cose)
        data = self._data(options["rp"]["id"], ATTESTED, **faults) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client_data("webauthn.create", options, **faults)
        return self._credential({"clientDataJSON": base64url(client), "attestationObject": base64url(attestation)})

    def signs(self, options: dict[str, Any], **faults: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.get`."""
        assert options["userVerification"] == "required"
        data = self._data(options["rpId"], 0, **faults)
        client = self._client_data("webauthn.get", options, **faults)
        signed = data + hashlib.sha256(client).digest()
        signature = faults.get("key", self.key).sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._credential(
            {
                "clientDataJSON": base64url(client),
                "authenticatorData": base64url(data),
                "signature": base64url(signature),
                "userHandle": base64url(faults.get("user_handle", self.user_handle)),
            }
        )

    def _data(
        self, host: str, flags: int, /, *, verified: bool = True, count: int | None = None, **faults: Any
    ) -> bytes:
        self.count = self.count + 1 if count is None else count
        flags |= USER_PRESENT | (USER_VERIFIED if verified else 0)
        relying_party = hashlib.sha256(faults.get("host", host).encode()).digest()
        return relying_party + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client_data(self, kind: str, options: dict[str, Any], /, **faults: Any) -> bytes:
        said = {
            "type": faults.get("kind", kind),
            "challenge": faults.get("challenge", options["challenge"]),
            "origin": faults.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        name = base64url(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
