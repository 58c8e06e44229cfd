"""`python -m kit.migrate SERVICE`: bring a service's database to its newest version."""

import importlib.util
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from kit.settings import load, settings_config

SCRIPTS = Path(__file__).parent / "alembic"


def migrations_of(service: str) -> Path:
    """Find the folder of a service's migrations beside its package."""
    spec = importlib.util.find_spec(service)
    if spec is None or spec.origin is None:
        sys.exit(f"There is no service named {service!r} on the import path.")
    return Path(spec.origin).parent.parent / "migrations" / "versions"


def upgrade(service: str, url: str, to: str = "head") -> None:
    """Run what is missing of a service's migrations.

    Args:
        service: the import name, such as "trading".
        url: the owner role's address (postgresql+asyncpg://…).
        to: the revision to stop at; a test of a migration begins with the one before.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("version_locations", str(migrations_of(service)))
    config.set_main_option("path_separator", "newline")
    config.attributes["service"] = service
    config.attributes["url"] = url
    command.upgrade(config, to)


def main(service: str) -> None:
    """Read the owner role's address from the settings and upgrade."""

    class MigrationSettings(BaseSettings):
        model_config = settings_config(f"{service.upper()}_")
        owner_database_url: SecretStr

    upgrade(service, load(MigrationSettings).owner_database_url.get_secret_value())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m kit.migrate SERVICE")
    main(sys.argv[1])
