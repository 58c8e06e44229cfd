"""Every setting of notification."""

from pathlib import Path
from typing import Annotated, Literal, Self

from kit.settings import Port, ServiceSettings, StrongSecret, settings_config
from pydantic import AwareDatetime, Field, SecretStr, model_validator


class Settings(ServiceSettings):
    """Read once, in app.py and worker.py."""

    model_config = settings_config("NOTIFICATION_")

    market_url: str
    """Where market answers its neighbours: alerts on rules are judged on its bars."""
    auth_url: str
    service_secret: StrongSecret
    """Proves who we are to auth, for a token of our own."""
    stream_days: Annotated[int, Field(ge=1, le=90)] = 7
    """How long a client may be away and still resume; older messages are forgotten."""
    inbox_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """How long notices stay in the inbox."""
    delivery_days: Annotated[int, Field(ge=1, le=365)] = 30
    """How long the log of deliveries is kept."""
    sealing_key: StrongSecret
    """Seals the secrets of channels and makes the key of web push: one key, or several, the newest first.

    `./exodus admin rotate-sealing notification` adds one. Whoever loses them has to connect channels again.
    """
    public_url: str = "https://localhost:8443"
    """Where people reach the platform: messages that need a link point there."""

    smtp_host: str | None = None
    """The operator's mail server; without one no mail channel is offered."""
    smtp_port: Port = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "Exodus <exodus@localhost>"
    telegram_token: SecretStr | None = None
    """The token of the operator's bot; without one no Telegram channel is offered."""
    telegram_api_url: str = "https://api.telegram.org"
    kakao_client_id: str | None = None
    """The operator's application at Kakao (its REST API key); without one no KakaoTalk channel is offered."""
    kakao_client_secret: SecretStr | None = None
    kakao_auth_url: str = "https://kauth.kakao.com"
    kakao_api_url: str = "https://kapi.kakao.com"
    slack_url: str = "https://hooks.slack.com/"
    discord_url: str = "https://discord.com/api/webhooks/"
    """Slack's and Discord's addresses begin like this, or they are none."""
    push_contact: str = "mailto:exodus@localhost"
    """Whom a push service may write to when something is wrong with our pushes."""
    dead_man_url: SecretStr | None = None
    """An address outside that expects a ping; when none comes it is they who raise the alarm."""
    dead_man_seconds: Annotated[int, Field(ge=10, le=3600)] = 60
    backup_counted_from_file: Path | None = None
    """The file that says from when the age of backups counts; None where nobody takes any."""
    backup_age_hours_max: Annotated[int, Field(ge=1, le=24 * 365)] = 26
    """Older than that, all is not well: no dead-man ping goes out."""
    restored_at: AwareDatetime | None = None
    """What happened before this moment came out of a backup: people were told of it then, and are not told again."""
    outgoing_loopback: bool = False
    """For tests alone: lets messages go to this very machine, over plain http."""

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> Self:
        if self.smtp_security == "none" and self.smtp_username is not None:
            raise ValueError("smtp_security none would send the mail server's password in the clear: use starttls")
        return self

    @model_validator(mode="after")
    def _loopback_in_tests_only(self) -> Self:
        if self.outgoing_loopback and self.environment != "test":
            raise ValueError("outgoing_loopback is for tests: it would let people reach this machine from inside")
        return self

    @property
    def days_kept(self) -> tuple[int, int, int]:
        """How long stream, inbox and deliveries are kept."""
        return self.stream_days, self.inbox_days, self.delivery_days
