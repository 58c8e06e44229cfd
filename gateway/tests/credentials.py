"""The issuer of access tokens that the tests play, and the certificate their gateway shows."""

import base64
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

KEY_ID = "2026-11"
OLDER_KEY_ID = "2026-08"


@dataclass(frozen=True)
class Issuer:
    """Signs tokens as auth does: one current key, one older key that is still honoured."""

    key: ec.EllipticCurvePrivateKey
    older_key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls) -> "Issuer":
        return cls(ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1()))

    def public_keys(self) -> dict[str, str]:
        """The gateway's keys.json."""
        keys = {KEY_ID: self.key, OLDER_KEY_ID: self.older_key}
        return {name: base64.b64encode(spki(key)).decode() for name, key in keys.items()}

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Sign a token that is right in everything but what is given; a claim given as None is left out."""
        names = {"kid": KEY_ID, "typ": "at+jwt"} | (headers or {})
        key = self.older_key if names["kid"] == OLDER_KEY_ID else self.key
        return jwt.encode(right_claims(**claims), key, "ES256", headers=names)


def right_claims(**changed: Any) -> dict[str, Any]:
    """Every claim of an access token, with these changed, and those that are None left out."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "exodus",
        "aud": "exodus",
        "sub": str(uuid4()),
        "sid": str(uuid4()),
        "jti": str(uuid4()),
        "iat": now,
        "exp": now + 600,
        "role": "user",
        "scope": "",
        "name": "김하나",
    }
    return {name: value for name, value in (claims | changed).items() if value is not None}


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half, as SubjectPublicKeyInfo in DER."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate_path, key_path
