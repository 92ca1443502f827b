"""How people write values in records, and what they become.

Field names are Indonesian, as staff write them; the English name of each field is accepted as well, and so are English
words where a choice is asked for. Dates are ISO 8601 and nothing else: ``03/04/2026`` is two different days.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from compliance.catalogue import Text

TEXT_MAX = 1000
# Numbers of identity cards (NIK) and family cards have sixteen digits; bank cards, too.
IDENTITY_NUMBER = re.compile(r"(?<!\d)(?:\d[ .-]?){15}\d(?!\d)")
_YES = {"ya": True, "y": True, "yes": True, "true": True, "tidak": False, "t": False, "no": False, "false": False}


def _words(value: Any) -> Any:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("must be text")
    text = unicodedata.normalize("NFC", value).strip()
    if not text:
        raise ValueError("must not be empty")
    if text.startswith("="):
        raise ValueError("is a formula; write its value")
    if any(unicodedata.category(sign).startswith("C") for sign in text.replace("\n", " ")):
        raise ValueError("holds control characters")
    if len(text) > TEXT_MAX:
        raise ValueError(f"is longer than {TEXT_MAX} characters")
    return text


def _private_words(value: Any) -> Any:
    text = _words(value)
    if IDENTITY_NUMBER.search(text):
        raise ValueError("holds an identity number; note only that the document was deposited")
    return text


def _date(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        if value.time() != datetime.time():
            raise ValueError("must be a date without a time")
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip())):
        raise ValueError("must be a date as YYYY-MM-DD")
    try:
        return datetime.date.fromisoformat(value.strip())
    except ValueError as error:
        raise ValueError("is no day of the calendar") from error


def _moment(value: Any) -> Any:
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value.replace(second=0, microsecond=0)
    if not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?", value.strip())):
        raise ValueError("must be date and time as YYYY-MM-DD HH:MM")
    try:
        return datetime.datetime.fromisoformat(value.strip()).replace(second=0)
    except ValueError as error:
        raise ValueError("is no moment of the calendar") from error


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    # A decimal comma is what Indonesian staff and spreadsheets write.
    text = str(value).strip()
    if not re.fullmatch(r"[+-]?\d{1,12}([.,]\d{1,6})?", text):
        raise ValueError("must be a number, such as 21.5")
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation as error:
        raise ValueError("must be a number, such as 21.5") from error


def _yes_no(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    found = _YES.get(str(value).strip().casefold())
    if found is None:
        raise ValueError("must be 'ya' or 'tidak'")
    return found


def _names(value: Any) -> Any:
    parts = value if isinstance(value, list | tuple) else [part for part in str(value).split(";") if part.strip()]
    return tuple(_words(part) for part in parts)


def _sha256(value: Any) -> Any:
    text = str(value).strip().casefold()
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("must be a SHA-256: 64 hexadecimal digits")
    return text


class Choice(StrEnum):
    """One of a few words: the values are what staff write, the members' names their English."""

    @classmethod
    def _missing_(cls, value: object) -> Choice | None:
        said = str(value).strip().casefold()
        return next((one for one in cls if said in (one.value, one.name.lower().replace("_", " "))), None)


Date = Annotated[datetime.date, BeforeValidator(_date)]
Moment = Annotated[datetime.datetime, BeforeValidator(_moment)]
Number = Annotated[Decimal, BeforeValidator(_number)]
YesNo = Annotated[bool, BeforeValidator(_yes_no)]
Words = Annotated[str, BeforeValidator(_words)]
PrivateWords = Annotated[str, BeforeValidator(_private_words)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Percent = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, le=100)]
Sha256 = Annotated[str, BeforeValidator(_sha256)]


def named(indonesian: str, *, unit: str = "", optional: bool = False, **constraints: Any) -> Any:
    """A field of a record: its Indonesian name and, for numbers, its unit."""
    if optional:
        constraints["default"] = None
    return Field(alias=indonesian, json_schema_extra={"unit": unit}, **constraints)


@dataclass(frozen=True)
class Kind:
    """A kind of record: its name on the command line, its file, and its title."""

    name: str
    file: str
    title: Text

    @property
    def is_log(self) -> bool:
        """Whether it is a table that grows by rows, rather than a list of documents."""
        return self.file.endswith(".csv")


class Part(BaseModel):
    """Something within a document."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Record(Part):
    """One entry of a log, or one document. ``where`` is the file and line it stands in."""

    kind: ClassVar[Kind]
    in_turn: ClassVar[tuple[str, str] | None] = None  # a beginning, and an end that is not before it
    _where: str = PrivateAttr("")

    remarks: Words | None = named("keterangan", optional=True)
    attachment: Words | None = named("lampiran", optional=True)
    attachment_sha256: Sha256 | None = named("lampiran_sha256", optional=True)

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        began, ended = (getattr(self, name) for name in self.in_turn) if self.in_turn else (None, None)
        if began is not None and ended is not None and ended < began:
            raise ValueError("the end is before the beginning")
        return self

    @property
    def where(self) -> str:
        """``file:line`` of the entry."""
        return self._where

    def moments(self) -> list[tuple[str, datetime.datetime]]:
        """Every date and time of the entry with its field's name, dates as their midnight."""
        return [
            (name, _midnight(value))
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), datetime.date)
        ]

    @property
    def day(self) -> datetime.date:
        """The day that the entry is about: its first date."""
        return self.moments()[0][1].date()


def _midnight(value: datetime.date) -> datetime.datetime:
    return value if isinstance(value, datetime.datetime) else datetime.datetime.combine(value, datetime.time())


AnyRecord = TypeVar("AnyRecord", bound=Record)
KINDS: dict[str, type[Record]] = {}


def kind(name: str, file: str, indonesian: str, english: str) -> Callable[[type[AnyRecord]], type[AnyRecord]]:
    """Register a model as a kind of record."""

    def register(model: type[AnyRecord]) -> type[AnyRecord]:
        model.kind = Kind(name, file, Text(id=indonesian, en=english))
        KINDS[name] = model
        return model

    return register
