"""The web client is built when what it is made of has changed, and only then."""

from pathlib import Path

import pytest

from tools import web


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A client of two files that was built."""
    (tmp_path / "src").mkdir()
    (tmp_path / "dist").mkdir()
    (tmp_path / "src" / "main.tsx").write_text("one")
    (tmp_path / "index.html").write_text("page")
    for name, path in {"WEB": tmp_path, "DIST": tmp_path / "dist", "STAMP": tmp_path / "dist" / ".made-from"}.items():
        monkeypatch.setattr(web, name, path)
    web.STAMP.write_text(web.sources_digest())
    return tmp_path


def test_a_client_made_from_these_very_sources_is_not_made_again(client: Path) -> None:
    before = web.STAMP.stat().st_mtime_ns
    web.build()
    assert web.STAMP.stat().st_mtime_ns == before
    assert not (client / "node_modules").exists()


def test_whatever_changes_in_the_sources_asks_for_a_new_one(client: Path) -> None:
    made_from = web.sources_digest()
    (client / "src" / "main.tsx").write_text("two")
    changed = web.sources_digest()
    (client / "src" / "main.tsx").rename(client / "src" / "start.tsx")
    assert len({made_from, changed, web.sources_digest()}) == 3


def test_what_is_built_is_not_what_it_is_built_from(client: Path) -> None:
    made_from = web.sources_digest()
    (client / "dist" / "index.html").write_text("built")
    assert web.sources_digest() == made_from
