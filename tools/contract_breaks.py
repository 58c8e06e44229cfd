"""Finds what a changed schema would break for somebody who still lives by the old one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Document = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "patch")
DEPTH_MAX = 12  # schemas may hold themselves


@dataclass(frozen=True)
class Schema:
    """A JSON Schema together with the document its references point into."""

    document: Document
    node: Document

    def follow(self, node: Document) -> "Schema":
        while "$ref" in node:
            target: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return Schema(self.document, node)

    @property
    def variants(self) -> list["Schema"]:
        """The alternatives of an `anyOf`, or the schema itself: `string or null` has two."""
        choices = self.node.get("anyOf") or self.node.get("oneOf")
        return [inner for choice in choices for inner in self.follow(choice).variants] if choices else [self]

    @property
    def types(self) -> set[str]:
        named = [variant.node.get("type", "any") for variant in self.variants]
        return {name for names in named for name in ([names] if isinstance(names, str) else names)}

    @property
    def values(self) -> set[str]:
        """The members of a closed list, empty when any value will do."""
        return {str(value) for variant in self.variants for value in _closed_list(variant.node)}

    @property
    def required(self) -> set[str]:
        return {name for variant in self.variants for name in variant.node.get("required", [])}

    @property
    def properties(self) -> dict[str, "Schema"]:
        found = ((name, each) for variant in self.variants for name, each in variant.node.get("properties", {}).items())
        return {name: self.follow(each) for name, each in found}

    @property
    def items(self) -> "Schema | None":
        held = [variant.node["items"] for variant in self.variants if "items" in variant.node]
        return self.follow(held[0]) if held else None


def _closed_list(node: Document) -> list[Any]:
    return [node["const"]] if "const" in node else node.get("enum", [])


Direction = Literal["we write", "we read"]


def breaks(old: Schema, new: Schema, direction: Direction, where: str, depth: int = 0) -> Iterator[str]:
    """Say what breaks. What we write, old readers must still understand; what we read, old writers may still send."""
    if depth > DEPTH_MAX:
        return
    narrow, wide = (new, old) if direction == "we write" else (old, new)
    if "any" not in wide.types and narrow.types - wide.types:
        yield f"{where} was {_text(old.types)} and is now {_text(new.types)}"
    if wide.values and (not narrow.values or narrow.values - wide.values):
        change = "may now hold" if direction == "we write" else "no longer accepts"
        yield f"{where} {change} {_text(narrow.values - wide.values) or 'any value'}"
    for name in sorted(old.properties.keys() - new.properties.keys()):
        yield f"{where}.{name} was removed"
    if direction == "we write":
        for name in sorted((old.required - new.required) & new.properties.keys()):
            yield f"{where}.{name} may now be missing"
    else:
        for name in sorted(new.required - old.required):
            yield f"{where}.{name} is now required"
    for name in sorted(old.properties.keys() & new.properties.keys()):
        yield from breaks(old.properties[name], new.properties[name], direction, f"{where}.{name}", depth + 1)
    if old.items and new.items:
        yield from breaks(old.items, new.items, direction, f"{where}[]", depth + 1)


def _text(names: set[str]) -> str:
    return ", ".join(sorted(names))


def event_breaks(old: Document, new: Document, where: str) -> Iterator[str]:
    yield from breaks(Schema(old, old), Schema(new, new), "we write", where)


def api_breaks(old: Document, new: Document) -> Iterator[str]:
    """Compare two OpenAPI documents, operation by operation."""
    for path, operations in old["paths"].items():
        for method in (method for method in METHODS if method in operations):
            where = f"{method.upper()} {path}"
            if now := new["paths"].get(path, {}).get(method):
                yield from _operation_breaks(Schema(old, operations[method]), Schema(new, now), where)
            else:
                yield f"{where} was removed"


def _operation_breaks(old: Schema, new: Schema, where: str) -> Iterator[str]:
    before, after = _parameters(old), _parameters(new)
    for name in sorted(before.keys() - after.keys()):
        yield f"{where} parameter {name} was removed"
    for name in sorted(name for name, (_, must) in after.items() if must and not before.get(name, (None, False))[1]):
        yield f"{where} parameter {name} is now required"
    for name in sorted(before.keys() & after.keys()):
        yield from breaks(before[name][0], after[name][0], "we read", f"{where} parameter {name}")
    asked, asks = _body(old, old.node.get("requestBody")), _body(new, new.node.get("requestBody"))
    if asks and not asked:
        yield f"{where} now wants a body"
    if asked and asks:
        yield from breaks(asked, asks, "we read", f"{where} body")
    for status, answer in old.node.get("responses", {}).items():
        answered = _body(old, answer)
        answers = _body(new, new.node.get("responses", {}).get(status))
        if answered and answers:
            yield from breaks(answered, answers, "we write", f"{where} answer {status}")
        elif answered and status.startswith("2"):
            yield f"{where} no longer answers {status}"


def _parameters(operation: Schema) -> dict[str, tuple[Schema, bool]]:
    listed = [operation.follow(each).node for each in operation.node.get("parameters", [])]
    return {each["name"]: (operation.follow(each.get("schema", {})), each.get("required", False)) for each in listed}


def _body(operation: Schema, holder: Document | None) -> Schema | None:
    """The schema of a request or response body: JSON if there is any, else whatever is offered first."""
    content = operation.follow(holder or {}).node.get("content", {})
    offered: Document = content.get("application/json") or next(iter(content.values()), {})
    return operation.follow(offered["schema"]) if "schema" in offered else None
