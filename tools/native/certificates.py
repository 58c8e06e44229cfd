"""The gateway's self-signed certificate: for this machine only, replaced before it runs out."""

import datetime as dt
import ipaddress
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tools.native.accounts import write_private

LIFETIME = dt.timedelta(days=365)
RENEW_BEFORE_END = dt.timedelta(days=30)
# Clocks of other machines in the house may be behind.
BACKDATED = dt.timedelta(hours=1)

CERTIFICATE = "certificate.pem"
KEY = "certificate_key.pem"


def ensure(folder: Path, now: dt.datetime) -> None:
    """Makes the certificate and its key unless they are there, fit this machine and are valid for some time."""
    certificate = folder / CERTIFICATE
    if certificate.exists() and (folder / KEY).exists() and _is_good(certificate.read_bytes(), now):
        return
    certificate_pem, key_pem = make(names_of_this_machine(), now)
    write_private(folder / KEY, key_pem)
    write_private(certificate, certificate_pem)
    certificate.chmod(0o644)


def names_of_this_machine() -> list[str]:
    return sorted({"localhost", socket.gethostname()})


def make(names: list[str], now: dt.datetime) -> tuple[str, str]:
    """(certificate, key) as PEM text for these names and the loopback addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    loopback = [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
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


def _is_good(pem: bytes, now: dt.datetime) -> bool:
    certificate = x509.load_pem_x509_certificate(pem)
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        certificate.not_valid_after_utc - now > RENEW_BEFORE_END
        and sorted(named.get_values_for_type(x509.DNSName)) == names_of_this_machine()
    )
