"""/api/v1/backtest/rules: whether a text is a rule."""

from typing import Annotated

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.errors import AUTHENTICATED
from pydantic import BaseModel, ConfigDict, Field
from quant.backtest import number_of
from quant.rules import TEXT_MAX, RuleError, compile_rule

from backtest.domain.strategy import FIGURES

router = APIRouter(prefix="/api/v1/backtest/rules", tags=["rules"])


class RuleIn(BaseModel):
    """A rule somebody writes; `number`: what a portfolio is ranked by; `figures`: it may read companies'."""

    model_config = ConfigDict(extra="forbid")

    rule: Annotated[str, Field(max_length=TEXT_MAX, examples=["rsi(14) < 30"])]
    number: bool = False
    figures: bool = False


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
        read = number_of if body.number else compile_rule
        read(body.rule, FIGURES if body.figures else frozenset())
    except RuleError as error:
        return RuleOut(valid=False, error=error.message, error_ko=error.message_ko, column=error.column)
    return RuleOut(valid=True, error=None, error_ko=None, column=None)
