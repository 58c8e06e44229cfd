"""Signatures that nobody made, and right ones that a careless verifier refuses: what ES256 demands, case by case.

The classes are those of Project Wycheproof's tests of ECDSA in this form and of JSON Web Signatures, as far as they are
about one curve and one hash; each is made anew for the key of the run, so that nothing but the signature is wrong.
"""

from collections.abc import Iterator
from itertools import product

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from kit.testing.forging import (
    FIELD_SIZE,
    GROUP_SIZE,
    RIGHT_HEADER,
    hashed,
    integer,
    numbers_of,
    part,
    signature_of,
    signed_by_nonce,
    signed_until,
    text_of,
)
from kit.testing.issuer import Issuer, right_claims

LENGTHS = (0, 1, 2, 8, 31, 32, 33, 48, 62, 63, 65, 66, 70, 72, 96, 128, 132, 256, 512)
WIDER = (33, 40, 48, 66)
FLIPPED_EVERY = 32
SMALL = 2**248
"""What is below begins with a byte of zeros."""


def forged_signatures(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """Yield (the trick, the token): everything before the signature is right."""
    text = f"{part(RIGHT_HEADER)}.{part(right_claims())}"
    for forge in (_of_the_edges, _of_the_equation, _changed, _in_another_form, _of_another_length, _of_something_else):
        for trick, signature in forge(issuer, text):
            yield f"signature: {trick}", f"{text}.{text_of(signature)}"
    admin = part(right_claims(role="admin"))
    right = text_of(signature_of(issuer.key, text))
    yield "claims exchanged after signing", f"{part(RIGHT_HEADER)}.{admin}.{right}"
    yield "header exchanged after signing", f"{part(dict(reversed(RIGHT_HEADER.items())))}.{text.split('.')[1]}.{right}"


def _of_the_edges(issuer: Issuer, text: str) -> Iterator[tuple[str, bytes]]:
    """What a verifier must know of the curve: zero, one, its sizes and their neighbours, and what is too large."""
    r, s = numbers_of(issuer.key, text)
    sizes = (GROUP_SIZE, FIELD_SIZE)
    edges = [0, 1, 2, *(size + by for size in sizes for by in (-1, 0, 1)), 2**256 - 1, r, s]
    for one, other in product(edges, edges):
        if (one, other) != (r, s):
            yield f"r = {one:x}, s = {other:x}", integer(one) + integer(other)


def _of_the_equation(issuer: Issuer, text: str) -> Iterator[tuple[str, bytes]]:
    """What makes the sum that a verifier computes end, begin or pass where addition is a special case."""
    public, secret = issuer.key.public_key().public_numbers(), issuer.key.private_numbers().private_value
    z, inverse = hashed(text) % GROUP_SIZE, pow(secret, -1, GROUP_SIZE)
    generator = ec.derive_private_key(1, ec.SECP256R1()).public_key().public_numbers()
    r, s = numbers_of(issuer.key, text)
    for other in (1, 2, s, GROUP_SIZE - 1):
        yield f"the sum is the point at infinity, s = {other:x}", integer(-z * inverse % GROUP_SIZE) + integer(other)
        yield f"both summands are one point, s = {other:x}", integer(z * inverse % GROUP_SIZE) + integer(other)
        yield f"r is the generator's, s = {other:x}", integer(generator.x % GROUP_SIZE) + integer(other)
        yield f"r is the key's, s = {other:x}", integer(public.x % GROUP_SIZE) + integer(other)
    yield "the key counts once", integer(r) + integer(r)
    yield "the generator counts once", integer(r) + integer(z)


def _changed(issuer: Issuer, text: str) -> Iterator[tuple[str, bytes]]:
    r, s = numbers_of(issuer.key, text)
    right = integer(r) + integer(s)
    others = {
        "n - r": (GROUP_SIZE - r, s),
        "n - r, n - s": (GROUP_SIZE - r, GROUP_SIZE - s),
        "r + 1": ((r + 1) % GROUP_SIZE, s),
        "s + 1": (r, (s + 1) % GROUP_SIZE),
        "1/r": (pow(r, -1, GROUP_SIZE), s),
        "1/s": (r, pow(s, -1, GROUP_SIZE)),
        "2r": (2 * r % GROUP_SIZE, s),
        "2s": (r, 2 * s % GROUP_SIZE),
        "p - r": (FIELD_SIZE - r, s) if r < FIELD_SIZE else (0, s),
        "swapped": (s, r),
    }
    for name, (one, other) in others.items():
        yield name, integer(one) + integer(other)
    for bit in range(0, len(right) * 8, FLIPPED_EVERY):
        flipped = bytearray(right)
        flipped[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit} flipped", bytes(flipped)
    yield "the last bit flipped", right[:-1] + bytes([right[-1] ^ 1])


def _in_another_form(issuer: Issuer, text: str) -> Iterator[tuple[str, bytes]]:
    r, s = numbers_of(issuer.key, text)
    der, right = encode_dss_signature(r, s), integer(r) + integer(s)
    yield "DER", der
    yield "DER, its length in two bytes", der[:1] + b"\x81" + der[1:]
    yield "DER, its length unsaid", der[:1] + b"\x80" + der[2:] + b"\x00\x00"
    yield "DER and a byte", der + b"\x00"
    yield "as hexadecimal digits", right.hex().encode()
    yield "as base64 once more", text_of(right).encode()
    yield "the lowest byte first", right[:32][::-1] + right[32:][::-1]
    yield "reversed", right[::-1]
    yield "byte by byte in turns", bytes(byte for pair in zip(right[:32], right[32:], strict=True) for byte in pair)
    yield "with the byte before a point", b"\x04" + right
    for size in WIDER:
        yield f"fields of {size} bytes", integer(r, size) + integer(s, size)
    for name, number in (("r", r), ("s", s)):
        for adds, size in ((GROUP_SIZE, 33), (256 * GROUP_SIZE, 34), (2**256, 33), (2**320, 41)):
            larger = [integer(each + adds if each is number else each, size) for each in (r, s)]
            yield f"{name} + {adds:x}", b"".join(larger)
            yield (
                f"{name} + {adds:x}, the other in 32 bytes",
                b"".join(
                    field if each is number else integer(each) for field, each in zip(larger, (r, s), strict=True)
                ),
            )


def _of_another_length(issuer: Issuer, text: str) -> Iterator[tuple[str, bytes]]:
    right = signature_of(issuer.key, text)
    for length in LENGTHS:
        yield f"the first {length} bytes, zeros behind", right[:length].ljust(length, b"\x00")
        yield f"the last {length} bytes, zeros before", right[-length:].rjust(length, b"\x00") if length else b"\x00"
    yield "doubled", right + right
    yield "all bits set", b"\xff" * 64


def _of_something_else(issuer: Issuer, text: str) -> Iterator[tuple[str, bytes]]:
    header, claims = text.split(".")
    spoken = {
        "the claims alone": claims,
        "the header alone": header,
        "claims before header": f"{claims}.{header}",
        "no point between": header + claims,
        "one point more": f"{text}.",
        "padding": f"{header}=.{claims}=",
        "a line's end": f"{text}\n",
        "nothing": "",
        "another token": f"{part(RIGHT_HEADER)}.{part(right_claims(role='admin'))}",
    }
    for name, said in spoken.items():
        yield f"of {name}", signature_of(issuer.key, said)
    for other in (hashes.SHA1(), hashes.SHA224(), hashes.SHA384(), hashes.SHA512(), hashes.SHA3_256()):  # noqa: S303
        r, s = decode_dss_signature(issuer.key.sign(text.encode(), ec.ECDSA(other)))
        yield f"over {other.name}", integer(r) + integer(s)
    for curve in (ec.SECP256K1(), ec.SECP384R1(), ec.SECP521R1()):
        size = (curve.key_size + 7) // 8
        stranger = ec.derive_private_key(issuer.key.private_numbers().private_value, curve)
        r, s = decode_dss_signature(stranger.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        yield f"by the same number on {curve.name}", integer(r, size) + integer(s, size)
    yield "Ed25519", ed25519.Ed25519PrivateKey.generate().sign(text.encode())


def right_signatures(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """Yield (what is unusual, the token): every judge must take these. A field keeps its zeros, s may be any half."""
    text = f"{part(RIGHT_HEADER)}.{part(right_claims())}"
    numbers = {
        "r begins with zeros": signed_until(issuer.key, text, lambda r, _: r < SMALL),
        "s begins with zeros": signed_until(issuer.key, text, lambda _, s: s < SMALL),
        "r has its highest bit": signed_until(issuer.key, text, lambda r, _: r >= 2**255),
        "s in the lower half": signed_until(issuer.key, text, lambda _, s: s <= GROUP_SIZE // 2),
        "s in the upper half": signed_until(issuer.key, text, lambda _, s: s > GROUP_SIZE // 2),
    }
    for nonce in (1, 2, 3, GROUP_SIZE - 1, GROUP_SIZE // 2, 2**128):
        numbers[f"signed with the nonce {nonce:x}"] = signed_by_nonce(issuer.key, text, nonce)
    for name, (r, s) in numbers.items():
        yield name, f"{text}.{text_of(integer(r) + integer(s))}"
