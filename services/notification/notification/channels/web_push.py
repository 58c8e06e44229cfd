"""Web push: messages encrypted for one browser (RFC 8291), signed with the installation's key (RFC 8292)."""

import base64
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from kit.json import dumps

from notification.channels.outward import NotAllowed, Outward, judge
from notification.channels.port import Gone, Message, Sent

SALT_BYTES: Final = 16
SECRET_BYTES: Final = 16
POINT_BYTES: Final = 65
RECORD_BYTES: Final = 4_096
BODY_MAX: Final = 500
TITLE_MAX: Final = 200
KEPT: Final = timedelta(days=1)
"""How long a push service keeps what a sleeping device has not fetched."""
TOKEN_LIFE: Final = timedelta(hours=12)


class BadSubscription(Exception):
    """Keys that no browser made."""


@dataclass(frozen=True)
class WebPush:
    """Speaks to the push service each browser names."""

    outward: Outward
    key: ec.EllipticCurvePrivateKey
    contact: str
    clock: Callable[[], datetime]

    async def send(self, message: Message, secrets: Mapping[str, str]) -> Sent:
        """Hand over; 404 and 410 mean that the browser has unsubscribed."""
        shown = {"id": str(message.id), "kind": message.kind, "title": message.title[:TITLE_MAX]}
        plain = dumps({**shown, "body": message.body[:BODY_MAX]})
        try:
            content = encrypt(plain, decode(secrets["p256dh"]), decode(secrets["auth"]))
            judge(await self.outward.post(secrets["endpoint"], content, self._headers(secrets["endpoint"], message)))
        except (BadSubscription, NotAllowed) as useless:
            raise Gone(str(useless)) from None
        return Sent()

    def _headers(self, endpoint: str, message: Message) -> dict[str, str]:
        target = urlsplit(endpoint)
        claims = {
            "aud": f"{target.scheme}://{target.netloc}",
            "exp": int((self.clock() + TOKEN_LIFE).timestamp()),
            "sub": self.contact,
        }
        token = jwt.encode(claims, self.key, algorithm="ES256")
        return {
            "Authorization": f"vapid t={token}, k={public_text(self.key)}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(KEPT.total_seconds())),
            "Urgency": "high" if message.kind.startswith("order_") else "normal",
        }


def encrypt(plain: bytes, browser: bytes, auth: bytes) -> bytes:
    """Encrypt for one browser, as one record of aes128gcm.

    Args:
        plain: at most 4,096 bytes less header and tag.
        browser: its public key, an uncompressed point of 65 bytes.
        auth: the 16 bytes it shares with us.

    Raises:
        BadSubscription: when these are no such keys.
    """
    theirs = point(browser)
    if len(auth) != SECRET_BYTES:
        raise BadSubscription("the browser's `auth` is not 16 bytes long")
    ours = ec.generate_private_key(ec.SECP256R1())
    mine = ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    salt = os.urandom(SALT_BYTES)
    shared = ours.exchange(ec.ECDH(), theirs)
    secret = HKDF(SHA256(), 32, salt=auth, info=b"WebPush: info\0" + browser + mine).derive(shared)
    key = HKDF(SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\0").derive(secret)
    nonce = HKDF(SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\0").derive(secret)
    sealed = AESGCM(key).encrypt(nonce, plain + b"\x02", None)  # 2 marks the last record
    assert len(sealed) + SALT_BYTES + 5 + POINT_BYTES <= RECORD_BYTES, "a push is at most 4,096 bytes"
    return salt + struct.pack("!IB", RECORD_BYTES, len(mine)) + mine + sealed


def point(public: bytes) -> ec.EllipticCurvePublicKey:
    """Read a public key. BadSubscription when it is not on the curve."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    except ValueError:
        raise BadSubscription("the browser's `p256dh` is no public key") from None


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    """What a browser subscribes with: `applicationServerKey`."""
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(public).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Read base64url without padding. BadSubscription for anything else."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BadSubscription("the browser's keys are not base64url") from None
