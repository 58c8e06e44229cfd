"""What every rule is given: one file of the checkout, read once and parsed once."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

SERVICES = ("auth", "trading", "market", "backtest", "broker", "notification")

# The ratchet: a limit may be lowered; who raises one writes down why (docs/decisions/0065).
LIMITS = {"function_lines": 70, "file_lines": 400, "parameters": 6, "kit_lines": 2550}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Spots = Iterator[tuple[int, str]]  # the line, and what stands there


@dataclass(frozen=True)
class Checkout:
    """The files of the repository: those under version control and those about to be."""

    root: Path
    paths: frozenset[str]

    @classmethod
    def at(cls, root: Path) -> "Checkout":
        listed = subprocess.run(
            ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
        return cls(root, frozenset(path for path in listed if path and (root / path).is_file()))

    @cached_property
    def folders(self) -> frozenset[str]:
        return frozenset(str(folder) for path in self.paths for folder in PurePosixPath(path).parents)


@dataclass(frozen=True)
class Source:
    """One text file. `nodes` is empty for everything but Python."""

    checkout: Checkout
    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module | None:
        return ast.parse(self.text, self.path) if self.path.endswith(".py") else None

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree)) if self.tree else []

    @cached_property
    def functions(self) -> list[Function]:
        return [node for node in self.nodes if isinstance(node, Function)]

    @cached_property
    def calls(self) -> list[ast.Call]:
        return [node for node in self.nodes if isinstance(node, ast.Call)]

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    @property
    def is_test(self) -> bool:
        return "tests" in PurePosixPath(self.path).parts or "testing" in PurePosixPath(self.path).parts

    def in_layer(self, *layers: str) -> bool:
        """Whether this is a module of one of a service's folders, such as `store`."""
        found = re.match(r"services/(\w+)/\1/(\w+)/.+\.py$", self.path)
        return found is not None and found[2] in layers

    @cached_property
    def comments(self) -> dict[int, str]:
        """Line number to comment: real comments for Python (not strings that look like one), any line elsewhere."""
        if self.tree is None:
            marks = "<!--" if self.path.endswith(".md") else "#|//|--|<!--"
            found = ((number, re.search(rf"(?:{marks}).*", line)) for number, line in enumerate(self.lines, 1))
            return {number: match[0] for number, match in found if match}
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


@dataclass(frozen=True)
class Rule:
    """A name to suppress it by, one line that says what to do, and the function that finds what breaks it."""

    name: str
    advice: str
    find: Callable[[Source], Spots]


RULES: dict[str, Rule] = {}


def rule(name: str, advice: str) -> Callable[[Callable[[Source], Spots]], Callable[[Source], Spots]]:
    def register(find: Callable[[Source], Spots]) -> Callable[[Source], Spots]:
        RULES[name] = Rule(name, advice, find)
        return find

    return register


def dotted(node: ast.expr) -> str:
    """`datetime.datetime.now` for the expression that spells it; empty when it is not a plain dotted name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""
