"""The dead-man ping: heard while all is well, silent when it is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import pytest
from kit.errors import Unavailable
from notification.config import Settings
from notification.dead_man import DeadMan, require_young_backup
from pydantic import ValidationError

from services.notification.tests.outside import outside_world
from services.notification.tests.people import running, until

ADDRESSES = ("database_url", "system_database_url", "amqp_url", "redis_url")


async def well() -> None:
    """Nothing is wrong."""


async def ill() -> None:
    raise Unavailable("The database does not answer.")


async def test_it_pings_again_and_again_while_all_is_well() -> None:
    async with outside_world() as world, running(DeadMan(f"{world.url}/alive", 0, well).run()):

        async def pings() -> int:
            return len(world.at("/alive"))

        assert await until(pings, lambda count: count >= 3) >= 3


async def test_it_is_silent_when_a_check_fails() -> None:
    async with outside_world() as world:
        assert not await DeadMan(f"{world.url}/alive", 60, ill).ping()
        assert world.heard == []


@pytest.mark.requirement("R-58")
def test_an_old_backup_and_one_whose_age_nobody_knows_are_not_well(tmp_path: Path) -> None:
    file, now = tmp_path / "counted_from", datetime(2026, 11, 26, 12, tzinfo=UTC)
    file.write_text((now - timedelta(hours=26)).isoformat())
    require_young_backup(file, 26, now)
    with pytest.raises(Unavailable, match="27 hours old"):
        require_young_backup(file, 26, now + timedelta(hours=1))
    for text in ("yesterday", "2026-11-26T11:00:00"):
        file.write_text(text)
        with pytest.raises(Unavailable, match="not known"):
            require_young_backup(file, 26, now)
    with pytest.raises(Unavailable, match="not known"):
        require_young_backup(tmp_path / "missing", 26, now)


async def test_an_outside_that_is_away_disturbs_nobody() -> None:
    assert not await DeadMan("http://127.0.0.1:9/alive", 60, well).ping()


def test_loopback_is_let_through_in_tests_only(settings: Settings) -> None:
    strong = {name: f"postgresql://x:{token_hex(32)}@h/d" for name in ADDRESSES}
    values = {**settings.model_dump(), **strong, "environment": "development"}
    with pytest.raises(ValidationError, match="outgoing_loopback is for tests"):
        Settings(**values)
