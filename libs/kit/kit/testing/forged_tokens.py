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
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kit.testing.forged_signatures import forged_signatures, right_signatures
from kit.testing.forging import RIGHT_HEADER, part, signature_of, signed, signed_text, text_of
from kit.testing.issuer import KEY_ID, OLDER_KEY_ID, Issuer, right_claims, spki

FORGED_MIN = 500
"""So many tokens at least: a judge who was asked about fewer has not been asked."""
DEEPER_THAN_PYTHON = 1_050
"""Lists within lists, that still fit into a token."""
OUTSIDE_BASE64URL = ("=", "==", "+", "/", "!", "%3D", " ")


def forged_tokens(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """Yield (the trick, the token)."""
    yield from _without_a_signature()
    yield from _another_algorithm(issuer)
    yield from _another_key(issuer)
    yield from _lying_key_ids(issuer)
    yield from forged_signatures(issuer)
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
        "the public point": public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        "the public point, compressed": public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        "the public key's x": public.public_numbers().x.to_bytes(32, "big"),
        "nothing": b"",
        "a blank": b" ",
        "the key id": KEY_ID.encode(),
    }
    for (name, secret), size in product(secrets.items(), (256, 384, 512)):
        text = f"{part(RIGHT_HEADER | {'alg': f'HS{size}'})}.{part(right_claims())}"
        yield f"HS{size} with {name}", f"{text}.{text_of(hmac.digest(secret, text.encode(), f'sha{size}'))}"
    algorithms = [f"{family}{size}" for family in ("RS", "PS", "HS") for size in (256, 384, 512)]
    for name in (*algorithms, "ES384", "ES512", "EdDSA", "es256", "ES256 ", "ES256K", "dir", "A256KW", "ECDH-ES"):
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
    yield (
        "x5t",
        signed(stranger, RIGHT_HEADER | {"x5t": text_of(hashlib.sha256(spki(stranger)).digest())}, right_claims()),
    )
    yield "jwk and jku", signed(stranger, RIGHT_HEADER | {"jwk": jwk, "jku": "https://evil.example/"}, right_claims())
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


def _wrong_headers(issuer: Issuer) -> Iterator[tuple[str, str]]:
    for typ in ("JWT", "at+jws", "AT+JWT+", "rt+jwt", "logout+jwt", "", None, 7):
        yield f"typ {typ!r}", signed(issuer.key, RIGHT_HEADER | {"typ": typ}, right_claims())
    yield "typ missing", signed(issuer.key, {"alg": "ES256", "kid": KEY_ID}, right_claims())
    yield "zip", signed(issuer.key, RIGHT_HEADER | {"zip": "DEF"}, right_claims())
    yield "cty JWT: a token within", signed(issuer.key, RIGHT_HEADER | {"cty": "JWT"}, issuer.token())
    yield "enc, as if encrypted", signed(issuer.key, RIGHT_HEADER | {"enc": "A256GCM"}, right_claims())
    for names in ([], "b64", None, ["exp", "exp"]):
        yield f"crit {names!r}", signed(issuer.key, RIGHT_HEADER | {"crit": names}, right_claims())
    unencoded = f"{part(RIGHT_HEADER | {'b64': False, 'crit': ['b64']})}.{json.dumps(right_claims())}"
    yield "b64 false, claims unencoded", f"{unencoded}.{text_of(signature_of(issuer.key, unencoded))}"
    for depth in (40, DEEPER_THAN_PYTHON):
        nested = text_of(f'{{"alg":"ES256","kid":"{KEY_ID}","typ":"at+jwt","x":{"[" * depth}{"]" * depth}}}'.encode())
        yield f"a header {depth} lists deep", signed_text(issuer.key, f"{nested}.{part(right_claims())}")
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
    yield "nothing between the points", f"{header}.."
    yield "no claims and no signature", f"{header}."
    yield "claims and signature alone", f"{claims}.{signature}"
    yield "a point before", f".{right}"
    yield "a point behind", f"{right}."
    for sign, at in product(OUTSIDE_BASE64URL, range(3)):
        parts = [header, claims, signature]
        for place in {0, len(parts[at]) // 2, len(parts[at])}:
            parts[at] = f"{right.split('.')[at][:place]}{sign}{right.split('.')[at][place:]}"
            if (token := ".".join(parts)).strip() == token:  # what stands before or behind is the header's, not ours
                yield f"{sign!r} at letter {place} of part {at}", token
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
    yield "the last letter's spare bits", _with_spare_bits(signed_text(issuer.key, text))
    yield "a letter too many in the claims", signed_text(issuer.key, f"{text}A")
    yield from _oddly_written(issuer)


def _oddly_written(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """JSON that a strict reader refuses and a kind one takes, in either part, rightly signed."""
    for name, right in (("header", json.dumps(RIGHT_HEADER)), ("claims", json.dumps(right_claims()))):
        body, first = right[:-1], right[1:]
        texts = {
            "a member twice": (f"{body}, {first.split(',')[0]}}}").encode(),
            "blanks around": f" \t\n{right}\r\n ".encode(),
            "a mark before the text": b"\xef\xbb\xbf" + right.encode(),
            "UTF-16": right.encode("utf-16"),
            "UTF-16 without a mark": right.encode("utf-16-le"),
            "a byte that is no UTF-8": body.encode() + b', "name": "\xff"}',
            "an overlong letter": body.encode() + b', "name": "\xc0\xaf"}',
            "half a surrogate pair": f'{body}, "name": "\\ud800"}}'.encode(),
            "a name escaped": right.replace('"', '"\\u0061', 1).replace("\\u0061a", "\\u0061").encode(),
            "NUL behind": right.encode() + b"\x00",
            "a second object behind": f"{right}{{}}".encode(),
            "a comma too many": f"{body},}}".encode(),
            "a comment": f"{right}//".encode(),
            "apostrophes": right.replace('"', "'").encode(),
            "a raw line's end in a text": f'{body}, "name": "a\nb"}}'.encode(),
            "a number with a leading zero": f'{body}, "name": 01}}'.encode(),
            "a number of 400 digits": f'{body}, "name": {"9" * 400}}}'.encode(),
            "NaN": f'{body}, "name": NaN}}'.encode(),
            "deep": f'{body}, "name": {"[" * 30}{"]" * 30}}}'.encode(),
            "very deep": f'{body}, "name": {"[" * DEEPER_THAN_PYTHON}{"]" * DEEPER_THAN_PYTHON}}}'.encode(),
        }
        for oddity, written in texts.items():
            parts = [part(RIGHT_HEADER), part(right_claims())]
            parts[name == "claims"] = text_of(written)
            yield f"{name}: {oddity}", signed_text(issuer.key, ".".join(parts))
    claims_twice = json.dumps(right_claims())[:-1] + ', "role": "admin"}'
    yield "a claim twice", signed_text(issuer.key, f"{part(RIGHT_HEADER)}.{text_of(claims_twice.encode())}")


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
    for what, token in right_tokens(issuer):
        answer = await http.get(path, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            wrong.append(f"refused: {what}")
    return wrong


def right_tokens(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """Yield (what is unusual, the token): what every judge must take, or it refuses people who did nothing wrong."""
    for key_id in (KEY_ID, OLDER_KEY_ID):
        yield f"a token of the key {key_id}", issuer.token(headers={"kid": key_id})
    yield from right_signatures(issuer)
