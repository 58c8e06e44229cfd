"""Bills of materials, advisories and leaked secrets: each has to be able to say no."""

import ast
import datetime as dt
import hashlib
import json
import re
import secrets
import string
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from tools.native.errors import StackError
from tools.native.layout import ROOT
from tools.native.ports import SERVICES
from tools.supply import advisories, leaks, locked, sbom
from tools.supply.locked import Locked

pytestmark = pytest.mark.requirement("R-60")

TODAY = dt.date(2026, 11, 27)
ONE = Locked("pypi", "one", "1.0", (("SHA-256", "0" * 64),))
OTHER = Locked("npm", "@scope/other", "2.0+b", (("SHA-512", "0" * 128),))
PAGES = {
    ("pkg:pypi/one@1.0", ""): {"vulns": [{"id": "GHSA-1", "modified": "2026-01-01T00:00:00Z"}], "next_page_token": "2"},
    ("pkg:pypi/one@1.0", "2"): {"vulns": [{"id": "PYSEC-2", "modified": "2026-01-01T00:00:00Z"}]},
}
"""What the outside world knows, as OSV's querybatch tells it; of everything else it knows nothing."""


class Osv(BaseHTTPRequestHandler):
    """The outside: OSV's protocol, over HTTP."""

    is_broken = False

    def do_POST(self) -> None:
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        results = [PAGES.get((each["package"]["purl"], each.get("page_token", "")), {}) for each in queries]
        answer = json.dumps({"results": results[:-1] if self.is_broken else results}).encode()
        self.send_response(200 if self.path == "/v1/querybatch" else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nobody wants to read who asked."""


@pytest.fixture
def osv(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_every_locked_package_has_its_line_in_the_bill() -> None:
    named = {line.partition("==")[0] for line in locked.SHIPPED.read_text().splitlines() if "==" in line}
    bill = sbom.bill("exodus", locked.python(locked.SHIPPED))
    assert {each["name"] for each in bill["components"]} == named
    assert len(named) > 50
    fastapi = next(each for each in bill["components"] if each["name"] == "fastapi")
    assert fastapi["purl"] == f"pkg:pypi/fastapi@{fastapi['version']}"
    [digest] = fastapi["externalReferences"][0]["hashes"]
    assert digest["content"] in locked.SHIPPED.read_text()


def test_what_the_services_import_is_in_their_images() -> None:
    """The tests run with more than that installed, and would not notice."""
    shipped = {one.name for one in locked.python(locked.SHIPPED)}
    distributions = packages_distributions()
    missing = {
        f"{file.relative_to(ROOT)}: {module}"
        for folder in ("libs/kit/kit", "libs/quant/quant", *(f"services/{name}/{name}" for name in SERVICES))
        for file in (ROOT / folder).rglob("*.py")
        if "testing" not in file.parts
        for module in imported_by(file) & distributions.keys()
        if shipped.isdisjoint(re.sub(r"[-_.]+", "-", name).lower() for name in distributions[module])
    }
    assert missing == set()


def imported_by(file: Path) -> set[str]:
    """The roots of the modules that a file imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    of = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in plain | of}


def test_the_web_clients_bill_tells_what_ships_from_what_builds(tmp_path: Path) -> None:
    assert sbom.main([str(tmp_path)]) == 0
    components = json.loads((tmp_path / "exodus-web.cdx.json").read_text())["components"]
    scopes = {each["name"]: each["scope"] for each in components}
    assert (scopes["react"], scopes["vite"]) == ("required", "excluded")
    assert len({each["bom-ref"] for each in components}) == len(components), "each is named once"
    first = (tmp_path / "exodus.cdx.json").read_bytes()
    sbom.main([str(tmp_path)])
    assert (tmp_path / "exodus.cdx.json").read_bytes() == first, "the same locks give the same bill"


@pytest.mark.parametrize("line", ["one", "one>=1.0", "one==1.0", "one @ https://elsewhere.example/one.whl"])
def test_a_package_that_is_not_pinned_by_hash_is_refused(line: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"two==2.0 \\\n    --hash=sha256:{'0' * 64}\n{line}\n")
    with pytest.raises(StackError, match="is not pinned to a version and hashes"):
        locked.python(lock)


def test_what_is_known_against_a_package_fails_the_audit_page_by_page(
    osv: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert advisories.main([OTHER, ONE], osv, {}) == advisories.SOMETHING_KNOWN
    said = capsys.readouterr().out
    assert "GHSA-1: one 1.0" in said
    assert "PYSEC-2: one 1.0" in said
    assert advisories.main([ONE], osv, {"GHSA-1": "no one of ours calls it"}) == advisories.SOMETHING_KNOWN
    assert advisories.main([ONE], osv, {"GHSA-1": "not called", "PYSEC-2": "not called"}) == advisories.NOTHING_KNOWN
    assert advisories.main([OTHER], osv, {}) == advisories.NOTHING_KNOWN


def test_nobody_to_ask_is_not_a_yes(
    osv: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert advisories.main([ONE], "http://127.0.0.1:9", {}) == advisories.NOT_ASKED
    assert "NOT CHECKED" in capsys.readouterr().err
    assert advisories.main([ONE], f"{osv}/elsewhere", {}) == advisories.NOT_ASKED
    monkeypatch.setattr(Osv, "is_broken", True)
    assert advisories.main([OTHER, ONE], osv, {}) == advisories.NOT_ASKED, "an answer for some is none for all"


def test_an_accepted_advisory_needs_a_reason_and_ends(tmp_path: Path) -> None:
    file = tmp_path / "accepted.yml"
    file.write_text("- {id: A, because: not called, until: 2026-11-27}\n- {id: B, because: x, until: 2026-11-26}\n")
    assert advisories.accepted(file, TODAY) == {"A": "not called"}
    file.write_text("- {id: A, until: 2027-01-01}\n")
    with pytest.raises(StackError, match="needs `because:`"):
        advisories.accepted(file, TODAY)
    assert advisories.accepted(advisories.ACCEPTED, TODAY) is not None


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True, timeout=60)
    (root / ".gitignore").write_text("ignored.py\n")
    (root / "settings.py").write_text("retries = 3\n")
    return root


def leaked(kind: str) -> str:
    """A secret that nobody has, made here so that none lies in this file."""
    if kind == "cloud key":
        return "AKIA" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(16))
    if kind == "private key":
        return f"-----BEGIN {'EC'} PRIVATE KEY-----"
    word = "".join(secrets.choice(string.ascii_lowercase) for _ in range(10))  # too plain for who looks for chance
    return f'{"pass"}word = "{word}"'


@pytest.mark.parametrize("kind", ["cloud key", "private key", "password"])
def test_a_secret_in_a_file_that_is_to_be_committed_fails_the_check(
    kind: str, checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache, audited = tmp_path / "cache", tmp_path / "audited.yml"
    audited.write_text("{}")
    assert leaks.main(checkout, cache, audited) == 0
    secret = leaked(kind)
    (checkout / "ignored.py").write_text(f"{secret}\n")
    assert leaks.main(checkout, cache, audited) == 0, "what is not committed may hold secrets"
    (checkout / "settings.py").write_text(f"retries = 3\n{secret}\n")
    assert leaks.main(checkout, cache, audited) == 1
    said = capsys.readouterr().out
    assert "settings.py:2: looks like a secret" in said
    assert secret not in said, "and it is not shown to whoever reads the build's log"
    assert leaks.main(checkout, cache, audited) == 1, "known as it is, and still a leak"


def test_a_lookalike_is_known_by_what_it_is_and_its_entry_must_fit(checkout: Path, tmp_path: Path) -> None:
    cache, audited = tmp_path / "cache", tmp_path / "audited.yml"
    (checkout / "settings.py").write_text(f"{leaked('password')}\n")
    [found] = leaks.find(checkout, cache)
    audited.write_text(f'settings.py: {{"{found.mark}": of a test}}\n')
    assert leaks.main(checkout, cache, audited) == 0
    (checkout / "settings.py").write_text("retries = 3\n\n" + (checkout / "settings.py").read_text())
    assert leaks.main(checkout, cache, audited) == 0, "it may move"
    (checkout / "settings.py").write_text(f"{leaked('password')}\n")
    assert len(leaks.judge(leaks.find(checkout, cache), leaks_known(audited))) == 2, "another one, and an old entry"


def leaks_known(file: Path) -> dict[str, dict[str, str]]:
    known: dict[str, dict[str, str]] = yaml.safe_load(file.read_text())
    return known


INSTALLS = re.compile(r"/venv/bin/pip install (?P<flags>[^\n]*?) -r /requirements\.lock")
FLOORS = {
    "h11": "0.16",
    "starlette": "0.49.1",
    "python-multipart": "0.0.27",
    "redis": "4.5.5",
    "pyjwt": "2.12",
}
"""Below these something is known that concerns us: smuggling, endless forms, mixed-up answers, unread `crit`."""
STARTED_BY_PYTHON = {"a1_coverage.pth", "distutils-precedence.pth"}


def test_no_package_is_older_than_what_is_known_against_it() -> None:
    versions = {one.name: one.version for one in locked.python(locked.SHIPPED)}
    for name, floor in FLOORS.items():
        assert Version(versions[name]) >= Version(floor), name


def test_nothing_runs_at_every_start_of_python_that_nobody_has_looked_at() -> None:
    """A `.pth` file may hold code, and has been the way in of stolen packages."""
    site = Path(sysconfig.get_paths()["purelib"])
    assert {file.name for file in site.glob("*.pth")} <= STARTED_BY_PYTHON


def a_wheel(folder: Path, answer: int) -> Path:
    """The smallest package there is."""
    file = folder / "one-1.0-py3-none-any.whl"
    about = {"METADATA": "Metadata-Version: 2.1\nName: one\nVersion: 1.0\n", "RECORD": ""}
    about["WHEEL"] = "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("one.py", f"ANSWER = {answer}\n")
        for name, text in about.items():
            wheel.writestr(f"one-1.0.dist-info/{name}", text)
    return file


def test_an_image_is_not_built_from_a_package_that_was_changed(tmp_path: Path) -> None:
    """With the flags of the images' own build."""
    [flags] = INSTALLS.findall((locked.ROOT / "deploy" / "Dockerfile").read_text())
    digest = hashlib.sha256(a_wheel(tmp_path, 42).read_bytes()).hexdigest()
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"one==1.0 --hash=sha256:{digest}\n")

    def install(target: str) -> subprocess.CompletedProcess[str]:
        where = ["--no-index", "--find-links", str(tmp_path), "--target", str(tmp_path / target)]
        command = [sys.executable, "-m", "pip", "install", *flags.split(), *where, "-r", str(lock)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert install("good").returncode == 0
    a_wheel(tmp_path, 43)
    changed = install("changed")
    assert changed.returncode != 0
    assert "DO NOT MATCH THE HASHES" in changed.stderr
    lock.write_text("one==1.0\n")
    assert install("unpinned").returncode != 0, "and none without a hash"
