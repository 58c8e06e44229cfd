"""Which tests prove which requirement, `docs/requirements.md`: from tools/requirements.yml and the marks of the tests.

`python -m tools.requirements` writes it; `--check` fails when it is not what the tests say, when a test names a number
that does not exist, and when a requirement has no test.
"""

import ast
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
STATEMENTS: Final = ROOT / "tools" / "requirements.yml"
TABLE: Final = ROOT / "docs" / "requirements.md"
MARK: Final = "pytest.mark.requirement"
HEAD: Final = """# Requirements and their proofs

What has to hold of reliability and security, and which tests prove it: written by `python -m tools.requirements` from
`tools/requirements.yml` and the marks of the tests; `make check` fails when they differ. The number behind a file says
how many of its tests name the requirement, a class or a parametrised test counted once.
"""

Proofs = dict[str, Counter[str]]
"""For each number how many tests of each file name it."""


def marks_of(source: str) -> Iterator[str]:
    """The numbers that a file's tests name, each as often as it stands there."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == MARK:
            yield from (str(each.value) for each in node.args if isinstance(each, ast.Constant))


def proofs(root: Path) -> Proofs:
    """Read the marks of every test under version control or about to be."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "*test_*.py"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    found: Proofs = defaultdict(Counter)
    for path in sorted(set(listed)):
        if (root / path).is_file():
            for number in marks_of((root / path).read_text()):
                found[number][path] += 1
    return found


def render(statements: dict[str, str], found: Proofs) -> str:
    """The document."""
    lines = [HEAD]
    for number, statement in statements.items():
        lines += [f"## {number}", "", statement, ""]
        lines += [f"- [`{path}`](../{path}) {count}" for path, count in sorted(found[number].items())]
        lines.append("")
    return "\n".join(lines)


def problems(statements: dict[str, str], found: Proofs) -> list[str]:
    """What is wrong between requirements and tests."""
    unknown = sorted(number for number in found if number.startswith("R-") and number not in statements)
    unproved = [number for number in statements if not found.get(number)]
    return [f"{number} is named by {', '.join(found[number])} and is no requirement" for number in unknown] + [
        f"no test names {number}: {statements[number]}" for number in unproved
    ]


def main(arguments: list[str]) -> int:
    """Write the document, or compare it."""
    statements: dict[str, str] = yaml.safe_load(STATEMENTS.read_text())
    found = proofs(ROOT)
    wrong = problems(statements, found)
    text = render(statements, found)
    if arguments == ["--check"] and (not TABLE.exists() or TABLE.read_text() != text):
        wrong.append("docs/requirements.md is not what the tests say: run `python -m tools.requirements`")
    for each in wrong:
        print(each)
    if arguments != ["--check"]:
        TABLE.write_text(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
