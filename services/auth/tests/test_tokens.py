"""Access tokens: ours are accepted, everything else is not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from auth.config import Settings
from auth.keyring import Keyring, read_keys
from auth.resources import signer_of
from auth.tokens import Claims, TokenSigner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from kit.clock import now
from kit.errors import Unauthenticated
from kit.ids import new_id

from tools.native.signing_keys import thumbprint

KINDS = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def signer(key: ec.EllipticCurvePrivateKey) -> TokenSigner:
    return TokenSigner(Keyring(key.private_bytes(*KINDS).decode()), issuer="exodus", audience="exodus", ttl_seconds=600)


def claims() -> Claims:
    return Claims(new_id(), new_id(), new_id(), "user", "김하늘")


@pytest.mark.requirement("R-42")
async def test_a_token_says_who_for_how_long_and_by_which_key(signer: TokenSigner) -> None:
    said, moment = claims(), now()
    token = signer.sign(said, moment)
    identity = await signer.verifier().verify(token)
    assert (identity.user_id, identity.session_id, identity.role) == (said.subject, said.session_id, "user")
    assert identity.name == "김하늘"
    assert identity.expires_at == moment.replace(microsecond=0) + timedelta(seconds=600)
    assert jwt.get_unverified_header(token) == {
        "alg": "ES256",
        "typ": "at+jwt",
        "kid": signer.keys.signing(now()).key_id,
    }


async def test_the_key_id_is_the_thumbprint_the_gateway_computes(
    signer: TokenSigner, key: ec.EllipticCurvePrivateKey
) -> None:
    assert signer.keys.signing(now()).key_id == thumbprint(key.public_key())
    public = jwt.PyJWK(signer.jwks()["keys"][0]).key
    assert public.public_numbers() == key.public_key().public_numbers()
    assert "d" not in signer.jwks()["keys"][0]


def _payload(change: dict[str, Any]) -> dict[str, Any]:
    moment = int(now().timestamp())
    payload = {"iss": "exodus", "aud": "exodus", "sub": str(new_id()), "sid": str(new_id()), "jti": str(new_id())}
    return {**payload, "iat": moment, "exp": moment + 600, "role": "user", **change}


CHANGES: list[dict[str, Any]] = [
    {"exp": 1},
    {"iss": "exodus.evil"},
    {"aud": "somebody else"},
    {"aud": ["exodus", "somebody else"]},
    {"sub": "not an id"},
    {"sid": None},
    {"iat": 99_999_999_999},
]


@pytest.mark.requirement("R-42")
@pytest.mark.parametrize("change", CHANGES)
async def test_a_token_with_a_false_claim_is_refused_though_our_key_signed_it(
    signer: TokenSigner, key: ec.EllipticCurvePrivateKey, change: dict[str, Any]
) -> None:
    token = jwt.encode(
        _payload(change), key, "ES256", headers={"typ": "at+jwt", "kid": signer.keys.signing(now()).key_id}
    )
    with pytest.raises(Unauthenticated):
        await signer.verifier().verify(token)


FORGERIES: list[Callable[[str], str]] = [
    lambda kid: jwt.encode(_payload({}), None, "none", headers={"typ": "at+jwt", "kid": kid}),
    lambda kid: jwt.encode(_payload({}), b"x" * 32, "HS256", headers={"typ": "at+jwt", "kid": kid}),
    lambda kid: jwt.encode(
        _payload({}), ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"typ": "at+jwt", "kid": kid}
    ),
    lambda _: jwt.encode(
        _payload({}), ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"typ": "at+jwt", "kid": "../key"}
    ),
    lambda _: "not.a.token",
    lambda _: "x" * 5000,
]


@pytest.mark.requirement("R-42")
@pytest.mark.parametrize("forge", FORGERIES)
async def test_a_forged_token_is_refused(signer: TokenSigner, forge: Callable[[str], str]) -> None:
    with pytest.raises(Unauthenticated):
        await signer.verifier().verify(forge(signer.keys.signing(now()).key_id))


@pytest.mark.requirement("R-42")
async def test_a_changed_payload_breaks_the_signature(signer: TokenSigner) -> None:
    head, body, signature = signer.sign(claims(), now()).split(".")
    other = signer.sign(claims(), now()).split(".")[1]
    for token in (f"{head}.{other}.{signature}", f"{head}.{body}.", f"{head}.{body}.{'A' * 86}"):
        with pytest.raises(Unauthenticated):
            await signer.verifier().verify(token)


def test_a_key_of_another_kind_is_refused_at_the_start() -> None:
    for other in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(ValueError, match="P-256"):
            read_keys(other.private_bytes(*KINDS).decode())


def test_settings_show_no_secret(settings: Settings) -> None:
    shown = repr(settings)
    assert "PRIVATE KEY" not in shown
    assert settings.service_secrets["backtest"].get_secret_value() not in shown
    assert signer_of(settings).ttl_seconds == 600
