"""``patuh record``: adding to the records, taking over spreadsheets, and telling what is wrong in them."""

from __future__ import annotations

import datetime
import sys
import typing
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem
from pydantic.fields import FieldInfo

from commands.common import console
from commands.inventory import Inventory, inventory_option
from compliance import fleet, strict_yaml
from compliance.catalogue import default_catalogue
from compliance.errors import InvalidInput, PatuhError
from compliance.evidence import consistency, store
from compliance.evidence.fields import KINDS, Choice, Part, Record
from compliance.evidence.store import Records

T = TypeVar("T")
HELP = """Keep the records that no machine can make.

Each kind has a command of its own that adds an entry: 'patuh record room-climate --help' lists its fields. Fields
have Indonesian names, as in the files, and English ones. What is missing is asked for in a terminal.
"""


def _parts(annotation: Any) -> list[Any]:
    """The classes within an annotation such as ``Condition | None`` or ``Annotated[…]``."""
    inner = typing.get_args(annotation)
    return [part for one in inner for part in _parts(one)] if inner else [annotation]


def _class_of(info: FieldInfo, wanted: type[T]) -> type[T] | None:
    found = [part for part in _parts(info.annotation) if isinstance(part, type) and issubclass(part, wanted)]
    return found[0] if found else None


def _words(choice: type[Choice]) -> list[str]:
    return [one.value for one in choice]


def _completion(name: str, info: FieldInfo) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    choice = _class_of(info, Choice)

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        words: list[str] = []
        if choice is not None:
            words = _words(choice)
        elif _class_of(info, bool):
            words = ["ya", "tidak"]
        elif name in consistency.SERVER_FIELDS:
            inventory = context.params.get("inventory")
            words = list(fleet.load(Path(str(inventory)), default_catalogue()).fleet.hosts) if inventory else []
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]

    return complete


def describe(info: FieldInfo) -> str:
    """What a field takes, in a few words."""
    choice, unit = _class_of(info, Choice), store.unit_of(info)
    if choice is not None:
        said = " | ".join(_words(choice))
    elif _class_of(info, Part):
        said = "YAML"
    elif _class_of(info, bool):
        said = "ya | tidak"
    elif _class_of(info, datetime.datetime):
        said = "YYYY-MM-DD HH:MM"
    elif _class_of(info, datetime.date):
        said = "YYYY-MM-DD"
    else:
        said = unit
    return " ".join(filter(None, [said, "" if info.is_required() else "(optional)"]))


def _command(kind: type[Record]) -> click.Command:
    """The command that adds an entry of a kind."""

    def add(inventory: Inventory, attach: Path | None, **values: str | None) -> None:
        loaded = inventory.load()
        folder = store.folder_of(inventory.path)
        given = {name: _value(kind, name, value) for name, value in values.items() if value is not None}
        if sys.stdin.isatty():
            for name, info in store.fields_of(kind).items():
                if info.is_required() and name not in given:
                    given[name] = _value(kind, name, click.prompt(f"{info.alias} [{describe(info)}]"))
        entry = store.validated(kind, given)
        _refuse_contradictions(loaded, folder, kind, entry)
        if attach is not None:
            given |= store.attach(folder, attach)
        store.add(folder, kind, [given])
        console.print(str(folder / kind.kind.file), markup=False, soft_wrap=True)

    options: list[click.Parameter] = []
    for name, info in store.fields_of(kind).items():
        if name in ("attachment", "attachment_sha256"):
            continue
        names = dict.fromkeys(f"--{one.replace('_', '-')}" for one in (str(info.alias), name))
        options.append(
            click.Option(
                [name, *names], metavar="…", help=describe(info), shell_complete=_completion(name, info), default=None
            )
        )
    attach_option = click.Option(
        ["--attach"], type=click.Path(path_type=Path, dir_okay=False), help="A file to keep beside the entry."
    )
    command = click.command(
        kind.kind.name,
        params=[*options, attach_option],
        short_help=f"{kind.kind.title.id} / {kind.kind.title.en}",
        help=f"Add to {kind.kind.file}: {kind.kind.title.id} ({kind.kind.title.en}).\n\n{(kind.__doc__ or '').strip()}",
    )
    return command(inventory_option(add))


def _value(kind: type[Record], name: str, text: str) -> Any:
    """A value as typed; parts of a document are typed as YAML."""
    info = kind.model_fields[name]
    return strict_yaml.parse(text, Path(f"--{info.alias}")).data if _class_of(info, Part) else text


def _now(loaded: fleet.LoadedFleet) -> datetime.datetime:
    return datetime.datetime.now(zoneinfo.ZoneInfo(loaded.fleet.timezone)).replace(tzinfo=None)


def _refuse_contradictions(loaded: fleet.LoadedFleet, folder: Path, kind: type[Record], entry: Record) -> None:
    """What does not fit the inventory is told before anything is written.

    :raises InvalidInput: naming it.
    """
    alone = Records(folder, {kind: [entry]})
    problems = consistency.check(alone, loaded.fleet, default_catalogue(), _now(loaded)).all_problems()
    if problems:
        raise InvalidInput(problems)


@click.group(help=HELP)
def record() -> None:
    """Keep the records that no machine can make."""


for _kind in KINDS.values():
    record.add_command(_command(_kind))


@record.command("import")
@inventory_option
@click.argument("kind", type=click.Choice([name for name, kind in KINDS.items() if kind.kind.is_log]))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def import_(inventory: Inventory, kind: str, file: Path) -> None:
    """Take over the rows of a spreadsheet (.xlsx or .csv): all of them, or none when one is wrong.

    Rows that the log holds already are left out, so that a sheet that grows can be imported again.
    """
    loaded = inventory.load()
    folder = store.folder_of(inventory.path)

    def fits(entries: list[Record]) -> list[PatuhError]:
        alone = Records(folder, {KINDS[kind]: entries})
        return consistency.check(alone, loaded.fleet, default_catalogue(), _now(loaded)).all_problems()

    added = store.import_spreadsheet(folder, KINDS[kind], file, fits)
    console.print(f"{folder / KINDS[kind].kind.file}: +{len(added)}", markup=False, soft_wrap=True)


@record.command("check")
@inventory_option
def check_(inventory: Inventory) -> None:
    """Tell what is wrong in the records, with row, field and reason."""
    loaded = inventory.load()
    folder = store.folder_of(inventory.path)
    records = consistency.check(store.load(folder), loaded.fleet, default_catalogue(), _now(loaded))
    if problems := records.all_problems():
        raise InvalidInput(problems)
    count = sum(len(entries) for entries in records.entries.values())
    console.print(
        f"{folder}: {count} entries in {len(records.entries)} files, no mistake", markup=False, soft_wrap=True
    )
