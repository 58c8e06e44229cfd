"""What the guides name exists: settings, switches, commands and files."""

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

from tools import cli
from tools.native.layout import ROOT
from tools.native.ports import SERVICES

GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SETTING = re.compile(rf"`(?P<service>{'|'.join(SERVICES)})/(?P=service)_(?P<name>[a-z_]+)`")
SWITCH = re.compile(r"\bEXODUS_[A-Z_]+")
COMMAND = re.compile(r"\./exodus ((?:[a-z][a-z-]+ ?)+)")
FILE = re.compile(r"`((?:docs|tools|services|gateway|deploy|tests|contracts|libs)/[\w./-]+)`")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_what_a_guide_names_exists(guide: Path) -> None:
    text = guide.read_text()
    for service, name in SETTING.findall(text):
        assert name in import_module(f"{service}.config").Settings.model_fields, f"{service}: {name}"
    for switch in SWITCH.findall(text):
        assert switch in known_switches(), switch
    for words in COMMAND.findall(text):
        assert is_a_command(words.split()), f"./exodus {words}"
    for file in FILE.findall(text):
        assert (ROOT / file).exists(), file


@cache
def known_switches() -> set[str]:
    """Every variable that the tools, the compose files or the tests read."""
    places = [*ROOT.glob("tools/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("deploy/**/*.yml")]
    files = [
        *places,
        *ROOT.glob("services/*/tests/**/*.py"),
        *ROOT.glob("docker-compose.yml"),
        *ROOT.glob("tools/*.sh"),
    ]
    return {switch for file in files for switch in SWITCH.findall(file.read_text())}


def is_a_command(words: list[str]) -> bool:
    """Whether the words begin with a command of the command line; what follows are its arguments."""
    command = get_command(cli.app)
    for word in words:
        group = getattr(command, "commands", None)
        if group is None:
            return True
        if word not in group:
            return False
        command = group[word]
    return True
