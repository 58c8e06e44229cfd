"""Checks the house rules that no other tool knows: `python -m tools.tidy [--rules]`.

A rule is a small function in `tools/tidy_rules/`. Where a rule is wrong for one line, say so on that line or the one
above it, with the reason: `# tidy: allow <rule> because <reason>`. A permission that permits nothing is an error too.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.tidy_rules import places, shape, truth
from tools.tidy_rules.source import RULES, Checkout, Source

ROOT = Path(__file__).resolve().parent.parent
RULE_MODULES = (shape, truth, places)  # importing them registers their rules
LARGEST_FILE_BYTES = 2_000_000  # recorded data beyond this size is not source

PERMISSION = re.compile(r"tidy: allow (?P<rule>[\w-]+)(?: because (?P<reason>\S.*))?")


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.rule}] {self.text}"


@dataclass
class Permission:
    line: int
    rule: str
    reason: str
    used: bool = field(default=False)

    def covers(self, finding: Finding) -> bool:
        """A permission speaks for its own line and, when it stands alone above it, for the next."""
        return self.rule == finding.rule and finding.line - self.line in {0, 1}


def check_file(source: Source) -> Iterator[Finding]:
    """Everything wrong with one file, permissions applied."""
    try:
        found = [
            Finding(source.path, line, rule.name, f"{what}: {rule.advice}")
            for rule in RULES.values()
            for line, what in rule.find(source)
        ]
    except SyntaxError as error:
        yield Finding(source.path, error.lineno or 1, "syntax", str(error))
        return
    permissions = list(_permissions(source))
    for finding in found:
        covering = [permission for permission in permissions if permission.covers(finding)]
        for permission in covering:
            permission.used = True
        if not covering:
            yield finding
    for permission in permissions:
        if complaint := _complaint(permission):
            yield Finding(source.path, permission.line, "permission", complaint)


def _permissions(source: Source) -> Iterator[Permission]:
    if "tidy: allow" not in source.text:
        return
    for line, comment in source.comments.items():
        if given := PERMISSION.search(comment):
            yield Permission(line, given["rule"], (given["reason"] or "").removesuffix("-->").strip())


def _complaint(permission: Permission) -> str:
    if permission.rule not in RULES:
        return f"there is no rule {permission.rule}: the rules are {', '.join(RULES)}"
    if not permission.reason:
        return f"allow {permission.rule} gives no reason: add `because …`"
    return "" if permission.used else f"allow {permission.rule} permits nothing here: delete it"


def check(root: Path) -> list[Finding]:
    """Every finding of the checkout, sorted by place."""
    checkout = Checkout.at(root)
    findings: list[Finding] = []
    for path in sorted(checkout.paths):
        if (root / path).stat().st_size > LARGEST_FILE_BYTES:
            continue
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # an image or an archive holds no source
        findings.extend(check_file(Source(checkout, path, text)))
    return sorted(findings)


def main(arguments: list[str]) -> int:
    if arguments == ["--rules"]:
        print("\n".join(f"{rule.name:18} {rule.advice}" for rule in RULES.values()))
        return 0
    findings = check(ROOT)
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} finding(s)" if findings else f"tidy: clean, {len(RULES)} rules")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
