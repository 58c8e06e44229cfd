"""Rules about places: what kit may know, which paths a page may name, which addresses may be committed."""

import ast
import hashlib
import re
from fnmatch import fnmatch

from tools.tidy_rules.source import LIMITS, Source, Spots, rule

KIT = "libs/kit/kit/"
# In one form only where the other is plumbing too: a log has a position, a message says "quote the request id".
NOUNS = frozenset(
    {"account", "accounts", "backtest", "balance", "balances", "broker", "brokers", "candle", "candles", "execution"}
    | {
        "executions",
        "instrument",
        "instruments",
        "krx",
        "ledger",
        "order",
        "orders",
        "portfolio",
        "positions",
        "quotes",
    }
    | {"strategies", "strategy", "symbol", "symbols", "ticker", "tickers", "trade", "trades", "trading", "watchlist"}
)
# Words of plumbing that hold a noun: SQL's ORDER BY, asyncpg's execution options, a RabbitMQ argument.
PLUMBING = re.compile(r"order[ _]by|in[ _]order|execution_options|dead-letter-strategy", re.IGNORECASE)
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

DOCUMENTS = frozenset({"README.md", "CONTRIBUTING.md", "docs/tour.md", "docs/first-change.md", "contracts/README.md"})
PATH_LIKE = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
SUFFIXES = (".py", ".md", ".yml", ".yaml", ".toml", ".conf", ".js", ".ts", ".json", ".in", ".lock", ".sql")
MADE_BY_RUNNING = (".stack", ".venv", "benchmarks/results")

# Whose registries they are, by the first digits of their names' SHA-256: a file that forbids names holds none of them.
REGISTRY_OWNERS = frozenset(
    {
        "2960ad205cb6",
        "7282bed9a11a",
        "7804a56a5c76",
        "7b8208d11b1b",
        "81d93757457f",
        "b5212ebb8516",
        "cd88a6fb1423",
        "d754ed9f64ac",
    }
)
HOST_OWNER = re.compile(r"\b([a-z]+)\.(?:org|com|io)\b")
LOCK_FILE = re.compile(r"(?:\.lock|package-lock\.json)$")
ADDRESS = re.compile(r"\b\w+://\S+")
MACHINE_PATHS = re.compile(r"(?<![\w.~}-])/(?:work|root)/")
OUTSIDE = re.compile(r"\.\./shared\b")


@rule("kit-noun", "keep the noun in its service: kit is plumbing and knows no business")
def kit_noun(source: Source) -> Spots:
    if not source.path.startswith(KIT):
        return
    prose = {id(node.value) for node in source.nodes if isinstance(node, ast.Expr)}  # docstrings may give examples
    for node in source.nodes:
        if id(node) not in prose and (found := NOUNS & _words(node)):
            yield getattr(node, "lineno", 1), f"the noun {', '.join(sorted(found))}"


def _words(node: ast.AST) -> set[str]:
    """The words of what this node names or says: `PlacedOrder`, `place_order` and "placed order" all hold `order`."""
    match node:
        case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
            pass
        case ast.arg(arg=text) | ast.Name(id=text) | ast.Attribute(attr=text) | ast.Constant(value=str(text)):
            pass
        case _:
            return set()
    return {word.lower() for word in WORDS.findall(PLUMBING.sub("", text))}


@rule("kit-size", f"move something out: kit has at most {LIMITS['kit_lines']} lines, blank ones not counted")
def kit_size(source: Source) -> Spots:
    if source.path != f"{KIT}__init__.py":
        return
    modules = [
        path for path in source.checkout.paths if fnmatch(path, f"{KIT}*.py") and not path.startswith(f"{KIT}testing/")
    ]
    texts = [(source.checkout.root / path).read_text() for path in modules]
    lines = sum(1 for text in texts for line in text.splitlines() if line.strip())
    if lines > LIMITS["kit_lines"]:
        yield 1, f"kit has {lines} lines"


@rule("documented-path", "name a path that exists; a page that misleads is worse than none")
def documented_path(source: Source) -> Spots:
    if source.path not in DOCUMENTS:
        return
    for number, line in enumerate(source.lines, 1):
        for quoted in re.findall(r"`([^`\s]+)`", line):
            if _looks_like_a_path(source, quoted) and not _exists(source, quoted.rstrip("/")):
                yield number, f"`{quoted}` does not exist"


def _looks_like_a_path(source: Source, quoted: str) -> bool:
    if not PATH_LIKE.fullmatch(quoted) or quoted.startswith(MADE_BY_RUNNING):
        return False
    return quoted.endswith(SUFFIXES) or ("/" in quoted and quoted.partition("/")[0] in source.checkout.folders)


def _exists(source: Source, quoted: str) -> bool:
    """From the root, or, for a file, from anywhere: `place_order.py` and `usecases/place_order.py` are both clear."""
    known = source.checkout.paths | source.checkout.folders
    if "*" in quoted:
        return any(fnmatch(path, quoted) for path in known)
    return quoted in known or (quoted.endswith(SUFFIXES) and any(path.endswith(f"/{quoted}") for path in known))


@rule("registry-address", "leave it to the package client: no registry's address is committed")
def registry_address(source: Source) -> Spots:
    if LOCK_FILE.search(source.path):
        yield from _matches(source, ADDRESS)
        return
    for number, line in enumerate(source.lines, 1):
        for found in HOST_OWNER.finditer(line):
            if hashlib.sha256(found[1].encode()).hexdigest()[:12] in REGISTRY_OWNERS:
                yield number, found[0]


@rule("machine-path", "say it relative to the repository, or take it as a setting")
def machine_path(source: Source) -> Spots:
    yield from _matches(source, MACHINE_PATHS)


@rule("outside-path", "the repository stands alone; only an example of DATA= or a test that skips may look outside")
def outside_path(source: Source) -> Spots:
    if not (source.name in {"Makefile", "README.md"} or source.is_test or source.path.startswith(("docs/", "tests/"))):
        yield from _matches(source, OUTSIDE)


def _matches(source: Source, pattern: re.Pattern[str]) -> Spots:
    for number, line in enumerate(source.lines, 1):
        if found := pattern.search(line):
            yield number, found[0]
