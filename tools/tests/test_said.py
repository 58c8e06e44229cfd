"""What the platform says is known to the web client, so that it can be told in Korean with what to do."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from auth.domain.audit import ACTIONS
from auth.domain.user import LANGUAGE_DEFAULT
from notification.domain.preference import Preferences
from notification.domain.said import SAID as IN_NOTICES
from notification.domain.said import TROUBLES

from tools.native.layout import ROOT

TRADING = ROOT / "services" / "trading" / "trading"
BOUNDS = ROOT / "libs" / "quant" / "quant" / "risk.py"
"""Sentences of trading's review that backtests say as well."""
PROBLEMS = ROOT / "web" / "src" / "words" / "problems.ts"
SAID = ROOT / "web" / "src" / "words" / "said.ts"
SPEAKING = (
    "chooser.py",
    "domain/account_checks.py",
    "domain/drift.py",
    "domain/hook.py",
    "domain/market_checks.py",
    "domain/spanning_checks.py",
    "judging.py",
    "usecases/act_on_locked.py",
    "usecases/expire_signal.py",
    "usecases/miss_hook.py",
    "usecases/report_automation.py",
    "usecases/take_alert.py",
)
"""Where every sentence is for people."""
NOTICED = (
    "chooser.py",
    "domain/hook.py",
    "judging.py",
    "usecases/act_on_locked.py",
    "usecases/expire_signal.py",
    "usecases/miss_hook.py",
    "usecases/report_automation.py",
    "usecases/take_alert.py",
)
"""Whose sentences stand in notices."""
IN_NO_NOTICE = {"the hook or its automation is gone"}
"""Nobody is left to be told."""
SPACES_MIN = 2
"""What has fewer is no sentence, but a part of one."""


def sentences(path: Path) -> Iterator[str]:
    """Every text of a file that reads like a sentence, its gaps empty; no docstrings, and nothing that is asserted."""
    tree = ast.parse(path.read_text())
    unsaid = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    unsaid += [node.msg for node in ast.walk(tree) if isinstance(node, ast.Assert) and node.msg]
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if any(node is each for each in unsaid) or id(node) in inside:
            continue
        text = said_by(node)
        if text.strip().count(" ") >= SPACES_MIN:
            yield text


def said_by(node: ast.AST) -> str:
    """The text of a literal, with {} for whatever is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return without_names(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def without_names(text: str) -> str:
    """{name} is {}; {{name}} is itself."""
    return re.sub(r"(?<!\{)\{\w+\}", "{}", text)


def known() -> set[str]:
    """The English halves of the client's pairs."""
    halves = re.findall(r'\["(?:[^"\\]|\\.)*", ("(?:[^"\\]|\\.)*")\]', SAID.read_text())
    return {without_names(json.loads(half)) for half in halves}


def test_every_sentence_is_known_to_the_client() -> None:
    told = {text for path in (BOUNDS, *(TRADING / name for name in SPEAKING)) for text in sentences(path)}
    assert len(told) > 60, "they are found"
    assert told - known() == set()


def test_the_client_knows_no_sentence_that_is_never_said() -> None:
    told = {text for path in (BOUNDS, *TRADING.rglob("*.py")) for text in sentences(path)}
    assert {text for text in known() if text.count(" ") >= SPACES_MIN} - told == set()


def test_every_sentence_in_a_notice_has_the_clients_korean() -> None:
    pairs = re.findall(r'\[("(?:[^"\\]|\\.)*"), ("(?:[^"\\]|\\.)*")\]', SAID.read_text())
    ours = {english: korean for korean, english in IN_NOTICES}
    clients = {json.loads(english): json.loads(korean) for korean, english in pairs}
    assert {english: clients.get(english) for english in ours} == ours
    told = {text for name in NOTICED for text in sentences(TRADING / name)}
    assert len(told) > 25, "they are found"
    assert told - IN_NO_NOTICE - {without_names(english) for english in ours} == set()


def test_every_reason_to_leave_a_channel_alone_has_korean() -> None:
    folder = ROOT / "services" / "notification" / "notification" / "channels"
    calls = [node for path in folder.glob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    gone = [node.args[0] for node in calls if isinstance(node, ast.Call) and ast.unparse(node.func) == "Gone"]
    told = {said_by(each) for each in gone} - {""}
    assert told
    assert told == {without_names(english) for _, english in TROUBLES}


def test_somebody_who_chose_no_language_is_written_to_in_that_of_a_new_profile() -> None:
    assert Preferences().language == LANGUAGE_DEFAULT


def test_every_act_of_the_audit_log_has_words() -> None:
    words = set(re.findall(r'"audit\.(\w+)":', (ROOT / "web" / "src" / "words" / "audit.ts").read_text()))
    assert words == ACTIONS


def test_every_code_of_a_problem_has_words() -> None:
    sources = [*(ROOT / "services").glob("*/*/errors.py"), ROOT / "libs" / "kit" / "kit" / "errors.py"]
    codes = {
        code
        for path in (ROOT / "services" / "backtest").rglob("*.py")
        for code in re.findall(r'Refusal\(\s*"(\w+)"', path.read_text())
    }
    assert len(codes) > 8, "why runs fail is found"
    codes |= {
        code for path in sources for code in re.findall(r'CODE(?:: ClassVar\[str\])? = "(\w+)"', path.read_text())
    }
    words = set(re.findall(r'"problem\.(\w+)":', PROBLEMS.read_text()))
    assert len(codes) > 100, "they are found"
    assert codes - words == set()
