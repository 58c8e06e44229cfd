"""What the gateway answers itself: health, the API page, the pages, its log, and no token when its keys are broken."""

import base64
import json
import re
import time
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from kit.testing.issuer import KEY_ID

from gateway.render import SERVICES
from gateway.tests.edge import Edge, assert_problem, running_edge
from gateway.tests.stub_services import StubServices


def test_health_sums_up_the_services(edge: Edge, services: StubServices) -> None:
    answer = edge.ask("GET", "/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "services": dict.fromkeys(SERVICES, "ok")}
    assert answer.headers["content-type"].startswith("application/json")
    services.not_ready.add("market")
    try:
        answer = edge.ask("GET", "/health")
    finally:
        services.not_ready.clear()
    assert answer.status_code == 503
    assert answer.json() == {"status": "degraded", "services": dict.fromkeys(SERVICES, "ok") | {"market": "not_ready"}}


def test_the_gateway_starts_and_serves_the_others_while_a_service_is_down(narrow_edge: Edge) -> None:
    headers = {"X-Test-Address": "192.0.2.70"}
    answer = narrow_edge.ask("GET", "/health", headers=headers)
    assert answer.status_code == 503
    assert answer.json()["services"] == dict.fromkeys(SERVICES, "ok") | {"broker": "unreachable"}
    assert narrow_edge.ask("GET", "/api/v1/udf/config", headers=headers).status_code == 200


def test_the_api_page_needs_nothing_from_elsewhere(edge: Edge) -> None:
    page = edge.ask("GET", "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "://" not in page.text
    assert "<script>" not in page.text
    linked = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert "/docs/swagger-ui-bundle.js" in linked
    for path in linked:
        assert edge.ask("GET", path).status_code == 200, path
    script = edge.ask("GET", "/docs/docs.js").text
    assert re.findall(r"'([a-z]+)'", script.partition("];")[0]) == list(SERVICES)
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "connect-src 'self'" in policy


def test_the_landing_page_links_only_to_what_exists(edge: Edge) -> None:
    page = edge.ask("GET", "/")
    assert "Exodus" in page.text
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        assert edge.ask("GET", path).status_code == 200, path


def test_a_web_client_gets_its_own_paths_and_no_others(narrow_edge: Edge) -> None:
    def ask(path: str) -> tuple[int, str]:
        answer = narrow_edge.ask("GET", path, headers={"X-Test-Address": "192.0.2.71"})
        return answer.status_code, answer.text

    for path in ("/", "/portfolio", "/orders/1"):
        assert ask(path) == (200, "<!doctype html><title>client</title>")
    assert ask("/assets/app.js") == (200, "export {};")
    for path in ("/.env", "/api/v1/nothing", "/internal/bars", "/metrics", "/METRICS", "/API/v1/x"):
        status, text = ask(path)
        assert (status, json.loads(text)["code"]) == (404, "not_found"), path


@pytest.mark.requirement("R-50")
def test_whatever_is_wrong_with_the_keys_no_token_passes(services: StubServices, tmp_path: Path) -> None:
    formats = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    other_curve = ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(*formats)
    other_kind = rsa.generate_private_key(65537, 2048).public_key().public_bytes(*formats)
    broken: dict[str, object] = {
        "number": 5,
        "null": None,
        "object": {},
        "list": [1, 2],
        "empty": "",
        "noise": "!!!",
        "short": "AAAA",
        "other-curve": base64.b64encode(other_curve).decode(),
        "other-kind": base64.b64encode(other_kind).decode(),
    }
    with running_edge(tmp_path, services.upstreams, keys=broken) as edge:
        services.seen.clear()
        for key_id in [*broken, KEY_ID]:
            answer = edge.ask("GET", "/api/v1/portfolio/summary", token=edge.issuer.token(headers={"kid": key_id}))
            assert_problem(answer, 401, "token_invalid")
        assert services.seen == []
        log = (edge.config.parent.parent / "log" / "gateway-error.log").read_text()
        assert "token refused on an unexpected" in log
        assert "eyJ" not in log


def test_the_access_log_names_request_user_and_service_but_no_query(edge: Edge) -> None:
    edge.ask(
        "GET", "/api/v1/portfolio/summary?secret=hush", token=edge.issuer.token(), headers={"X-Request-ID": "find-me"}
    )
    log = edge.config.parent.parent / "log" / "gateway-access.log"
    lines: list[dict[str, object]] = []
    for _ in range(40):
        lines = [json.loads(line) for line in log.read_text().splitlines() if "find-me" in line]
        if lines:
            break
        edge.ask("GET", "/")
        time.sleep(0.05)
    assert lines[0]["path"] == "/api/v1/portfolio/summary"
    assert (lines[0]["upstream"], lines[0]["status"]) == ("trading", 200)
    assert re.fullmatch(r"[0-9a-f-]{36}", str(lines[0]["user"]))
    assert "hush" not in log.read_text()


def test_the_client_s_files_are_kept_for_good_and_its_page_is_asked_for_again(narrow_edge: Edge) -> None:
    def ask(path: str, **headers: str) -> httpx.Response:
        return narrow_edge.ask("GET", path, headers={"X-Test-Address": "192.0.2.72", **headers})

    assert ask("/assets/app.js").headers["cache-control"] == "public, max-age=31536000, immutable"
    assert ask("/orders/42").headers["cache-control"] == "no-cache"
    gone = ask("/assets/app-of-last-week.js")
    assert_problem(gone, 404, "not_found")
    assert gone.headers["cache-control"] == "no-store"


def test_a_file_that_lies_there_compressed_is_sent_as_it_lies(narrow_edge: Edge) -> None:
    headers = {"X-Test-Address": "192.0.2.73", "Accept-Encoding": "gzip"}
    answer = narrow_edge.ask("GET", "/assets/app.js", headers=headers)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == "export {};"


def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(narrow_edge: Edge) -> None:
    answer = narrow_edge.ask("GET", "/", headers={"X-Test-Address": "192.0.2.74"})
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {source for name, source in policy.items() if name.endswith("-src")} == {"'none'", "'self'"}
