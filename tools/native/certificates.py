"""The gateway's certificate: our own, for this machine only and renewed by itself, or one that its operator brought."""

import datetime as dt
import ipaddress
import socket
import stat
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tools.native.accounts import write_private
from tools.native.errors import StackError

LIFETIME = dt.timedelta(days=365)
RENEW_BEFORE_END = dt.timedelta(days=30)
# Clocks of other machines in the house may be behind.
BACKDATED = dt.timedelta(hours=1)

CERTIFICATE = "certificate.pem"
KEY = "certificate_key.pem"
OURS = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
"""Whom our own certificate is of, and by: nobody else signs in this name."""


def ensure(folder: Path, now: dt.datetime) -> None:
    """Makes the certificate and its key unless they are there, fit this machine and are valid for some time.

    What somebody brought stays, whatever it says: only who has it signed can renew it.
    """
    certificate = folder / CERTIFICATE
    if certificate.exists() and (folder / KEY).exists() and not _needs_renewal(certificate.read_bytes(), now):
        return
    certificate_pem, key_pem = make(names_of_this_machine(), now)
    write_private(folder / KEY, key_pem)
    write_private(certificate, certificate_pem, mode=0o644)


def bring(folders: Iterable[Path], chain: Path, key: Path, now: dt.datetime) -> x509.Certificate:
    """Puts a certificate that others signed in the place of what each folder has, after a look whether it can serve.

    Args:
        folders: where a gateway has its certificate; the key keeps the rights that the one before has.
        chain: PEM, the certificate first and then who signed it (certbot's `fullchain.pem`).
        key: PEM, without a passphrase (certbot's `privkey.pem`).
        now: an aware datetime.

    Raises:
        StackError: when they are not what they should be; nothing is changed then.
    """
    chain_pem, key_pem = chain.read_text(), key.read_text()
    try:
        certificate = x509.load_pem_x509_certificates(chain_pem.encode())[0]
        public = serialization.load_pem_private_key(key_pem.encode(), password=None).public_key()
    except (ValueError, TypeError) as error:  # a passphrase is a TypeError
        raise StackError(f"{chain} and {key} have to be PEM files, the key without a passphrase: {error}") from error
    if public != certificate.public_key():
        raise StackError(f"{key} is not the key of the first certificate in {chain}")
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise StackError(
            f"{chain} is valid from {certificate.not_valid_before_utc} to {certificate.not_valid_after_utc}, not now"
        )
    for folder in folders:
        before = folder / KEY
        write_private(before, key_pem, mode=stat.S_IMODE(before.stat().st_mode) if before.exists() else 0o600)
        write_private(folder / CERTIFICATE, chain_pem, mode=0o644)
    return certificate


def names_in(certificate: x509.Certificate) -> list[str]:
    """The host names that a certificate is for; none when it does not say."""
    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return sorted(named.get_values_for_type(x509.DNSName))


def names_of_this_machine() -> list[str]:
    return sorted({"localhost", socket.gethostname()})


def make(names: list[str], now: dt.datetime) -> tuple[str, str]:
    """(certificate, key) as PEM text for these names and the loopback addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    loopback = [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(OURS)
        .issuer_name(OURS)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now - BACKDATED + LIFETIME)
        .add_extension(
            x509.SubjectAlternativeName([*(x509.DNSName(each) for each in names), *loopback]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )


def _needs_renewal(pem: bytes, now: dt.datetime) -> bool:
    certificate = x509.load_pem_x509_certificates(pem)[0]
    return certificate.issuer == OURS and (
        certificate.not_valid_after_utc - now <= RENEW_BEFORE_END or names_in(certificate) != names_of_this_machine()
    )
