"""The folder of records beside an inventory: reading it, and changing it whole or not at all.

Logs are CSV files that open in LibreOffice and Excel (comma or semicolon, with or without a byte-order mark), documents
are YAML lists. Nothing here guesses: what cannot be read is told with its row and reason, and left as it is.
"""

from __future__ import annotations

import csv
import datetime
import fcntl
import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from compliance import strict_yaml
from compliance.catalogue import suggestion
from compliance.errors import InvalidInput, PatuhError
from compliance.evidence import kinds as _kinds  # noqa: F401 (they register themselves)
from compliance.evidence.fields import KINDS, Part, Record
from compliance.reading import read_bytes, read_text

FOLDER = "records"
ATTACHMENTS = "lampiran"
MAX_BYTES = 64_000_000
ROWS_MAX = 1_000_000
COLUMNS_MAX = 200
CELL_MAX = 32_767  # what a spreadsheet's cell can hold
BEYOND = "…"  # the field of a cell that has no column
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Records:
    """All records of a fleet, by kind in the order of their files; and what could not be read."""

    folder: Path
    entries: dict[type[Record], list[Record]] = field(default_factory=dict)
    problems: dict[type[Record], list[PatuhError]] = field(default_factory=dict)

    def keeps(self, kind: type[Record]) -> bool:
        """Whether there is a file for a kind, if an empty one."""
        return kind in self.entries

    def of(self, kind: type[R]) -> list[R]:
        """The readable records of a kind, the oldest first."""
        return sorted(self.entries.get(kind, []), key=lambda one: one.moments()[0][1])  # type: ignore[arg-type]

    def all_problems(self) -> list[PatuhError]:
        """Everything that is wrong, file by file."""
        return [problem for problems in self.problems.values() for problem in problems]


def folder_of(inventory: Path) -> Path:
    """Where the records of an inventory are."""
    return (inventory if inventory.is_dir() else inventory.parent) / FOLDER


def load(folder: Path) -> Records:
    """Read all records of a folder; what is wrong in it is returned beside what is right."""
    records = Records(folder)
    for kind in KINDS.values():
        path = folder / kind.kind.file
        if not path.exists():
            continue
        entries: list[Record] = []
        problems: list[PatuhError] = []
        try:
            for place, values in _rows(kind, path):
                try:
                    entries.append(_validated(kind, values, place))
                except InvalidInput as error:
                    problems += error.problems
                    continue
                problems += _attachment_problems(folder, entries[-1])
        except InvalidInput as error:
            problems += error.problems
        records.entries[kind] = entries
        if problems:
            records.problems[kind] = problems
    return records


def names_of(kind: type[Part]) -> dict[str, str]:
    """The Indonesian name of each field by every name that is accepted for it."""
    found = {}
    for name, info in kind.model_fields.items():
        found[name] = found[str(info.alias)] = str(info.alias)
    return found


def fields_of(kind: type[Part]) -> dict[str, FieldInfo]:
    """The fields of a kind by their English names: its own first, then those that every kind has."""
    common = Record.model_fields if issubclass(kind, Record) else {}
    own = {name: info for name, info in kind.model_fields.items() if name not in common}
    return own | {name: kind.model_fields[name] for name in common}


def unit_of(info: FieldInfo) -> str:
    """The unit of a field, empty without one."""
    extra = info.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


class _Place:
    """Where a value stands; a log's row has no columns of characters."""

    def __init__(self, document: strict_yaml.Document | None, prefix: strict_yaml.KeyPath, row: str) -> None:
        self.document, self.prefix, self.row = document, prefix, row

    def __call__(self, location: strict_yaml.KeyPath = ()) -> str:
        return self.document.where((*self.prefix, *location)) if self.document else self.row


def validated(kind: type[R], values: dict[str, Any]) -> R:
    """One entry from its values, as if it were in the file of its kind.

    :raises InvalidInput: naming the field and the reason of each mistake.
    """
    return _validated(kind, values, _Place(None, (), kind.kind.file))


def _validated(kind: type[R], values: dict[str, Any], place: _Place) -> R:
    """One record from its values.

    :raises InvalidInput: naming the place, the field and the reason of each mistake.
    """
    try:
        record = kind.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(_mistakes(kind, error, place)) from error
    record._where = place()
    return record


def _mistakes(kind: type[Part], error: ValidationError, place: _Place) -> list[PatuhError]:
    problems = []
    for detail in error.errors():
        location = tuple(part for part in detail["loc"] if part != "function-before")
        names = names_of(kind)
        key = ".".join(names.get(str(part), str(part)) for part in location)
        message = detail["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        value = detail.get("input")
        shown = f" ({value!s:.60})" if isinstance(value, str | int | float | Decimal) else ""
        mend = "Mend this value."
        if detail["type"] == "missing":
            message, shown, mend = "is missing", "", "Fill it in."
        elif detail["type"] == "extra_forbidden":
            known = sorted(set(names_of(kind).values()))
            message, shown, mend = "is no field of this kind", "", suggestion(str(location[-1]), known)
            if location[-1] == BEYOND:
                key, message, mend = f"'{value}'", "stands beyond the last column", "Remove it, or name its column."
        elif detail["type"] == "enum":
            message = f"must be one of {detail['ctx']['expected']}"
        problems.append(PatuhError(f"{key or 'the entry'}{shown} {message}", where=place(location), mend=mend))
    return problems


def _rows(kind: type[Record], path: Path) -> Iterator[tuple[_Place, dict[str, Any]]]:
    """The entries of a file with where each stands.

    :raises InvalidInput: when the file as a whole cannot be read.
    """
    if not kind.kind.is_log:
        document = strict_yaml.load(path)
        if not isinstance(document.data, list | None):
            raise InvalidInput([PatuhError("is no list", where=f"{path}:1", mend="Begin each entry with '- '.")])
        for number, entry in enumerate(document.data or []):
            place = _Place(document, (number,), "")
            if not isinstance(entry, dict):
                raise InvalidInput([PatuhError("is no entry", where=place(), mend="Write 'name: value' lines.")])
            yield place, entry
        return
    yield from _table_rows(kind, _read_table(path), str(path))


def _table_rows(
    kind: type[Record], table: list[tuple[int, list[Any]]], path: str
) -> Iterator[tuple[_Place, dict[str, Any]]]:
    if not table:
        raise InvalidInput([PatuhError("has no header", where=path, mend="Put the fields' names in its first row.")])
    names = names_of(kind)
    (number, header), rows = table[0], table[1:]
    columns = [str(cell or "").strip() for cell in header]
    while columns and not columns[-1]:
        columns.pop()
    problems = [
        PatuhError(
            f"the column '{column}' is no field of this kind",
            where=f"{path}:{number}",
            mend=suggestion(column, sorted(set(names.values()))),
        )
        for column in columns
        if column.casefold() not in names
    ]
    fields = [names.get(column.casefold(), column) for column in columns]
    problems += [
        PatuhError(f"the column '{name}' is there twice", where=f"{path}:{number}", mend="Keep one of the two.")
        for name in sorted({name for name in fields if fields.count(name) > 1})
    ]
    problems += [
        PatuhError(f"the column '{info.alias}' is missing", where=f"{path}:{number}", mend="Add it.")
        for info in kind.model_fields.values()
        if info.is_required() and info.alias not in fields
    ]
    if problems:
        raise InvalidInput(problems)
    for row_number, cells in rows:
        filled = [cell for cell in cells if cell not in (None, "") and str(cell).strip()]
        if not filled:
            continue
        place = _Place(None, (), f"{path}:{row_number}")
        extra = [cell for cell in cells[len(fields) :] if cell not in (None, "")]
        values = {
            name: cell for name, cell in zip(fields, cells, strict=False) if cell is not None and str(cell).strip()
        }
        if extra:
            values[BEYOND] = str(extra[0])
        yield place, values


def _read_table(path: Path) -> list[tuple[int, list[Any]]]:
    """The rows of a CSV file with their line numbers.

    :raises InvalidInput: when it is no CSV in UTF-8.
    """
    text = read_text(path, MAX_BYTES, "Save it as 'CSV UTF-8'.")
    if "\0" in text:
        raise InvalidInput([PatuhError("is no CSV text", where=str(path), mend="Save it as 'CSV UTF-8'.")])
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(first), strict=True)

    def rows() -> Iterator[tuple[int, list[Any]]]:
        line = 1
        for row in reader:
            yield line, row
            line = reader.line_num + 1

    try:
        return _bounded(rows(), path)
    except csv.Error as error:
        raise InvalidInput(
            [PatuhError(f"is no CSV: {error}", where=f"{path}:{reader.line_num}", mend="Mend the quotes there.")]
        ) from error


def _bounded(rows: Iterator[tuple[int, list[Any]]], path: Path) -> list[tuple[int, list[Any]]]:
    """The rows that hold something, with their numbers.

    :raises InvalidInput: when there are more than a log ever has.
    """
    filled: list[tuple[int, list[Any]]] = []
    for number, cells in rows:
        while cells and cells[-1] in (None, ""):
            cells.pop()
        if not cells:
            continue
        if len(filled) == ROWS_MAX or len(cells) > COLUMNS_MAX:
            told = PatuhError("holds too many rows or columns", where=f"{path}:{number}", mend="Is it the right file?")
            raise InvalidInput([told])
        filled.append((number, cells))
    return filled


def _delimiter(header: str) -> str:
    # Spreadsheets in Indonesian write semicolons, since the comma marks decimals.
    return ";" if header.count(";") > header.count(",") else ","


def _attachment_problems(folder: Path, record: Record) -> list[PatuhError]:
    """What is wrong with the file that a record refers to."""
    if record.attachment is None:
        return []
    path = (folder / record.attachment).resolve()
    name = f"lampiran ({record.attachment})"
    if not path.is_relative_to(folder.resolve()):
        return [PatuhError(f"{name} lies outside the records", where=record.where, mend=f"Put it in {ATTACHMENTS}/.")]
    if not path.is_file():
        return [PatuhError(f"{name} does not exist", where=record.where, mend="Put it back, or remove the reference.")]
    if record.attachment_sha256 is None:
        return [PatuhError(f"{name} has no SHA-256", where=record.where, mend=f"lampiran_sha256: {sha256(path)}")]
    if sha256(path) != record.attachment_sha256:
        return [PatuhError(f"{name} is not what was attached", where=record.where, mend="Put the original back.")]
    return []


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- Changing -------------------------------------------------------------------------------------------------------


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else changes the folder meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def add(folder: Path, kind: type[R], entries: list[dict[str, Any]], places: list[str] | None = None) -> list[R]:
    """Add entries to the file of a kind, all of them or none.

    :param entries: values by field name, Indonesian or English.
    :raises InvalidInput: for entries that are wrong, or when the file already holds mistakes.
    """
    with _alone(folder):
        return _append(folder, kind, entries, places)


def attach(folder: Path, source: Path) -> dict[str, str]:
    """Copy a file into the attachments, under a name that holds its hash: the two fields that refer to it.

    :raises PatuhError: when it cannot be read.
    """
    try:
        digest = sha256(source)
        name = f"{ATTACHMENTS}/{digest[:12]}-{source.name}"
        (folder / ATTACHMENTS).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / name)
    except OSError as error:
        raise PatuhError(f"cannot be attached: {error.strerror}", where=str(source), mend="Check the name.") from error
    return {"lampiran": name, "lampiran_sha256": digest}


def _append(folder: Path, kind: type[R], entries: list[dict[str, Any]], places: list[str] | None) -> list[R]:
    path = folder / kind.kind.file
    problems: list[PatuhError] = []
    added: list[R] = []
    for number, values in enumerate(entries):
        where = places[number] if places else ""
        try:
            added.append(_validated(kind, values, _Place(None, (), where)))
        except InvalidInput as error:
            problems += error.problems
            continue
        problems += _attachment_problems(folder, added[-1])
    if problems:
        raise InvalidInput(problems)
    if path.exists() and path.stat().st_size:
        list(_rows(kind, path))  # a file that cannot be read is not added to
    old = path.read_bytes().decode("utf-8") if path.exists() else ""
    text = _with_rows(kind, path, old, added) if kind.kind.is_log else _with_documents(path, old, added)
    _replace(path, text)
    return added


def _with_rows(kind: type[Record], path: Path, old: str, added: list[Any]) -> str:
    """A log's text with rows added, in the file's own columns and delimiter."""
    names = names_of(kind)
    if old.strip():
        delimiter = _delimiter(old.split("\n", 1)[0])
        header = next(csv.reader(io.StringIO(old.removeprefix("\N{BYTE ORDER MARK}")), delimiter=delimiter))
        columns = [names.get(column.strip().casefold(), "") for column in header]
    else:
        delimiter, columns = ",", [str(info.alias) for info in fields_of(kind).values()]
    rows = [written(record) for record in added]
    missing = [name for row in rows for name in row if name not in columns]
    if missing:
        raise InvalidInput(
            [PatuhError(f"has no column '{missing[0]}'", where=f"{path}:1", mend="Add the column to its first row.")]
        )
    out = io.StringIO()
    line_end = "\r\n" if "\r\n" in old else "\n"
    if old and not old.endswith("\n"):
        out.write(line_end)
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end)
    if not old.strip():
        writer.writerow(columns)
    writer.writerows([[row.get(name, "") for name in columns] for row in rows])
    return old + out.getvalue()


def _with_documents(path: Path, old: str, added: list[Any]) -> str:
    """A list of documents with more of them below; what people wrote, comments included, stays as it is."""
    text = "" if old.strip() in ("", "[]") else old.rstrip("\n") + "\n\n"
    text += yaml.safe_dump([written(record) for record in added], allow_unicode=True, sort_keys=False, width=120)
    try:
        strict_yaml.parse(text, path)
    except InvalidInput as error:
        mend = "Write its entries below each other, each beginning with '- ' at the start of a line."
        raise InvalidInput([PatuhError("cannot be added to", where=f"{path}:1", mend=mend)]) from error
    return text


def written(part: Part) -> dict[str, Any]:
    """An entry as staff would write it: Indonesian names and words, without the fields that may be empty and are."""
    found: dict[str, Any] = {}
    for name, info in fields_of(type(part)).items():
        value = _written_value(getattr(part, name), inside=not isinstance(part, Record) or not part.kind.is_log)
        if value not in (None, "", [], ()) or info.is_required():
            found[str(info.alias)] = value
    return found


def _written_value(value: Any, inside: bool) -> Any:
    if isinstance(value, Part):
        return written(value)
    if isinstance(value, tuple):
        parts = [_written_value(one, inside) for one in value]
        return parts if inside else "; ".join(parts)
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, datetime.date):
        return value if inside else value.isoformat()
    if isinstance(value, Decimal):
        return (int(value) if value == value.to_integral_value() else float(value)) if inside else str(value)
    return None if value is None else str(value)


def _replace(path: Path, text: str) -> None:
    """Replace a file whole: a reader, or a power cut, meets the old one or the new one."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        shutil.copymode(path, temporary)
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def import_spreadsheet(
    folder: Path, kind: type[R], source: Path, problems_of: Callable[[list[Record]], list[PatuhError]]
) -> list[R]:
    """Add the rows of a spreadsheet (XLSX or CSV) to a log, all of them or none; rows that are there already are left.

    :param problems_of: what is wrong with entries beyond their own values, such as servers that nobody knows.
    :raises InvalidInput: naming row and reason of everything wrong; nothing is changed then.
    """
    if not kind.kind.is_log:
        raise PatuhError(
            f"{kind.kind.name} is no table", where=str(source), mend=f"Write {kind.kind.file} by hand, or add entries."
        )
    table = _read_spreadsheet(source) if source.suffix.casefold() == ".xlsx" else _read_table(source)
    rows = list(_table_rows(kind, table, str(source)))
    with _alone(folder):
        there = {_identity(record) for record in load(folder).entries.get(kind, [])}
        problems: list[PatuhError] = []
        fresh: list[R] = []
        new: list[dict[str, Any]] = []
        places: list[str] = []
        for place, values in rows:
            try:
                record = _validated(kind, values, place)
            except InvalidInput as error:
                problems += error.problems
                continue
            if _identity(record) not in there:
                there.add(_identity(record))
                fresh.append(record)
                new.append(values)
                places.append(place())
        problems += problems_of([*fresh])
        if problems:
            raise InvalidInput(problems)
        return _append(folder, kind, new, places) if new else []


def _identity(record: Record) -> str:
    return repr(written(record))


def _read_spreadsheet(path: Path) -> list[tuple[int, list[Any]]]:
    """The rows of a workbook's first sheet.

    :raises InvalidInput: when it is no workbook.
    """
    import zipfile

    import openpyxl

    def told(problem: str, mend: str) -> InvalidInput:
        return InvalidInput([PatuhError(problem, where=str(path), mend=mend)])

    content = io.BytesIO(read_bytes(path, MAX_BYTES))
    try:
        with zipfile.ZipFile(content) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
                raise told("unpacks to too much", "Is it the right file? Otherwise split it.")
        book = openpyxl.load_workbook(content, read_only=True, data_only=False)
        # One stray cell makes a sheet as wide and as high as it can be: 17 thousand million cells.
        rows = book.worksheets[0].iter_rows(max_col=COLUMNS_MAX, values_only=True)
        return _bounded(((number, list(row)) for number, row in enumerate(rows, 1)), path)
    except InvalidInput:
        raise
    except Exception as error:  # whatever a stranger's file does to the library: it is no workbook then
        raise told("is no workbook that can be read", "Save it again as .xlsx, or as CSV.") from error
