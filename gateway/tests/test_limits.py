"""How often and how long: what is refused with 429, and what slow clients get."""

import ssl
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.tests.edge import Edge, assert_problem

PRIVATE = "/api/v1/portfolio/summary"
PUBLIC = "/api/v1/udf/config"


def ask_often(edge: Edge, count: int, path: str, address: str, token: str | None = None) -> Counter[int]:
    headers = {"X-Test-Address": address}
    return Counter(edge.ask("GET", path, token=token, headers=headers).status_code for _ in range(count))


@pytest.mark.requirement("R-52")
def test_logins_of_one_address_are_slowed_down_after_twenty_at_once(narrow_edge: Edge) -> None:
    headers = {"X-Test-Address": "192.0.2.1"}
    answers = [narrow_edge.ask("POST", "/api/v1/auth/login", headers=headers) for _ in range(60)]
    # The narrow gateway lets 20 pass per address; the login zone's own burst is the 20 of production, plus one.
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 20 <= len(answers) - len(refused) <= 25
    assert_problem(refused[0], 429, "rate_limit")
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].headers["x-ratelimit-limit"] == "10"
    assert refused[0].headers["x-ratelimit-remaining"] == "0"
    assert refused[0].headers["x-ratelimit-reset"] == "1"
    assert narrow_edge.ask("POST", "/api/v1/auth/login", headers={"X-Test-Address": "192.0.2.2"}).status_code == 200


@pytest.mark.requirement("R-41", "R-52")
def test_beginning_at_another_provider_counts_as_a_login_and_coming_back_does_not(narrow_edge: Edge) -> None:
    figures = {}
    for step, address in (("start", "192.0.2.3"), ("callback?code=1", "192.0.2.4")):
        headers = {"X-Test-Address": address}
        path = f"/api/v1/auth/oauth/kakao/{step}"
        answers = [narrow_edge.ask("GET", path, headers=headers) for _ in range(60)]
        figures[step] = {answer.headers["x-ratelimit-limit"] for answer in answers if answer.status_code == 429}
    assert figures == {"start": {"10"}, "callback?code=1": {"2000"}}


@pytest.mark.requirement("R-52")
def test_a_user_is_limited_wherever_the_requests_come_from_and_others_are_not(narrow_edge: Edge) -> None:
    token = narrow_edge.issuer.token()
    answered = Counter(
        narrow_edge.ask("GET", PRIVATE, token=token, headers={"X-Test-Address": f"198.51.100.{n}"}).status_code
        for n in range(20)
    )
    assert 10 <= answered[200] <= 12
    assert answered[429] == 20 - answered[200]
    assert ask_often(narrow_edge, 1, PRIVATE, "198.51.100.1", narrow_edge.issuer.token()) == {200: 1}


@pytest.mark.requirement("R-52")
def test_a_forged_token_uses_up_its_address_and_not_the_user_it_names(narrow_edge: Edge) -> None:
    right = narrow_edge.issuer.token()
    forged = right[:-8] + "AAAAAAAA"
    answered = ask_often(narrow_edge, 30, PRIVATE, "198.51.101.1", forged)
    assert 20 <= answered[401] <= 22
    assert answered[429] == 30 - answered[401]
    assert ask_often(narrow_edge, 5, PRIVATE, "198.51.101.2", right) == {200: 5}


@pytest.mark.requirement("R-32", "R-52")
def test_a_user_may_call_as_often_in_a_minute_as_the_operator_allows_over_all_services(edge: Edge) -> None:
    token = edge.issuer.token(lim={"calls_per_minute": 60, "daily_trades": 5})
    began = time.monotonic()
    paths = (PRIVATE, "/api/v1/market/status", "/api/v1/notifications")
    answers = [edge.ask("GET", paths[n % 3], token=token) for n in range(90)]
    passed = [answer for answer in answers if answer.status_code == 200]
    assert 30 <= len(passed) <= 31 + (time.monotonic() - began), "half a minute's at once, then one a second"
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert_problem(refused, 429, "rate_limit")
    assert (refused.headers["x-ratelimit-limit"], refused.headers["retry-after"]) == ("1", "1")
    for lim in ({"calls_per_minute": 600}, {"calls_per_minute": 60_000}, {}, None, "much", {"calls_per_minute": "60"}):
        other = edge.issuer.token(lim=lim)
        assert ask_often(edge, 70, PRIVATE, "192.0.2.9", other) == {200: 70}, lim


@pytest.mark.requirement("R-32")
@pytest.mark.parametrize("pretence", [{}, {"Connection": "Upgrade", "Upgrade": "websocket"}], ids=["plain", "upgrade"])
def test_only_so_many_requests_of_one_user_are_under_way_at_once(narrow_edge: Edge, pretence: dict[str, str]) -> None:
    token = narrow_edge.issuer.token()

    def ask(number: int) -> int:
        headers = {"X-Test-Address": f"198.51.102.{number}", **pretence}
        return narrow_edge.ask("GET", f"{PRIVATE}?wait=0.7", token=token, headers=headers).status_code

    with ThreadPoolExecutor(4) as several:
        answered = Counter(several.map(ask, range(4)))
        assert answered == {200: 2, 429: 2}
        first = several.submit(ask, 5)
        other = narrow_edge.ask("GET", PRIVATE, token=narrow_edge.issuer.token())
        assert (other.status_code, first.result()) == (200, 200), (
            "others are served, and so is the same user afterwards"
        )


@pytest.mark.requirement("R-52")
def test_addresses_of_one_ipv6_network_count_as_one(narrow_edge: Edge) -> None:
    answered = Counter(
        narrow_edge.ask("GET", PUBLIC, headers={"X-Test-Address": f"2001:db8:0:a::{n:x}:{n:x}"}).status_code
        for n in range(1, 41)
    )
    assert 20 <= answered[200] <= 22
    assert answered[429] == 40 - answered[200]
    assert ask_often(narrow_edge, 5, PUBLIC, "2001:db8:0:b::1") == {200: 5}
    # Bytes of an address may look like a line's end.
    assert ask_often(narrow_edge, 5, PUBLIC, "2001:db8:a0a:a0a::a0a") == {200: 5}


@pytest.mark.requirement("R-52")
def test_addresses_of_ipv4_count_each_for_itself(narrow_edge: Edge) -> None:
    assert ask_often(narrow_edge, 30, PUBLIC, "203.0.113.1")[429] > 0
    assert ask_often(narrow_edge, 5, PUBLIC, "203.0.113.2") == {200: 5}


@pytest.mark.requirement("R-52")
def test_five_hundred_orders_at_once_are_no_flood(edge: Edge) -> None:
    token = edge.issuer.token()
    answered = Counter(edge.ask("POST", "/api/v1/trading/orders", token=token).status_code for _ in range(500))
    assert answered == {200: 500}


@pytest.mark.requirement("R-35")
@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HTTP/1.1\r\n",
        b"POST /api/v1/auth/refresh HTTP/1.1\r\nHost: l\r\nContent-Length: 10\r\nX-Test-Address: %d.0.0.1\r\n\r\n{",
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_a_client_that_sends_too_slowly_is_cut_off_while_others_are_served(narrow_edge: Edge, beginning: bytes) -> None:
    slow = [narrow_edge.connect() for _ in range(50)]
    began = time.monotonic()
    for number, connection in enumerate(slow, 1):
        connection.sendall(beginning.replace(b"%d", b"%d" % number))
    assert narrow_edge.ask("GET", "/", headers={"X-Test-Address": "192.0.2.99"}).status_code == 200
    for connection in slow:
        connection.settimeout(5)
        try:
            while connection.recv(1024):
                pass
        except (ConnectionResetError, ssl.SSLError, TimeoutError):
            pass
        connection.close()
    assert time.monotonic() - began < 4
