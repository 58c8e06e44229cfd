"""Settings of a service: read once from environment and secret files, refused as a whole when anything is wrong."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRET_LENGTH_MIN = 32
SECRET_DISTINCT_MIN = 10
SECRETS_DIRECTORY = Path("/run/secrets")
KNOWN_WEAK = ("password", "secret", "changeme", "change-me", "example", "exodus", "guest", "postgres", "admin")


def strong(secret: str, name: str = "secret") -> str:
    """Return the secret if nobody could guess it.

    Raises:
        ValueError: when it is short, repetitive, or built on a word everybody tries first.
    """
    if len(secret) < SECRET_LENGTH_MIN:
        raise ValueError(f"the {name} needs at least {SECRET_LENGTH_MIN} characters: try `openssl rand -hex 32`")
    if len(set(secret)) < SECRET_DISTINCT_MIN or any(word in secret.lower() for word in KNOWN_WEAK):
        raise ValueError(f"the {name} is guessable: try `openssl rand -hex 32`")
    return secret


def _strong_secret(value: SecretStr) -> SecretStr:
    strong(value.get_secret_value())
    return value


StrongSecret = Annotated[SecretStr, AfterValidator(_strong_secret)]
Port = Annotated[int, Field(ge=1, le=65535)]


class ServiceSettings(BaseSettings):
    """What every service needs. A subclass sets `model_config = settings_config("TRADING_")` and adds its own."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: Literal["development", "test", "production"] = "production"
    http_port: Port
    worker_port: Port
    worker_host: str = "127.0.0.1"
    """Where a worker's health and metrics answer; in a container, 0.0.0.0."""
    database_url: SecretStr
    """The app role's address: row-level security applies."""
    system_database_url: SecretStr
    """The worker role's address: sees every owner by explicit policy."""
    amqp_url: SecretStr
    redis_url: SecretStr
    jwks_url: str
    token_issuer: str = "exodus"  # noqa: S105 - a name
    token_audience: str = "exodus"  # noqa: S105 - a name
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 10

    @model_validator(mode="after")
    def _passwords_are_strong(self) -> "ServiceSettings":
        if self.environment == "test":
            return self
        for field in ("database_url", "system_database_url", "amqp_url", "redis_url"):
            address: SecretStr = getattr(self, field)
            strong(urlsplit(address.get_secret_value()).password or "", f"password inside {field}")
        return self


def settings_config(prefix: str) -> SettingsConfigDict:
    """Return the configuration of a settings class whose variables and secret files begin with `prefix`."""
    return SettingsConfigDict(env_prefix=prefix, frozen=True, extra="ignore")


S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S]) -> S:
    """Read settings from the environment and from files in EXODUS_SECRETS_DIR; leave with every problem listed."""
    prefix = str(kind.model_config.get("env_prefix", ""))
    directory = secrets_directory()
    try:
        return kind(_secrets_dir=directory if directory.is_dir() else None)
    except ValidationError as invalid:
        sys.exit("\n".join(_explain(invalid, prefix, directory)))


def secrets_directory() -> Path:
    """Return where secrets lie that are given as files, each under its variable's name in lower case."""
    return Path(os.environ.get("EXODUS_SECRETS_DIR", SECRETS_DIRECTORY))


def _explain(invalid: ValidationError, prefix: str, directory: Path) -> Iterable[str]:
    yield f"{invalid.error_count()} setting(s) cannot be used:"
    for problem in invalid.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in problem["loc"]) or "settings"
        variable = f"{prefix}{name}".upper()
        yield f"  {variable}: {problem['msg']} (set {variable}, or write the file {directory / variable.lower()})"
