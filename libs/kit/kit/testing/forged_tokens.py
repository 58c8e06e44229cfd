"""Tokens that nobody issued: every trick we know, each with the one lie that must be caught.

One corpus for every judge: the gateway and each of the services are asked about the same tokens, and must agree.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from itertools import product
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kit.testing.issuer import KEY_ID, OLDER_KEY_ID, Issuer, right_claims, spki

FORGED_MIN = 250
"""So many tokens at least: a judge who was asked about fewer has not been asked."""
GROUP_SIZE = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FIELD_SIZE = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
RIGHT_HEADER = {"alg": "ES256", "kid": KEY_ID, "typ": "at+jwt"}


def text_of(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value: object) -> str:
    """One JSON part of a token."""
    return text_of(json.dumps(value).encode())


def signature_of(key: ec.EllipticCurvePrivateKey, text: str) -> bytes:
    """Sign as ES256 does: r and s, 32 bytes each."""
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signed(key: ec.EllipticCurvePrivateKey, header: object, claims: object) -> str:
    """A token with any header and claims, and a signature that fits them."""
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{text_of(signature_of(key, text))}"


def forged_tokens(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """Yield (the trick, the token)."""
    yield from _without_a_signature()
    yield from _another_algorithm(issuer)
    yield from _another_key(issuer)
    yield from _lying_key_ids(issuer)
    yield from _wrong_signatures(issuer)
    yield from _wrong_headers(issuer)
    yield from _wrong_claims(issuer)
    yield from _wrong_forms(issuer)


def _without_a_signature() -> Iterator[tuple[str, str]]:
    claims = part(right_claims())
    for name in ("none", "None", "NONE", "nOnE", "", "null"):
        header = part(RIGHT_HEADER | {"alg": name})
        yield f"alg {name!r}, no signature", f"{header}.{claims}."
        yield f"alg {name!r}, some signature", f"{header}.{claims}.{text_of(bytes(64))}"
    yield "alg null", f"{part(RIGHT_HEADER | {'alg': None})}.{claims}."
    yield "alg missing", f"{part({'kid': KEY_ID, 'typ': 'at+jwt'})}.{claims}."
    yield "alg a list", f"{part(RIGHT_HEADER | {'alg': ['ES256']})}.{claims}.{text_of(bytes(64))}"
    yield "alg right, signature empty", f"{part(RIGHT_HEADER)}.{claims}."


def _another_algorithm(issuer: Issuer) -> Iterator[tuple[str, str]]:
    public = issuer.key.public_key()
    secrets = {
        "the public key in PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "the public key in DER": spki(issuer.key),
        "the public key in base64": base64.b64encode(spki(issuer.key)),
        "nothing": b"",
        "a blank": b" ",
        "the key id": KEY_ID.encode(),
    }
    for name, secret in secrets.items():
        text = f"{part(RIGHT_HEADER | {'alg': 'HS256'})}.{part(right_claims())}"
        yield f"HS256 with {name}", f"{text}.{text_of(hmac.digest(secret, text.encode(), hashlib.sha256))}"
    for name in ("ES384", "ES512", "RS256", "PS256", "EdDSA", "es256", "ES256 ", "ES256K"):
        yield f"alg {name!r}", signed(issuer.key, RIGHT_HEADER | {"alg": name}, right_claims())


def _another_key(issuer: Issuer) -> Iterator[tuple[str, str]]:
    stranger = ec.generate_private_key(ec.SECP256R1())
    numbers = stranger.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "kid": KEY_ID,
        "x": text_of(numbers.x.to_bytes(32, "big")),
        "y": text_of(numbers.y.to_bytes(32, "big")),
    }
    yield "a stranger's key", signed(stranger, RIGHT_HEADER, right_claims())
    yield "embedded jwk", signed(stranger, RIGHT_HEADER | {"jwk": jwk}, right_claims())
    yield "jku", signed(stranger, RIGHT_HEADER | {"jku": "https://evil.example/jwks.json"}, right_claims())
    yield "x5u", signed(stranger, RIGHT_HEADER | {"x5u": "https://evil.example/cert.pem"}, right_claims())
    yield "x5c", signed(stranger, RIGHT_HEADER | {"x5c": [base64.b64encode(spki(stranger)).decode()]}, right_claims())
    yield "the older key under the current id", signed(issuer.older_key, RIGHT_HEADER, right_claims())
    yield "the current key under the older id", signed(issuer.key, RIGHT_HEADER | {"kid": OLDER_KEY_ID}, right_claims())


def _lying_key_ids(issuer: Issuer) -> Iterator[tuple[str, str]]:
    ids: list[object] = [
        "../../../../dev/null",
        "/etc/passwd",
        "' OR 1=1 --",
        f"{KEY_ID}\x00",
        f"{KEY_ID}\n",
        f" {KEY_ID}",
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "length",
        "",
        "0",
        0,
        1e308,
        True,
        None,
        [KEY_ID],
        {KEY_ID: KEY_ID},
        "unknown",
        "k" * 2000,
    ]
    for key_id in ids:
        yield f"kid {str(key_id)[:24]!r}", signed(issuer.key, RIGHT_HEADER | {"kid": key_id}, right_claims())
    bare = {"alg": "ES256", "typ": "at+jwt"}
    yield "kid missing", signed(issuer.key, bare, right_claims())
    yield "kid missing, a key embedded", signed(issuer.key, bare | {"jwk": {"kty": "EC"}}, right_claims())


def _wrong_signatures(issuer: Issuer) -> Iterator[tuple[str, str]]:
    text = f"{part(RIGHT_HEADER)}.{part(right_claims())}"
    right = signature_of(issuer.key, text)
    zero, size, one = bytes(32), GROUP_SIZE.to_bytes(32, "big"), (1).to_bytes(32, "big")
    r, s = int.from_bytes(right[:32], "big"), int.from_bytes(right[32:], "big")
    wrong = {
        "r = s = 0": zero + zero,
        "r = s = n": size + size,
        "r = 0": zero + right[32:],
        "s = 0": right[:32] + zero,
        "r = s = 1": one + one,
        "r = n, s = 1": size + one,
        "all bits set": b"\xff" * 64,
        "DER": encode_dss_signature(r, s),
        "a byte short": right[:-1],
        "a byte long": right + b"\x00",
        "a leading zero": b"\x00" + right,
        "half": right[:32],
        "doubled": right + right,
        "r and s swapped": right[32:] + right[:32],
        "one bit flipped": bytes([right[0] ^ 1]) + right[1:],
        "the last bit flipped": right[:-1] + bytes([right[-1] ^ 1]),
        "of another token": signature_of(issuer.key, f"{part(RIGHT_HEADER)}.{part(right_claims(role='admin'))}"),
        "of the claims alone": signature_of(issuer.key, text.split(".")[1]),
    }
    # what a verifier must know of the curve: zero, one, its size, its field, their neighbours, and what is too large
    edges = [0, 1, 2, GROUP_SIZE - 1, GROUP_SIZE, GROUP_SIZE + 1, FIELD_SIZE - 1, FIELD_SIZE, 2**256 - 1, r, s]
    pairs = (pair for pair in product(edges, edges) if pair != (r, s))
    wrong |= {f"r = {one:x}, s = {two:x}": one.to_bytes(32, "big") + two.to_bytes(32, "big") for one, two in pairs}
    for name, signature in wrong.items():
        yield f"signature: {name}", f"{text}.{text_of(signature)}"
    admin = part(right_claims(role="admin"))
    yield "claims exchanged after signing", f"{part(RIGHT_HEADER)}.{admin}.{text_of(right)}"


def _wrong_headers(issuer: Issuer) -> Iterator[tuple[str, str]]:
    for typ in ("JWT", "at+jws", "AT+JWT+", "rt+jwt", "logout+jwt", "", None, 7):
        yield f"typ {typ!r}", signed(issuer.key, RIGHT_HEADER | {"typ": typ}, right_claims())
    yield "typ missing", signed(issuer.key, {"alg": "ES256", "kid": KEY_ID}, right_claims())
    yield "crit", signed(issuer.key, RIGHT_HEADER | {"crit": ["exp"]}, right_claims())
    yield "crit of an extension", signed(issuer.key, RIGHT_HEADER | {"crit": ["x"], "x": 1}, right_claims())
    yield "b64 false", signed(issuer.key, RIGHT_HEADER | {"b64": False, "crit": ["b64"]}, right_claims())
    headers: list[object] = [[], "ES256", 1, None]
    for value in headers:
        yield f"header {value!r}", signed(issuer.key, value, right_claims())


def _wrong_claims(issuer: Issuer) -> Iterator[tuple[str, str]]:
    now = int(time.time())
    changes: dict[str, dict[str, Any]] = {
        "exp past": {"iat": now - 700, "exp": now - 100},
        "exp as a string": {"exp": "soon"},
        "exp missing": {"exp": None},
        "exp zero": {"exp": 0},
        "exp negative": {"exp": -1},
        "exp infinite": {"exp": float("inf")},
        "exp not a number": {"exp": float("nan")},
        "exp a list": {"exp": [now + 600]},
        "iat in the future": {"iat": now + 300, "exp": now + 600},
        "iat missing": {"iat": None},
        "nbf in the future": {"nbf": now + 300},
        "iss missing": {"iss": None},
        "iss a prefix": {"iss": "exodu"},
        "iss with more behind": {"iss": "exodus.evil.example"},
        "iss in capitals": {"iss": "EXODUS"},
        "iss a list": {"iss": ["exodus"]},
        "aud missing": {"aud": None},
        "aud of another product": {"aud": "genesis"},
        "aud of another stage": {"aud": "exodus-test"},
        "aud a list": {"aud": ["exodus", "genesis"]},
        "sub missing": {"sub": None},
        "sub not an id": {"sub": "admin"},
        "sub a number": {"sub": 1},
        "sub in capitals": {"sub": "0192F0C8-AAAA-7BBB-8CCC-DDDDEEEEFFFF"},
        "sub in braces": {"sub": "{0192f0c8-aaaa-7bbb-8ccc-ddddeeeeffff}"},
        "sid missing": {"sid": None},
        "sid not an id": {"sid": "x"},
        "jti missing": {"jti": None},
        "role missing": {"role": None},
        "role empty": {"role": ""},
        "role a number": {"role": 1},
        "auth_time as a string": {"auth_time": str(now)},
        "auth_time a fraction": {"auth_time": now + 0.5},
        "a lifetime of a day": {"exp": now + 86400},
        "no lifetime": {"iat": now, "exp": now},
        "a fraction of a second": {"exp": now + 600.5},
        "exp as digits in a string": {"exp": str(now + 600)},
    }
    for name, change in changes.items():
        yield name, signed(issuer.key, RIGHT_HEADER, right_claims(**change))
    bodies: list[object] = [[], "claims", 1, None]
    for value in bodies:
        yield f"claims {value!r}", signed(issuer.key, RIGHT_HEADER, value)


def _wrong_forms(issuer: Issuer) -> Iterator[tuple[str, str]]:
    right = issuer.token()
    header, claims, signature = right.split(".")
    yield "two parts", f"{header}.{claims}"
    yield "four parts", f"{right}.{signature}"
    yield "five parts, as if encrypted", f"{right}.{signature}.{signature}"
    yield "one part", header
    yield "dots only", ".."
    yield "words", "let me in"
    yield "truncated by a third", right[: len(right) * 2 // 3]
    yield "empty header", f".{claims}.{signature}"
    yield "empty claims", f"{header}..{signature}"
    yield "64 KiB", f"{header}.{'A' * 65536}.{signature}"
    yield "just over 4 KiB", issuer.token(name="x" * 3200)
    yield "not base64", f"{header}.{claims[:-2]}!!.{signature}"
    yield "padding", f"{right}=="
    yield "a stray letter", f"{right[:20]}A{right[20:]}"
    yield "a JSON serialisation", json.dumps({"payload": claims, "protected": header, "signature": signature})


def odd_tokens(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """Yield (the oddity, the token): signed by the right key, one thing unusual. Judges may take them or not: alike."""
    now = int(time.time())
    values: list[object] = [None, "", "x", "0", 0, 1, -1, 1.5, 1e3, 1e308, True, False, [], {}, ["exodus"], {"a": 1}]
    names = [*right_claims(), "nbf", "unknown"]
    for name, value in product(names, values):
        yield f"{name} {value!r}", signed(issuer.key, RIGHT_HEADER, right_claims() | {name: value})
    for name, moved in product(("iat", "exp", "nbf", "auth_time"), (-60, -2, 2, 60, 2.0, 0.5)):
        yield f"{name} at {moved} s", signed(issuer.key, RIGHT_HEADER, right_claims() | {name: now + moved})
    for value in values:
        yield f"header x {value!r}", signed(issuer.key, RIGHT_HEADER | {"x": value}, right_claims())
    text = f"{part(RIGHT_HEADER)}.{part(right_claims())}"
    yield "the last letter's spare bits", _with_spare_bits(f"{text}.{text_of(signature_of(issuer.key, text))}")
    yield "a letter too many in the claims", f"{text}A.{text_of(signature_of(issuer.key, text + 'A'))}"
    claims_twice = json.dumps(right_claims())[:-1] + ', "role": "admin"}'
    twice = f"{part(RIGHT_HEADER)}.{text_of(claims_twice.encode())}"
    yield "a claim twice", f"{twice}.{text_of(signature_of(issuer.key, twice))}"


def _with_spare_bits(token: str) -> str:
    """The same signature in another spelling: 64 bytes leave four bits of the last letter without a meaning."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


async def verdicts(http: httpx.AsyncClient, path: str, tokens: Iterator[tuple[str, str]]) -> AsyncIterator[str]:
    """Ask a route that wants a token about each; yield `trick: status code` of those that are not refused as invalid.

    A 431 is a refusal too: a token longer than any header may be does not reach the judge.
    """
    for trick, token in tokens:
        answer = await http.get(path, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code not in (401, 431):
            yield f"{trick}: {answer.status_code}"


async def believed(http: httpx.AsyncClient, path: str, issuer: Issuer) -> list[str]:
    """Put the whole corpus before a service's route that any person may read; return what is wrong, in words."""
    forged = list(forged_tokens(issuer))
    assert len(forged) >= FORGED_MIN
    wrong = [f"believed: {each}" async for each in verdicts(http, path, iter(forged))]
    for key_id in (KEY_ID, OLDER_KEY_ID):
        answer = await http.get(path, headers={"Authorization": f"Bearer {issuer.token(headers={'kid': key_id})}"})
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            wrong.append(f"refused: a right token of the key {key_id}")
    return wrong
