"""``patuh restore``: a backup is one when it has been restored."""

from __future__ import annotations

import datetime
import json
import zoneinfo
from typing import Annotated, Literal, Self

import click
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from commands.apply import run_playbook
from commands.common import Steps, tell, this_person
from commands.inventory import Inventory, inventory_option
from compliance.assessment import Moment, Told, printable
from compliance.catalogue import suggestion
from compliance.errors import PatuhError
from compliance.evidence import store
from compliance.evidence.kinds import Holding, Restore

ERROR_SHOWN = 300
HOLDINGS = {"files": Holding.FILES, "databases": Holding.DATABASE}


def _shortened(text: str) -> str:
    return printable(text)[:ERROR_SHOWN]


@click.command()
@inventory_option
@click.argument("host")
@click.argument("kind", type=click.Choice(list(HOLDINGS)))
@click.option("--request", metavar="NUMBER", help="The request that this answers: keeps what was restored.")
def restore(inventory: Inventory, host: str, kind: str, request: str | None) -> None:
    """Restore a server's newest backup beside what runs, look at it, and keep a record of it.

    Without --request it is a drill, and what was restored is removed again; with it, it stays below
    /var/lib/patuh/restored on the server, for the administrator to put in place.
    """
    loaded = inventory.load(whole=True)
    if host not in loaded.fleet.hosts:
        raise PatuhError(f"unknown host '{host}'", mend=suggestion(host, list(loaded.fleet.hosts)))
    variables = json.dumps({"restore_kind": kind, "restore_keep": request is not None})
    watcher = run_playbook("restore.yml", inventory.path, Steps(), "--limit", host, "-e", variables, vault=inventory)
    entry = answer(watcher.said.get(host, ""), host)
    folder = store.folder_of(inventory.path)
    store.add(folder, Restore, [as_record(entry, host, loaded.fleet.timezone, request)])
    click.echo(f"{folder / Restore.kind.file}")
    if not entry.ok:
        raise PatuhError(f"{host}: {entry.error}", mend="Follow the recovery plan, and note the steps taken.")
    for archive in entry.archives:
        tell(f"{host}: /var/lib/patuh/restored/{archive.archive}" if request else f"{host}: {archive.archive}")


class _Told(BaseModel):
    """A part of what a server says; of the right types, or not believed."""

    model_config = ConfigDict(strict=True, frozen=True)


class Archive(_Told):
    """An archive that was restored."""

    archive: Told
    files: int = Field(ge=0, le=10**12)
    bytes: int = Field(ge=0, le=2**63)


class Answer(_Told):
    """The line that patuh-backup prints and keeps of a restore."""

    when: Moment
    seconds: int = Field(ge=0, le=10**7)
    kind: Literal["files", "databases"]
    ok: bool
    medium: Told = ""
    archives: list[Archive] = Field(max_length=100)
    error: Annotated[str, AfterValidator(_shortened)] = "it does not say why"

    @model_validator(mode="after")
    def says_what_it_did(self) -> Self:
        """A restore of nothing, or from nowhere, is none."""
        if self.when.tzinfo is None:
            raise ValueError("the moment is without its zone")
        if self.ok and not (self.archives and self.medium):
            raise ValueError("it names no archive or no medium")
        return self


def answer(text: str, host: str) -> Answer:
    """What a server says of a restore.

    :raises PatuhError: when it is anything else than that.
    """
    try:
        return Answer.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        told = f"its answer about the restore is not understood: {place + ': ' if place else ''}{first['msg']}"
        mend = "Nothing was recorded: look at what patuh-backup says there."
        raise PatuhError(told, where=host, mend=mend) from error


def as_record(entry: Answer, host: str, timezone: str, request: str | None) -> dict[str, str]:
    """What a server says of a restore, as an entry of the log of restores."""
    began = entry.when.astimezone(zoneinfo.ZoneInfo(timezone))
    ended = began + datetime.timedelta(seconds=entry.seconds)
    archives = entry.archives
    record = {
        "mulai": began.strftime("%Y-%m-%d %H:%M"),
        "selesai": ended.strftime("%Y-%m-%d %H:%M"),
        "server": host,
        "jenis": str(HOLDINGS[entry.kind]),
        "objek": ", ".join(archive.archive for archive in archives) or "—",
        "latihan": "tidak" if request else "ya",
        "berhasil": "ya" if entry.ok else "tidak",
        "petugas": this_person(),
        "keterangan": "dicatat oleh patuh restore",
    }
    if request:
        record["permohonan"] = request
    if not entry.ok:
        return record | {"keterangan": f"dicatat oleh patuh restore: {entry.error}"}
    return record | {
        "ukuran_mb": f"{sum(archive.bytes for archive in archives) / 1e6:.1f}",
        "sumber": entry.medium,
        "media_terbaca": "ya",
        "cara_memeriksa": f"{sum(archive.files for archive in archives)} berkas dibaca utuh oleh Borg",
    }
