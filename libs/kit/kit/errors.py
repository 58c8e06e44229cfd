"""Expected failures as coded errors, and every error as one application/problem+json body (RFC 9457)."""

from http import HTTPStatus
from itertools import islice
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kit import context
from kit.json import dumps

PROBLEM_JSON = "application/problem+json"
FIELD_ERRORS_MAX = 20

log = structlog.get_logger()


class FieldError(BaseModel):
    """One field that could not be used: where it is, what is wrong, and a stable word for the kind of mistake."""

    field: str
    message: str
    code: str


class Problem(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None
    trace_id: str | None = None
    errors: list[FieldError] = []


class AppError(Exception):
    """An expected failure. Subclasses give the status and a stable code; the detail says what to do."""

    STATUS: ClassVar[int] = 400
    CODE: ClassVar[str] = "bad_request"
    TITLE: ClassVar[str] = "The request could not be carried out"
    HEADERS: ClassVar[dict[str, str]] = {}

    def __init__(self, detail: str, *, errors: list[FieldError] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors or []
        self.members = members
        self.headers: dict[str, str] = dict(self.HEADERS)

    @property
    def code(self) -> str:
        """The code of this very error; a subclass whose code varies overrides it."""
        return self.CODE


class NotFound(AppError):
    """There is no such thing, or it is somebody else's: the two look the same from outside."""

    STATUS = 404
    CODE = "not_found"
    TITLE = "Not found"


class Unauthenticated(AppError):
    """No token, or one that cannot be trusted."""

    STATUS = 401
    CODE = "token_invalid"
    TITLE = "Not authenticated"

    def __init__(self, detail: str, code: str = "token_invalid") -> None:
        super().__init__(detail)
        self._code = code
        self.headers = {"WWW-Authenticate": "Bearer"}

    @property
    def code(self) -> str:
        return self._code


class Forbidden(AppError):
    """Known, but not allowed."""

    STATUS = 403
    CODE = "forbidden"
    TITLE = "Not allowed"


class StepUpRequired(AppError):
    """Known and allowed, but it is too long ago that this person proved who they are."""

    STATUS = 403
    CODE = "step_up_required"
    TITLE = "Fresh authentication is needed"


class Unavailable(AppError):
    """Something this answer depends on is down; trying again soon is right."""

    STATUS = 503
    CODE = "unavailable"
    TITLE = "Temporarily unavailable"

    def __init__(self, detail: str, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.headers = {"Retry-After": str(retry_after_seconds)}


def problem(status: int, code: str, detail: str, **members: Any) -> Response:
    """Build a problem+json answer."""
    headers = members.pop("headers", None)
    body = {
        "type": f"urn:exodus:problem:{code}",
        "title": members.pop("title", HTTPStatus(status).phrase),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": context.request.get(),
        "trace_id": context.trace_id() or None,
        "errors": members.pop("errors", []),
        **members,
    }
    return Response(dumps(body), status_code=status, media_type=PROBLEM_JSON, headers=headers)


async def _app_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return answer(error)


def answer(error: AppError) -> Response:
    """Build the answer of an expected failure: for routes that return it, so that their transaction is kept."""
    return problem(
        error.STATUS,
        error.code,
        error.detail,
        title=error.TITLE,
        errors=[item.model_dump() for item in error.errors],
        headers=error.headers,
        **error.members,
    )


async def _invalid_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = dict.fromkeys(map(_words, error.errors()))  # a body that two dependencies read is refused twice
    errors = [dict(zip(("field", "message", "code"), words, strict=True)) for words in islice(found, FIELD_ERRORS_MAX)]
    first = errors[0] if errors else {"field": "body", "message": "cannot be read"}
    return problem(422, "invalid_request", f"{first['field']}: {first['message']}", errors=errors)


def _words(item: dict[str, Any]) -> tuple[str, str, str]:
    """The field, what is wrong with it, and the word for it."""
    if item["type"] == "json_invalid" and isinstance(item["loc"][-1], int):
        return "body", f"is no JSON: {item['ctx']['error']} at character {item['loc'][-1]}", "json_invalid"
    field = ".".join(str(part) for part in item["loc"] if part != "body") or "body"
    return field, str(item["msg"]).removeprefix("Value error, "), str(item["type"])


async def _http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(
        error.status_code, phrase.lower().replace(" ", "_")
    )
    return problem(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))


def bug(error: Exception) -> Response:
    """Answer for a mistake of ours: the log has everything, the client a request id to quote."""
    log.error("unexpected error", exc_info=error)
    return problem(500, "internal_error", "Something went wrong on our side. Quote the request id when you report it.")


def install_error_handlers(app: FastAPI) -> None:
    """Turn every expected error into problem+json; `bug` is for the others, in kit.http."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_exception)


def responses(*kinds: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Document the errors of a route: one entry per status, naming the codes."""
    documented: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = documented.setdefault(kind.STATUS, _documented_problem(""))
        entry["description"] = "; ".join(filter(None, [entry["description"], f"`{kind.CODE}`: {kind.TITLE}"]))
    return documented


def _documented_problem(description: str) -> dict[str, Any]:
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}


EVERYWHERE: dict[int | str, dict[str, Any]] = {
    400: _documented_problem("`bad_request`: the body cannot be read at all"),
    413: _documented_problem("`body_too_large`: at most 1 MiB"),
    422: _documented_problem("`invalid_request`: `errors[]` names each field"),
    500: _documented_problem("`internal_error`: a mistake of ours; quote the request id"),
    503: _documented_problem("`unavailable`: try again after `Retry-After` seconds"),
}
AUTHENTICATED: dict[int | str, dict[str, Any]] = {
    401: _documented_problem("`token_missing`, `token_invalid`, `token_expired`"),
    403: _documented_problem("`forbidden`: the role or a scope is missing"),
}
