"""Every tidy rule finds what it is for, leaves its neighbours alone, and the repository itself is tidy."""

from pathlib import Path

import pytest

from tools import tidy
from tools.tidy_rules.source import LIMITS, RULES, Checkout, Source

ONE_LINE = '"""One sentence."""\n'
STORE = "services/trading/trading/store/orders.py"
USE_CASE = "services/trading/trading/usecases/place_order.py"
DOMAIN = "services/trading/trading/domain/order.py"
KIT = "libs/kit/kit/events.py"


def source_of(path: str, text: str, *others: str) -> Source:
    return Source(Checkout(Path(), frozenset({path, *others})), path, text)


def rules_broken(path: str, text: str, *others: str) -> set[str]:
    return {finding.rule for finding in tidy.check_file(source_of(path, text, *others))}


def long_function(lines: int) -> str:
    return "def f():\n" + "    g()\n" * (lines - 1)


BROKEN = [
    ("module-docstring", "libs/kit/kit/ids.py", "x = 1\n"),
    ("module-docstring", "libs/kit/kit/ids.py", '"""A title without a stop"""\n'),
    ("module-docstring", "libs/kit/kit/ids.py", '"""A sentence that goes on\nin a second line."""\n'),
    ("function-length", "tools/x.py", ONE_LINE + long_function(LIMITS["function_lines"] + 1)),
    ("file-length", "tools/x.py", ONE_LINE + "x = 1\n" * LIMITS["file_lines"]),
    ("parameters", "tools/x.py", ONE_LINE + "def f(a, b, c, d, *, e, f, g): ...\n"),
    ("commit", STORE, ONE_LINE + "async def save(session, owner):\n    await session.commit()\n"),
    ("banned-name", "services/auth/auth/utils.py", ONE_LINE),
    ("banned-name", "services/auth/auth/helpers/mail.py", ONE_LINE),
    ("banned-name", "tools/x.py", ONE_LINE + "class BaseService: ...\n"),
    ("banned-name", "tools/x.py", ONE_LINE + "class OrderManager: ...\n"),
    ("banned-name", "tools/x.py", ONE_LINE + "class AbstractRepository: ...\n"),
    ("one-use-case", USE_CASE, ONE_LINE + "async def submit(): ...\n"),
    ("one-use-case", USE_CASE, ONE_LINE + "async def place_order(): ...\ndef deny_order(): ...\n"),
    ("owner", STORE, ONE_LINE + "async def find(session, order_id): ...\n"),
    ("owner", STORE, ONE_LINE + "def list_all(session): ...\n"),
    ("owner", STORE, ONE_LINE + 'SHARED = ""\nasync def find(session, symbol): ...\n'),
    ("no-float", DOMAIN, ONE_LINE + "price: float\n"),
    ("no-float", DOMAIN, ONE_LINE + "fee = price * 0.00015\n"),
    ("no-float", USE_CASE, ONE_LINE + "def place_order(x):\n    return float(x)\n"),
    ("no-float", "services/trading/trading/store/tables.py", ONE_LINE + "c = Column('price', sa.Float)\n"),
    ("clock", USE_CASE, ONE_LINE + "def place_order():\n    return datetime.now(UTC)\n"),
    ("clock", DOMAIN, ONE_LINE + "today = datetime.date.today()\n"),
    ("clock", DOMAIN, ONE_LINE + "started = time.time()\n"),
    ("clock", USE_CASE, ONE_LINE + "from kit.clock import now\ndef place_order(): ...\n"),
    ("bound", "services/trading/trading/api/types.py", ONE_LINE + "Q = Annotated[Decimal, Field(gt=0)]\n"),
    ("bound", "services/trading/trading/api/orders.py", ONE_LINE + "def f(page: int = Query(ge=1)): ...\n"),
    ("one-gate", "services/broker/broker/worker.py", ONE_LINE + "connector.submit(order)\n"),
    ("kit-noun", KIT, ONE_LINE + "class PlacedOrder: ...\n"),
    ("kit-noun", KIT, ONE_LINE + "def f(account_id): ...\n"),
    ("kit-noun", KIT, ONE_LINE + "TABLE = 'trading_positions'\n"),
    ("documented-path", "README.md", "See `docs/nowhere.md`.\n"),
    ("documented-path", "docs/tour.md", "Open `usecases/place_orders.py`.\n"),
    ("registry-address", "deploy/Dockerfile", "RUN pip install -i https" + "://py" + "pi.org/simple exodus\n"),
    ("registry-address", "web/.npmrc", "source=https" + "://packages.yarn" + "pkg.com/\n"),
    ("registry-address", "requirements.lock", "exodus @ https" + "://example.com/exodus.whl\n"),
    ("registry-address", "web/package-lock.json", '"resolved": "https' + '://example.com/left-pad.tgz"\n'),
    ("machine-path", "docs/tour.md", "cd /root" + "/exodus\n"),
    ("machine-path", "tools/x.py", ONE_LINE + "HOME = '/work" + "/main'\n"),
    ("outside-path", "tools/x.py", ONE_LINE + "DATA = '../shared" + "/data'\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN)
def test_a_rule_finds_what_it_forbids(rule: str, path: str, text: str) -> None:
    assert rule in rules_broken(path, text)


def test_every_rule_has_a_case_that_breaks_it() -> None:
    assert {rule for rule, _, _ in BROKEN} | {"kit-size"} == set(RULES)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("libs/kit/kit/__init__.py", ""),
        ("tools/x.py", ONE_LINE + long_function(LIMITS["function_lines"])),
        ("tools/x.py", ONE_LINE + "class C:\n    def f(self, a, b, c, d, *, e, f): ...\n"),
        ("libs/kit/kit/db.py", ONE_LINE + "async def close(session):\n    await session.commit()\n"),
        (USE_CASE, ONE_LINE + "class Placed: ...\nasync def place_order(): ...\ndef _hold(): ...\n"),
        (STORE, ONE_LINE + "async def find(session, owner, order_id): ...\ndef _order(row): ...\n"),
        (STORE, ONE_LINE + 'SHARED = "prices are everybody\'s"\nasync def find(session, symbol): ...\n'),
        ("services/trading/trading/store/system.py", ONE_LINE + "async def list_due(session): ...\n"),
        ("services/backtest/backtest/domain/metrics.py", ONE_LINE + "sharpe: float = 1.5\n"),
        ("services/trading/trading/api/orders.py", ONE_LINE + "from kit.clock import now\nmoment = now()\n"),
        ("services/trading/trading/worker.py", ONE_LINE + "from kit.clock import now\n"),
        (DOMAIN, ONE_LINE + "def f(now):\n    return now\n"),
        ("services/trading/trading/api/types.py", ONE_LINE + "Q = Annotated[Decimal, Field(gt=0, max_digits=20)]\n"),
        (KIT, '"""Facts such as an order that was filled."""\nquery = table.select().order_by("id")\n'),
        (
            "README.md",
            "`make up`, `and/or`, `POST /api/v1/orders`, `.stack/`, `docs/tour.md`, `tour.md`, `docs/*.md`\n",
        ),
        ("README.md", "`make demo DATA=../shared" + "/data`\n"),
    ],
)
def test_what_is_allowed_is_left_alone(path: str, text: str) -> None:
    assert rules_broken(path, text, "docs/tour.md") == set()


def test_kit_may_not_outgrow_its_limit(tmp_path: Path) -> None:
    (tmp_path / "libs/kit/kit").mkdir(parents=True)
    (tmp_path / "libs/kit/kit/__init__.py").write_text(ONE_LINE)
    (tmp_path / "libs/kit/kit/big.py").write_text("x = 1\n" * LIMITS["kit_lines"])
    paths = frozenset({"libs/kit/kit/__init__.py", "libs/kit/kit/big.py"})
    found = list(tidy.check_file(Source(Checkout(tmp_path, paths), "libs/kit/kit/__init__.py", ONE_LINE)))
    assert [finding.rule for finding in found] == ["kit-size"]


@pytest.mark.parametrize(
    "text",
    [
        ONE_LINE + "rate = 0.5  # tidy: allow no-float because a share of retries is no money\n",
        ONE_LINE + "# tidy: allow no-float because a share of retries is no money\nrate = 0.5\n",
    ],
)
def test_a_permission_with_a_reason_silences_its_line(text: str) -> None:
    assert rules_broken(DOMAIN, text) == set()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rate = 0.5  # tidy: allow no-float\n", "gives no reason"),
        ("rate = 5  # tidy: allow no-float because it was 0.5 once\n", "permits nothing"),
        ("rate = 5  # tidy: allow floats because I like them\n", "no rule floats"),
    ],
)
def test_a_permission_that_is_reasonless_unused_or_unknown_is_an_error(text: str, complaint: str) -> None:
    findings = list(tidy.check_file(source_of(DOMAIN, ONE_LINE + text)))
    assert [finding.rule for finding in findings] == ["permission"]
    assert complaint in findings[0].text


def test_a_permission_inside_a_string_permits_nothing() -> None:
    text = ONE_LINE + 'rate = 0.5, "# tidy: allow no-float because strings are not comments"\n'
    assert rules_broken(DOMAIN, text) == {"no-float"}


def test_a_file_that_does_not_parse_is_reported_with_its_line() -> None:
    findings = list(tidy.check_file(source_of("tools/x.py", "x = 1\ndef f(:\n")))
    assert [(finding.rule, finding.line) for finding in findings] == [("syntax", 2)]


def test_the_rules_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert tidy.main(["--rules"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in RULES)


def test_the_repository_is_tidy() -> None:
    assert [str(finding) for finding in tidy.check(tidy.ROOT)] == []
