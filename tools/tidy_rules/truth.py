"""Rules about truth: who commits, whose row it is, what time it is, which numbers may stand for money."""

import ast

from tools.tidy_rules.source import Source, Spots, dotted, rule

FLOATS = frozenset({"float", "Float", "REAL", "Double", "DOUBLE", "DOUBLE_PRECISION"})
FLOAT_EXEMPT = {"backtest": "research figures (returns, ratios, indicator values) are statistics, not money"}

CLOCKS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"})
CLOCK_FOLDERS = ("libs/kit/", "tools/", "tests/", "benchmarks/", "deploy/")
CLOCK_FILES = frozenset({"app.py", "worker.py", "compute.py"})

FIELDS = frozenset({"Field", "Query", "Path", "Body", "Form", "Header", "conint", "condecimal"})
GATE = "services/broker/broker/usecases/submit_order.py"


@rule("commit", "leave the transaction to kit: one request or message is one transaction")
def commit(source: Source) -> Spots:
    if source.path.startswith("libs/kit/"):
        return
    for call in source.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "commit":
            yield call.lineno, ".commit() outside kit"


@rule("owner", "take `owner` or `owners` and filter by it, move it to store/system.py, or declare SHARED = 'why'")
def owner(source: Source) -> Spots:
    if not source.in_layer("store") or source.name in {"system.py", "tables.py"} or _is_shared(source):
        return
    for function in source.functions:
        names = {
            argument.arg for argument in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        }
        reaches_the_database = isinstance(function, ast.AsyncFunctionDef) or "session" in names
        if reaches_the_database and not names & {"owner", "owners"}:
            yield function.lineno, f"{function.name} reads or writes without naming an owner"


def _is_shared(source: Source) -> bool:
    """A module of market-wide tables says so by `SHARED = "why these rows belong to nobody"`."""
    return any(
        isinstance(node, ast.Assign)
        and any(dotted(target) == "SHARED" for target in node.targets)
        and isinstance(node.value, ast.Constant)
        and bool(str(node.value.value).strip())
        for node in (source.tree.body if source.tree else [])
    )


@rule("no-float", "use Decimal: money, prices and quantities are exact")
def no_float(source: Source) -> Spots:
    if not source.in_layer("domain", "store", "usecases") or source.path.split("/")[1] in FLOAT_EXEMPT:
        return
    for node in source.nodes:
        if isinstance(node, ast.Name | ast.Attribute) and (name := dotted(node).rpartition(".")[2]) in FLOATS:
            yield node.lineno, name
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"the literal {node.value}"


@rule("clock", "take the time as an argument; now() belongs to api/, to the entry points of processes, and to kit")
def clock(source: Source) -> Spots:
    layered = source.in_layer("api") or source.name in CLOCK_FILES
    if layered or source.is_test or source.path.startswith(CLOCK_FOLDERS):
        return
    for call in source.calls:
        name = dotted(call.func)
        if ".".join(name.split(".")[-2:]) in CLOCKS:
            yield call.lineno, f"{name}()"
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and _imports_now(node):
            yield node.lineno, "kit's now() is imported"


def _imports_now(node: ast.ImportFrom) -> bool:
    names = {alias.name for alias in node.names}
    return (node.module == "kit.clock" and "now" in names) or (node.module == "kit" and "clock" in names)


@rule("bound", "add an upper bound with a name: le=, lt= or max_digits=")
def bound(source: Source) -> Spots:
    if source.is_test:
        return
    for call in source.calls:
        given = {keyword.arg for keyword in call.keywords}
        if (
            dotted(call.func).rpartition(".")[2] in FIELDS
            and given & {"gt", "ge"}
            and not given & {"lt", "le", "max_digits"}
        ):
            yield call.lineno, "a number with a lower bound only"


@rule("one-gate", f"send orders through {GATE.removeprefix('services/broker/')} only")
def one_gate(source: Source) -> Spots:
    if not source.path.startswith("services/broker/broker/") or source.path == GATE:
        return
    for call in source.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "submit":
            yield call.lineno, "a second place that submits to a broker"
