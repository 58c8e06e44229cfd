"""Where a request comes from, and with what."""

from fastapi import Request

from auth.api.types import DEVICE_COOKIE
from auth.domain.guessing import Place
from auth.domain.session import ADDRESS_LENGTH_MAX, TOKEN_LENGTH, USER_AGENT_LENGTH_MAX, Device, digest_of


def address_of(request: Request) -> str:
    """Return the client's address as uvicorn reports it: it believes the gateway alone."""
    return request.client.host if request.client else ""


def browser_token_of(request: Request) -> str | None:
    """Return the device's token, if the browser has one of ours."""
    token = request.cookies.get(DEVICE_COOKIE, "")
    return token if len(token) == TOKEN_LENGTH else None


def place_of(request: Request) -> Place:
    """Return the place that guesses are counted for."""
    token = browser_token_of(request)
    return Place(address_of(request), None if token is None else digest_of(token))


def device_of(request: Request) -> Device:
    """Return what the owner of a session will recognise it by: printable, and cut where it is too long."""
    agent = "".join(letter for letter in request.headers.get("user-agent", "") if letter.isprintable())
    return Device(address_of(request)[:ADDRESS_LENGTH_MAX], agent[:USER_AGENT_LENGTH_MAX])
