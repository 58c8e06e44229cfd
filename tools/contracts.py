"""Writes and checks contracts/: `python -m tools.contracts [--check]`.

The services' own models are the source. Writing regenerates the schemas, the OpenAPI documents and the catalogue;
checking compares them with what is committed (C1), with the last release (C2), with the hand-written examples that
every consumer must be able to read (C4), and with one another (C5). contracts/README.md explains each.
"""

import importlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from tools.contract_breaks import METHODS, api_breaks, event_breaks

if TYPE_CHECKING:
    from kit.consumer import Subscription
    from kit.events import Event

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("auth", "trading", "market", "backtest", "broker", "notification")
PUBLIC_PREFIXES = ("/api/v1/", "/.well-known/")
Document = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """What one service promises, read from its code."""

    name: str
    root: Path

    def _module(self, name: str) -> Any:
        """A service without events.py announces nothing, and one without subscriptions.py listens to nothing."""
        exists = (self.root / "services" / self.name / self.name / f"{name}.py").is_file()
        return importlib.import_module(f"{self.name}.{name}") if exists else None

    @cached_property
    def events(self) -> dict[str, "type[Event]"]:
        from kit.events import Event  # noqa: PLC0415 - importable only once services() has set the import roots

        module = self._module("events")
        kinds = [kind for kind in vars(module).values() if isinstance(kind, type)] if module else []
        return {kind.TYPE: kind for kind in kinds if issubclass(kind, Event) and hasattr(kind, "TYPE")}

    @cached_property
    def subscriptions(self) -> dict[str, "Subscription"]:
        module = self._module("subscriptions")
        return dict(module.subscriptions.handlers) if module else {}

    @cached_property
    def openapi(self) -> Document | None:
        module = self._module("app")
        if module is None:
            return None
        document: Document = module.create_app().openapi()
        return document


def pretend_settings() -> None:
    """Give every service settings that are well formed and lead nowhere: nothing connects before the lifespan."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    values = {"HTTP_PORT": "1", "WORKER_PORT": "1", "ENVIRONMENT": "test", "JWKS_URL": "http://localhost:1/"}
    values |= {"DATABASE_URL": "postgresql+asyncpg://localhost:1/none", "REDIS_URL": "redis://localhost:1/0"}
    values |= {"SYSTEM_DATABASE_URL": "postgresql+asyncpg://localhost:1/none", "AMQP_URL": "amqp://localhost:1/"}
    values |= {"SIGNING_KEY": key.decode(), "SERVICE_SECRETS": "{}", "SERVICE_SECRET": os.urandom(32).hex()}
    values |= {"SEALING_KEY": os.urandom(32).hex()}
    values |= {"VAULT_KEY": os.urandom(32).hex()}
    values |= {"MARKET_URL": "http://localhost:1/", "AUTH_URL": "http://localhost:1/"}
    os.environ["EXODUS_SECRETS_DIR"] = tempfile.gettempdir() + "/no-secrets"
    for service in SERVICES:
        os.environ.update({f"{service.upper()}_{name}": value for name, value in values.items()})


def services(root: Path = ROOT) -> list[Service]:
    pretend_settings()
    for folder in ("libs/kit", "libs/quant", *(f"services/{name}" for name in SERVICES)):
        if str(root / folder) not in sys.path:
            sys.path.insert(0, str(root / folder))
    return [Service(name, root) for name in SERVICES]


# What is written


def schema_of(kind: "type[Event]") -> Document:
    """The schema of the whole message: the envelope every event shares, around this event's own fields."""
    from kit.events import Envelope  # noqa: PLC0415 - as above

    schema = Envelope.model_json_schema(mode="serialization")
    body = kind.model_json_schema(mode="serialization")
    definitions = schema.pop("$defs", {}) | body.pop("$defs", {})
    schema["properties"] |= {"type": {"const": kind.TYPE, "type": "string"}, "data": body}
    described = {"title": kind.TYPE, "description": inspect.getdoc(kind) or ""}
    return {"$schema": Draft202012Validator.META_SCHEMA["$id"], **schema, **described, "$defs": definitions}


def public_document(documents: dict[str, Document]) -> Document:
    """All services as one API seen through the gateway; a name two services use differently gets the service's."""
    merged: Document = {"openapi": "3.1.0", "info": {"title": "Exodus", "version": "1"}, "paths": {}, "components": {}}
    taken: dict[str, dict[str, Any]] = {}
    for document in documents.values():
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            taken.setdefault(name, {})[as_json(schema)] = None
    clashing = _with_users({name for name, definitions in taken.items() if len(definitions) > 1}, documents)
    for service, document in documents.items():
        new_names = {name: _free_name(service, name, taken) for name in clashing}
        renamed = _renamed(document, new_names)
        for kind, components in renamed.get("components", {}).items():
            merged["components"].setdefault(kind, {}).update(components)
        for path, operations in renamed["paths"].items():
            if path.startswith(PUBLIC_PREFIXES):
                merged["paths"][path] = {key: _tagged(value, service, key) for key, value in operations.items()}
    return merged


def _free_name(service: str, name: str, taken: Collection[str]) -> str:
    """The service's name before its schema's, until nobody has that name: market has a Status and a MarketStatus."""
    free = f"{service.capitalize()}{name}"
    return free if free not in taken else _free_name(service, free, taken)


def _with_users(clashing: set[str], documents: dict[str, Document]) -> set[str]:
    """Add what two services write alike, but of schemas that are renamed apart, such as each one's page of accounts."""
    schemas = [item for each in documents.values() for item in each.get("components", {}).get("schemas", {}).items()]
    shared = {name for name, count in Counter(name for name, _ in schemas).items() if count > 1}
    while True:
        marks = [f'"#/components/schemas/{name}"' for name in clashing]
        users = {name for name, schema in schemas if name in shared and any(mark in as_json(schema) for mark in marks)}
        if users <= clashing:
            return clashing
        clashing = clashing | users


def _renamed(document: Document, new_names: dict[str, str]) -> Document:
    prefix = "#/components/schemas/"

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(each) for each in node]
        if not isinstance(node, dict):
            return node
        walked = {key: walk(value) for key, value in node.items()}
        name = str(walked.get("$ref", "")).removeprefix(prefix)
        return walked | {"$ref": prefix + new_names[name]} if name in new_names else walked

    copy: Document = walk(document)
    components = copy.get("components", {})
    if "schemas" in components:
        components["schemas"] = {new_names.get(name, name): each for name, each in components["schemas"].items()}
    return copy


def _tagged(operation: Any, service: str, method: str) -> Any:
    """Operation ids are function names, unique inside a service only; the merged page needs them unique."""
    if method not in METHODS:
        return operation
    return operation | {"tags": [service], "operationId": f"{service}_{operation['operationId']}"}


def catalogue(all_services: list[Service]) -> str:
    """Who announces what to whom, and who answers where."""
    lines = ["# The catalogue", "", "Generated by `make contracts`.", "", "## Events", ""]
    lines += ["| event | announced by | read by |", "|---|---|---|"]
    for service in all_services:
        for name in sorted(service.events):
            readers = [other.name for other in all_services if name in other.subscriptions]
            lines.append(f"| [`{name}`](events/{name}.example.json) | {service.name} | {', '.join(readers) or '-'} |")
    lines += ["", "## Routes", "", "| route | service | operation | who may |", "|---|---|---|---|"]
    for service in all_services:
        for path, operations in (service.openapi or {"paths": {}})["paths"].items():
            for method in (method for method in METHODS if method in operations):
                operation = operations[method]
                who = "signed in" if operation.get("security") else "anyone"
                lines.append(f"| `{method.upper()} {path}` | {service.name} | {operation['operationId']} | {who} |")
    return "\n".join(lines) + "\n"


def as_json(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def generate(all_services: list[Service]) -> dict[str, str]:
    """Every generated file: its path under contracts/ and its text."""
    files = {"CATALOG.md": catalogue(all_services)}
    for service in all_services:
        for name, kind in service.events.items():
            files[f"events/{name}.schema.json"] = as_json(schema_of(kind))
    documents = {service.name: service.openapi for service in all_services if service.openapi}
    for service_name, document in documents.items():
        files[f"openapi/{service_name}.json"] = as_json(document)
    files["openapi/public.json"] = as_json(public_document(documents))
    return files


def generated_on_disk(contracts: Path) -> dict[str, Path]:
    paths = [contracts / "CATALOG.md", *contracts.glob("events/*.schema.json"), *contracts.glob("openapi/*.json")]
    return {str(path.relative_to(contracts)): path for path in paths if path.exists()}


def write(files: dict[str, str], contracts: Path) -> None:
    for name, path in generated_on_disk(contracts).items():
        if name not in files:
            path.unlink()
    for name, text in files.items():
        (contracts / name).parent.mkdir(parents=True, exist_ok=True)
        (contracts / name).write_text(text, encoding="utf-8")


# What is checked


def fresh(files: dict[str, str], contracts: Path) -> Iterator[str]:
    """C1: what is committed is what the code says."""
    disk = generated_on_disk(contracts)
    for name in sorted(files.keys() | disk.keys()):
        if name not in disk or name not in files or disk[name].read_text(encoding="utf-8") != files[name]:
            yield f"C1 {name} is not what the code says: run `make contracts` and commit the result"


def compatible(files: dict[str, str], read: set[str], released: dict[str, str]) -> Iterator[str]:
    """C2: nobody who lives by the last release is broken. An event no service reads any more may go."""
    for name, text in released.items():
        old = json.loads(text)
        if name.startswith("events/"):
            event = name.removeprefix("events/").removesuffix(".schema.json")
            if name in files:
                found = event_breaks(old, json.loads(files[name]), event)
            else:
                found = iter([f"{event} is gone and still read"] if event in read else [])
        else:
            found = api_breaks(old, json.loads(files[name])) if name in files else iter([f"{name} is gone"])
        yield from (f"C2 {broken}: publish a new version beside the old one" for broken in found)


def released_files(root: Path) -> tuple[str, dict[str, str]]:
    """The contracts of the last tag, and its name; an empty name when nothing was released yet."""
    tag = _git(root, "describe", "--tags", "--abbrev=0").strip()
    listed = _git(root, "ls-tree", "-r", "--name-only", tag, "contracts/").split() if tag else []
    wanted = [path for path in listed if path.endswith(".schema.json") or "/openapi/" in path]
    return tag, {path.removeprefix("contracts/"): _git(root, "show", f"{tag}:{path}") for path in wanted}


def _git(root: Path, *arguments: str) -> str:
    """Git's answer, empty when it has none (no tag, no repository)."""
    return subprocess.run(["git", "-C", root, *arguments], check=False, capture_output=True, text=True).stdout


def able(all_services: list[Service], examples: dict[str, Document]) -> Iterator[str]:
    """C4: every consumer can read the golden example of what it subscribes to."""
    for service in all_services:
        for event, subscription in service.subscriptions.items():
            try:
                subscription.model.model_validate(examples.get(event, {"data": {}})["data"])
            except ValidationError as error:
                yield f"C4 {service.name} cannot read the example of {event}: {error}"


def complete(all_services: list[Service], examples: dict[str, Document]) -> Iterator[str]:
    """C5: every event has a producer and a true example; every subscription names an event that exists."""
    kinds = {name: kind for service in all_services for name, kind in service.events.items()}
    for service in all_services:
        yield from (
            f"C5 {service.name} announces {name}: an event is named after its service"
            for name in service.events
            if not name.startswith(f"{service.name}.")
        )
        yield from (
            f"C5 {service.name} listens to {name}, which nobody announces"
            for name in service.subscriptions
            if name not in kinds
        )
    for name in sorted(kinds.keys() | examples.keys()):
        if name not in examples:
            yield f"C5 {name} has no example: write contracts/events/{name}.example.json"
        elif name not in kinds:
            yield f"C5 {name}.example.json is the example of an event nobody announces: delete it"
        else:
            validator = Draft202012Validator(
                schema_of(kinds[name]) | {"additionalProperties": False},
                format_checker=Draft202012Validator.FORMAT_CHECKER,
            )
            for error in validator.iter_errors(examples[name]):
                yield f"C5 the example of {name} is untrue at {error.json_path}: {error.message}"


def read_examples(contracts: Path) -> dict[str, Document]:
    suffix = ".example.json"
    files = sorted(contracts.glob(f"events/*{suffix}"))
    return {path.name.removesuffix(suffix): json.loads(path.read_text(encoding="utf-8")) for path in files}


def check(root: Path) -> list[str]:
    """Every broken promise, in words."""
    all_services, contracts = services(root), root / "contracts"
    files, examples = generate(all_services), read_examples(contracts)
    tag, released = released_files(root)
    print(f"contracts: compared with {tag}" if tag else "contracts: no release yet, nothing to be compatible with (C2)")
    read = {name for service in all_services for name in service.subscriptions}
    return [
        *fresh(files, contracts),
        *compatible(files, read, released),
        *able(all_services, examples),
        *complete(all_services, examples),
    ]


def main(arguments: list[str]) -> int:
    if "--check" not in arguments:
        files = generate(services())
        write(files, ROOT / "contracts")
        print(f"contracts: {len(files)} files written")
        return 0
    complaints = check(ROOT)
    for complaint in complaints:
        print(complaint)
    print(f"contracts: {len(complaints)} broken promise(s)" if complaints else "contracts: kept")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
