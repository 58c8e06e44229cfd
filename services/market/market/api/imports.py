"""Imports: an admin uploads daily bars as CSV or Parquet files."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import date
from pathlib import PurePath
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from kit.auth import Admin
from kit.clock import now
from kit.errors import AUTHENTICATED, FieldError, responses
from kit.ids import new_id
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Json, ValidationError, model_validator
from quant.markets.listing import Board, Kind, Market, market_of
from quant.markets.symbols import normalise
from starlette.datastructures import UploadFile

from market.domain.instrument import AdjustmentOfBars
from market.domain.sessions import local_day, unfinished_day
from market.errors import BadRows, BadUpload
from market.feeds.bar_files import BarFile
from market.feeds.bar_findings import findings_in
from market.feeds.bar_rules import BarSheet, read_bars
from market.usecases.import_bars import Origin, import_bars

UPLOAD_BYTES_MAX = 64 << 20
FILES_MAX = 1_000
FIELDS_MAX = 10
FIELD_BYTES_MAX = 1 << 20
NAMES_MAX = 10_000
NAME_LENGTH_MAX = 100
FILE_FIELD = "files"

router = APIRouter(prefix="/api/v1/market", tags=["market"])

Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
Code = Annotated[str, AfterValidator(lambda text: normalise(text).code)]


class ImportForm(BaseModel):
    """The fields beside the files."""

    model_config = ConfigDict(extra="forbid")

    market: Market
    board: Board
    kind: Kind = "stock"
    source: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9_.-]+$")] = "csv"
    skip_bad: bool = False
    adjustment: AdjustmentOfBars = "raw"
    names: Annotated[Json[dict[Code, Name]], Field(max_length=NAMES_MAX)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _board_is_of_market(self) -> Self:
        if market_of(self.board) != self.market:
            raise ValueError(f"{self.board} is no board of {self.market}")
        return self


class BadRowView(BaseModel):
    """A row that was left out."""

    file: str
    line: int
    code: str
    reason: str


class FindingView(BaseModel):
    """Something peculiar about rows that were stored: what, how many, in how many symbols, and the first few."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    note: str
    rows: int
    symbols: int
    examples: list[str]


class ImportReport(BaseModel):
    """What became of the rows; `bad` lists the first hundred of `bad_count`, `findings` what is peculiar.

    `store_seconds` is the part of `seconds` that the database's one transaction took.
    """

    id: UUID
    source: str
    symbols: int
    rows: int
    inserted: int
    updated: int
    unchanged: int
    first_day: date
    last_day: date
    seconds: float
    store_seconds: float
    bad_count: int
    bad: list[BadRowView]
    findings: list[FindingView]


class Upload(BaseModel):
    """A whole upload, read."""

    form: ImportForm
    files: list[BarFile]


async def _read_upload(request: Request, _admin: Admin) -> AsyncIterator[Upload]:
    """Read the form only after the sender is known to be an admin: FastAPI's own form would be read before."""
    async with request.form(max_files=FILES_MAX, max_fields=FIELDS_MAX, max_part_size=FIELD_BYTES_MAX) as sent:
        files = [part for part in sent.getlist(FILE_FIELD) if isinstance(part, UploadFile)]
        if not files:
            raise BadUpload(f"Send one or several files of bars in the field `{FILE_FIELD}`.")
        fields = {name: value for name, value in sent.items() if name != FILE_FIELD}
        try:
            form = ImportForm.model_validate(fields)
        except ValidationError as invalid:
            raise RequestValidationError(
                [error | {"loc": ("body", *error["loc"])} for error in invalid.errors()]
            ) from invalid
        named = [BarFile(PurePath(file.filename or "").name or "bars", await file.read()) for file in files]
        yield Upload.model_construct(form=form, files=named)


def _form_document() -> dict[str, Any]:
    schema = ImportForm.model_json_schema()
    schema["properties"] = {
        FILE_FIELD: {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": FILES_MAX},
        **schema["properties"],
    }
    schema["required"] = [FILE_FIELD, *schema["required"]]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.post(
    "/imports",
    status_code=201,
    responses={**AUTHENTICATED, **responses(BadRows, BadUpload)},
    openapi_extra=_form_document(),
)
async def create_import(
    request: Request, upload: Annotated[Upload, Depends(_read_upload, scope="function")]
) -> ImportReport:
    """Store daily bars.

    A file holds one symbol and is named after it (`005930.csv`), or has a `symbol` column; the header is
    `Date,Open,High,Low,Close,Volume` in any case and order, or those words in Korean, and more columns do no harm. With
    a bad row nothing is stored, unless `skip_bad` leaves bad rows out. What is peculiar about good rows (halted days,
    prices off the grid, jumps, gaps, a day captured before its end) is told in `findings`.
    """
    began = time.perf_counter()
    form = upload.form
    moment = now()
    sheet = await asyncio.to_thread(read_bars, upload.files, form.market, local_day(form.market, moment))
    if sheet.bad_count and not form.skip_bad:
        raise _refusal(sheet, f"{sheet.bad_count} row(s) cannot be imported, so nothing was.")
    if sheet.rows.is_empty():
        raise _refusal(sheet, "No row can be imported.")
    running = unfinished_day(form.market, moment)
    findings = await asyncio.to_thread(findings_in, sheet.rows, form.board, form.kind, running)
    origin = Origin(form.board, form.kind, form.source, form.names, form.adjustment)
    import_id, judged = new_id(), time.perf_counter()
    async with request.app.state.resources.database.system() as session:
        imported = await import_bars(session, import_id, sheet.rows, origin)
    return ImportReport(
        id=import_id,
        source=form.source,
        symbols=imported.symbols,
        rows=imported.rows,
        inserted=imported.inserted,
        updated=imported.updated,
        unchanged=imported.unchanged,
        first_day=imported.first_day,
        last_day=imported.last_day,
        seconds=round((done := time.perf_counter()) - began, 3),
        store_seconds=round(done - judged, 3),
        bad_count=sheet.bad_count,
        bad=[BadRowView(file=row.file, line=row.line, code=row.code, reason=row.reason) for row in sheet.bad],
        findings=[FindingView.model_validate(finding) for finding in findings],
    )


def _refusal(sheet: BarSheet, detail: str) -> BadRows:
    errors = [FieldError(field=f"{row.file}:{row.line}", message=row.reason, code=row.code) for row in sheet.bad]
    return BadRows(detail, errors=errors, bad_count=sheet.bad_count)
