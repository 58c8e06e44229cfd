"""Every setting of auth."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from kit.settings import Port, ServiceSettings, StrongSecret, settings_config
from pydantic import AfterValidator, Field, SecretStr, model_validator

from auth.domain.session import Lifetimes
from auth.keyring import read_keys
from auth.providers.settings import ProviderSettings

PROVIDERS_MAX = 20
ProviderName = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]


def _usable_key(pem: SecretStr) -> SecretStr:
    read_keys(pem.get_secret_value())
    return pem


class Settings(ServiceSettings):
    """Read once, in app.py, worker.py and admin.py."""

    model_config = settings_config("AUTH_")

    signing_key: Annotated[SecretStr, AfterValidator(_usable_key)]
    """P-256 private keys as PEM text (keyring.py): `openssl ecparam -name prime256v1 -genkey -noout` makes a first."""
    service_secrets: dict[str, StrongSecret]
    """Which services may ask for a token, and by what secret: a JSON object."""
    sealing_key: StrongSecret
    """What second factors and API keys are sealed by: one key, or several, the newest first.

    `./exodus admin rotate-sealing auth` adds one. Whoever loses them makes everybody enroll and get keys anew.
    """
    public_url: Annotated[str, Field(pattern=r"^https?://[^/?#\s]+$")] = "https://localhost:8443"
    """Where people reach the platform: links in mails, passkeys and social log-ins are bound to it."""
    audit_anchor_file: Path | None = None
    """Where the head of the audit log is written down outside the database; only ever appended to."""
    audit_anchor_command: str | None = None
    """A command that takes each head on its standard input and keeps it somewhere else still."""
    token_ttl_seconds: Annotated[int, Field(ge=60, le=3600)] = 600
    refresh_ttl_days: Annotated[int, Field(ge=1, le=90)] = 7
    session_ttl_days: Annotated[int, Field(ge=1, le=365)] = 30
    """A session ends after this, however busy it is."""
    hashes_at_once: Annotated[int, Field(ge=1, le=16)] = 1
    """Passwords hashed side by side; each takes a core for about 25 ms and 19 MiB."""
    hashing_niceness: Annotated[int, Field(ge=0, le=19)] = 10
    """How far hashing steps back behind everything else on the machine; 0: not at all."""

    service_urls: Annotated[str, Field(pattern=r"^(?:[a-z]+=https?://[^/?#\s,]+(?:,|$))*$", max_length=1000)] = ""
    """Where each service answers the platform's own, for exports: `trading=http://host:port,market=...`."""
    oauth_providers: Annotated[
        dict[ProviderName, ProviderSettings], Field(default_factory=dict, max_length=PROVIDERS_MAX)
    ]
    """Providers people may log in by, as a JSON object: name → kind, client_id, client_secret, issuer for oidc."""
    smtp_host: str | None = None
    """The operator's mail server; without one no mail is sent, and nothing waits for any."""
    smtp_port: Port = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "Exodus <exodus@localhost>"
    verify_email: bool = True
    """With a mail server: whether an account waits until its address is verified."""

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> Self:
        if self.smtp_security == "none" and self.smtp_username is not None:
            raise ValueError("smtp_security none would send the mail server's password in the clear: use starttls")
        return self

    @property
    def url_of(self) -> dict[str, str]:
        """Where each service answers, by name."""
        return dict(pair.split("=", 1) for pair in self.service_urls.split(",") if pair)

    @property
    def sends_mail(self) -> bool:
        """Whether there is a mail server."""
        return self.smtp_host is not None

    @property
    def lifetimes(self) -> Lifetimes:
        """How long refresh tokens and sessions live."""
        return Lifetimes(timedelta(days=self.refresh_ttl_days), timedelta(days=self.session_ttl_days))
