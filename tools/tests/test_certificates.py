"""The gateway's certificate: our own renews itself, and one that its operator brings is shown at once and stays."""

import datetime as dt
import shutil
import socket
import ssl
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from kit.testing.serving import free_port

from tools.native import certificates, edge, packages
from tools.native import layout as layouts
from tools.native.errors import StackError
from tools.native.layout import EVERYWHERE, Layout
from tools.native.ports import Ports
from tools.native.reloading import reload_gateway
from tools.people import Gateway

NOW = dt.datetime.now(dt.UTC)
HOST = "exodus.example"
ANOTHER_ADDRESS_OF_THIS_MACHINE = "127.0.0.2"
PATIENCE_SECONDS = 60


@pytest.fixture(autouse=True)
def nothing_is_left_in_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "UNREACHABLE_STATE_PARENT", tmp_path)


@dataclass(frozen=True)
class Signer:
    """An authority as certbot's or Synology's is: a certificate of its own, and the key that signs others."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls) -> "Signer":
        key, name = ec.generate_private_key(ec.SECP256R1()), _named("an authority")
        certificate = _certificate(name, name, key.public_key(), NOW, authority=True).sign(key, hashes.SHA256())
        return cls(certificate, key)

    def signs_another(self) -> "Signer":
        key = ec.generate_private_key(ec.SECP256R1())
        asked = _certificate(
            _named("who signs for it"), self.certificate.subject, key.public_key(), NOW, authority=True
        )
        return Signer(asked.sign(self.key, hashes.SHA256()), key)

    def issue(
        self, folder: Path, now: dt.datetime = NOW, how: KeySerializationEncryption | None = None
    ) -> tuple[Path, Path]:
        """Write a certificate for HOST with its signer behind it, and its key, as certbot lays them down."""
        key = ec.generate_private_key(ec.SECP256R1())
        asked = _certificate(_named(HOST), self.certificate.subject, key.public_key(), now, authority=False)
        leaf = asked.sign(self.key, hashes.SHA256())
        folder.mkdir()
        chain, private = folder / "fullchain.pem", folder / "privkey.pem"
        chain.write_bytes(leaf.public_bytes(Encoding.PEM) + self.certificate.public_bytes(Encoding.PEM))
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how or NoEncryption()))
        return chain, private


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, *, authority: bool
) -> x509.CertificateBuilder:
    asked = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=89))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    names = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    return asked if authority else asked.add_extension(names, critical=False)


def what_is_shown(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / certificates.CERTIFICATE).read_bytes())


# --- our own


@pytest.mark.requirement("R-51")
def test_our_certificate_names_this_machine_and_is_valid_for_a_year_at_most(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, NOW)
    made = what_is_shown(tmp_path)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", socket.gethostname()} == set(certificates.names_in(made))
    assert {"127.0.0.1", "::1"} == {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert made.not_valid_after_utc - made.not_valid_before_utc <= dt.timedelta(days=366)
    assert stat.S_IMODE((tmp_path / certificates.KEY).stat().st_mode) == 0o600


def test_our_certificate_is_kept_until_it_is_about_to_end(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, NOW)
    first = what_is_shown(tmp_path).serial_number
    certificates.ensure(tmp_path, NOW + dt.timedelta(days=300))
    assert what_is_shown(tmp_path).serial_number == first
    certificates.ensure(tmp_path, NOW + dt.timedelta(days=340))
    assert what_is_shown(tmp_path).serial_number != first


# --- one that was brought


def test_a_certificate_that_was_brought_stays_even_when_it_has_ended(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, NOW)
    chain, key = Signer.new().issue(tmp_path / "brought")
    brought = certificates.bring([tmp_path], chain, key, NOW)
    for later in (NOW, NOW + dt.timedelta(days=400)):
        certificates.ensure(tmp_path, later)
        assert what_is_shown(tmp_path) == brought
    assert certificates.names_in(brought) == [HOST]
    assert (tmp_path / certificates.KEY).read_text() == key.read_text()


def test_where_everybody_may_read_the_key_a_new_one_can_be_read_too(tmp_path: Path) -> None:
    """In containers the folder above it is shut, and nginx has another account than whoever wrote it."""
    certificates.ensure(tmp_path, NOW)
    (tmp_path / certificates.KEY).chmod(0o644)
    certificates.bring([tmp_path], *Signer.new().issue(tmp_path / "brought"), NOW)
    assert stat.S_IMODE((tmp_path / certificates.KEY).stat().st_mode) == 0o644


def test_what_cannot_serve_is_refused_in_words_and_nothing_is_changed(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, NOW)
    before = what_is_shown(tmp_path), (tmp_path / certificates.KEY).read_bytes()
    signer = Signer.new()
    chain, key = signer.issue(tmp_path / "good")
    _, other_key = signer.issue(tmp_path / "other")
    ended, its_key = signer.issue(tmp_path / "ended", NOW - dt.timedelta(days=100))
    sealed, sealed_key = signer.issue(tmp_path / "sealed", how=BestAvailableEncryption(b"a passphrase"))
    for files, why in {
        (chain, other_key): "is not the key of",
        (ended, its_key): "is valid from",
        (sealed, sealed_key): "without a passphrase",
        (key, chain): "have to be PEM files",
    }.items():
        with pytest.raises(StackError, match=why):
            certificates.bring([tmp_path], *files, NOW)
    assert (what_is_shown(tmp_path), (tmp_path / certificates.KEY).read_bytes()) == before


# --- on a gateway that runs


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Layout]:
    """The gateway of a stack of which nothing else runs, open to other machines."""
    ports = Ports(gateway=free_port(), gateway_http=free_port())
    layout = replace(Layout(layouts.settle(tmp_path / "stack"), ports), listens_at=EVERYWHERE)
    layout.gateway.mkdir()
    (layout.gateway / "keys.json").write_text("{}")
    certificates.ensure(layout.gateway, NOW)
    command = edge.program(layout, packages.ensure()).command
    output = tmp_path / "nginx.out"
    with output.open("wb") as said:
        process = subprocess.Popen(
            command[command.index(str(packages.ensure().nginx)) :], cwd=tmp_path, stdout=said, stderr=said
        )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _listens(ports.gateway):
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)
        yield layout
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((ANOTHER_ADDRESS_OF_THIS_MACHINE, port), timeout=5).close()
    except OSError:
        return False
    return True


def shown_by(layout: Layout, context: ssl.SSLContext) -> bytes | None:
    """The certificate that somebody at another machine sees who asks for HOST, in DER; none when it is not trusted."""
    address = (ANOTHER_ADDRESS_OF_THIS_MACHINE, layout.ports.gateway)
    try:
        with (
            socket.create_connection(address, timeout=PATIENCE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as connection,
        ):
            return connection.getpeercert(binary_form=True)
    except ssl.SSLCertVerificationError:
        return None


@pytest.mark.requirement("R-51")
def test_a_running_gateway_takes_a_brought_certificate_and_its_renewal_over(gateway: Layout, tmp_path: Path) -> None:
    root = Signer.new()
    browser = ssl.create_default_context(cadata=root.certificate.public_bytes(Encoding.PEM).decode())
    assert shown_by(gateway, browser) is None
    signer = root.signs_another()
    for number in range(2):
        files = signer.issue(tmp_path / f"number {number}")
        brought = certificates.bring(gateway.gateway_folders(), *files, NOW)
        reload_gateway(gateway)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while shown_by(gateway, browser) != brought.public_bytes(Encoding.DER):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    ours = Gateway(f"https://localhost:{gateway.ports.gateway}", gateway.gateway / certificates.CERTIFICATE)
    assert shown_by(gateway, ours.trust) is not None, "our own programs go on"
    shutil.copyfile(tmp_path / "number 0" / "fullchain.pem", tmp_path / "before.pem")
    stranger = Gateway(ours.url, tmp_path / "before.pem")
    assert shown_by(gateway, stranger.trust) is None, "another certificate of the same signer is not ours"


# --- whom the gateway lets in


def test_a_stack_listens_to_this_machine_alone_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    told = {"EXODUS_STACK_DIR": str(tmp_path / "stack")}
    assert Layout.from_environment(told).listens_at == "127.0.0.1"
    assert Layout.from_environment(told | {"EXODUS_LISTEN": EVERYWHERE}).listens_at == EVERYWHERE
    with pytest.raises(StackError, match=r"EXODUS_LISTEN=10\.0\.0\.1 is neither"):
        Layout.from_environment(told | {"EXODUS_LISTEN": "10.0.0.1"})


def test_the_operator_may_name_the_networks_that_come_in(tmp_path: Path) -> None:
    told = {"EXODUS_STACK_DIR": str(tmp_path / "stack")}
    assert Layout.from_environment(told).allowed == ()
    named = Layout.from_environment(told | {"EXODUS_ALLOW": "192.168.0.0/16, 10.8.0.2"})
    assert named.allowed == ("192.168.0.0/16", "10.8.0.2")
    with pytest.raises(StackError, match=r"EXODUS_ALLOW: 10\.0\.0\.1/8 has host bits set"):
        Layout.from_environment(told | {"EXODUS_ALLOW": "10.0.0.1/8"})
