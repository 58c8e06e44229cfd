"""Rules about shape: how long, how many, how named, and what a file opens with."""

import ast
import re

from tools.tidy_rules.source import LIMITS, Source, Spots, rule

BANNED_FILES = re.compile(r"(?:^|/)(?:utils?|helpers?|common|misc|shared|base)(?:\.(?:py|ts|tsx|js)|/)")
BANNED_CLASSES = re.compile(r"^(?:Base|Abstract)[A-Z]|(?:Manager|Repository|UnitOfWork|Mediator|Helper|Utils?|Impl)$")
CODE = (".py", ".js", ".ts", ".tsx")


@rule("module-docstring", "open the file with one sentence that ends on the first line with a full stop")
def module_docstring(source: Source) -> Spots:
    if source.tree is None or not source.text.strip():
        return
    said = (ast.get_docstring(source.tree) or "").split("\n")[0]
    if not said.endswith("."):
        yield 1, f"the module's docstring opens with {said!r}" if said else "the module says nothing about itself"


@rule("function-length", f"split it: a function has at most {LIMITS['function_lines']} lines")
def function_length(source: Source) -> Spots:
    for function in source.functions:
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > LIMITS["function_lines"]:
            yield function.lineno, f"{function.name} has {lines} lines"


@rule("file-length", f"split it: a file has at most {LIMITS['file_lines']} lines")
def file_length(source: Source) -> Spots:
    if source.path.endswith(CODE) and len(source.lines) > LIMITS["file_lines"]:
        yield 1, f"the file has {len(source.lines)} lines"


@rule("parameters", f"group them in a value: a function takes at most {LIMITS['parameters']}")
def parameters(source: Source) -> Spots:
    if source.is_test:
        return  # a test takes the fixtures it needs
    for function in source.functions:
        named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        count = sum(argument.arg not in {"self", "cls"} for argument in named)
        if count > LIMITS["parameters"]:
            yield function.lineno, f"{function.name} takes {count} parameters"


@rule("banned-name", "name it for what it does; a name that fits everything says nothing")
def banned_name(source: Source) -> Spots:
    if BANNED_FILES.search(source.path):
        yield 1, f"the path {source.path}"
    for node in source.nodes:
        if isinstance(node, ast.ClassDef) and BANNED_CLASSES.search(node.name):
            yield node.lineno, f"the class {node.name}"


@rule("one-use-case", "keep one public function per use case file, named like the file")
def one_use_case(source: Source) -> Spots:
    if not source.in_layer("usecases") or source.name == "__init__.py" or source.tree is None:
        return
    functions = [node for node in source.tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    public = [function.name for function in functions if not function.name.startswith("_")]
    if public != [source.name.removesuffix(".py")]:
        yield 1, f"public functions here: {', '.join(public) or 'none'}"
