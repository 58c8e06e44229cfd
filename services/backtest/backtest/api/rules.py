"""/api/v1/backtest/rules: whether a text is a rule."""

from typing import Annotated

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.errors import AUTHENTICATED
from pydantic import BaseModel, ConfigDict, Field
from quant.rules import TEXT_MAX, RuleError, compile_rule

router = APIRouter(prefix="/api/v1/backtest/rules", tags=["rules"])


class RuleIn(BaseModel):
    """A rule somebody is writing."""

    model_config = ConfigDict(extra="forbid")

    rule: Annotated[str, Field(max_length=TEXT_MAX, examples=["rsi(14) < 30"])]


class RuleOut(BaseModel):
    """Whether it compiles; if not, why (in English and in Korean), and at which column (from 1)."""

    valid: bool
    error: str | None
    error_ko: str | None
    column: int | None


@router.post("/check", responses=AUTHENTICATED)
async def check_rule(body: RuleIn, _user: CurrentUser) -> RuleOut:
    """Compile a rule and say what is wrong with it; a rule that does not compile is an answer, not an error."""
    try:
        compile_rule(body.rule)
    except RuleError as error:
        return RuleOut(valid=False, error=error.message, error_ko=error.message_ko, column=error.column)
    return RuleOut(valid=True, error=None, error_ko=None, column=None)
