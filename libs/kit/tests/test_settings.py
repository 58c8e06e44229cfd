"""Settings: all problems at once, each with its fix; nothing guessable in use."""

from pathlib import Path

import pytest
from kit.settings import ServiceSettings, load, settings_config, strong

GOOD = "postgresql+asyncpg://x_app:Zr7kQm2vX9pLw4Nt8Hb3Jd6Fs1Gy5Ac0@127.0.0.1/x"
ADDRESSES = ("DATABASE_URL", "SYSTEM_DATABASE_URL", "AMQP_URL", "REDIS_URL")


class Settings(ServiceSettings):
    model_config = settings_config("NOTICEBOARD_")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("EXODUS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("NOTICEBOARD_HTTP_PORT", "8001")
    monkeypatch.setenv("NOTICEBOARD_WORKER_PORT", "8002")
    monkeypatch.setenv("NOTICEBOARD_JWKS_URL", "http://127.0.0.1/jwks")
    for name in ADDRESSES:
        (tmp_path / f"noticeboard_{name.lower()}").write_text(GOOD)
    return monkeypatch


def test_values_come_from_the_environment_and_from_secret_files(environment: pytest.MonkeyPatch) -> None:
    settings = load(Settings)
    assert settings.http_port == 8001
    assert settings.database_url.get_secret_value() == GOOD
    assert "Zr7k" not in repr(settings)


def test_every_problem_is_told_at_once_with_its_fix(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("NOTICEBOARD_HTTP_PORT", "70000")
    (tmp_path / "noticeboard_redis_url").unlink()
    with pytest.raises(SystemExit) as left:
        load(Settings)
    message = str(left.value)
    assert "NOTICEBOARD_HTTP_PORT" in message
    assert "NOTICEBOARD_REDIS_URL" in message
    assert str(tmp_path / "noticeboard_redis_url") in message


@pytest.mark.requirement("R-56")
@pytest.mark.parametrize("password", ["", "password", "a" * 40, "exodus-exodus-exodus-exodus-exodus-1234", "short1A"])
def test_a_guessable_password_in_an_address_is_refused(environment: pytest.MonkeyPatch, password: str) -> None:
    environment.setenv("NOTICEBOARD_AMQP_URL", f"amqp://user:{password}@127.0.0.1/")
    with pytest.raises(SystemExit, match="NOTICEBOARD_"):
        load(Settings)


def test_a_strong_secret_passes() -> None:
    assert strong("Zr7kQm2vX9pLw4Nt8Hb3Jd6Fs1Gy5Ac0")
