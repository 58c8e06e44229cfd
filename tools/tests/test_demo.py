"""The demo names the file that did each step: every one of them is there."""

import re

from tools.native.layout import ROOT

TOLD = "".join(file.read_text() for file in sorted((ROOT / "tools").glob("demo*.py")))
NAMED = re.findall(r'"((?:services|libs|gateway)/[\w/.]+)[" ]', TOLD)


def test_the_demo_names_files_of_every_kind() -> None:
    assert len(NAMED) >= 15


def test_every_file_the_demo_names_exists() -> None:
    assert [path for path in NAMED if not (ROOT / path).exists()] == []
