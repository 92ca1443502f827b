"""``patuh restore``: a backup is one when it has been restored."""

from __future__ import annotations

import datetime
import json
import zoneinfo
from pathlib import Path
from typing import Any

import click

from commands.apply import run_playbook
from commands.check import inventory_option
from commands.common import Steps, this_person
from compliance import fleet
from compliance.catalogue import default_catalogue, suggestion
from compliance.errors import PatuhError
from compliance.evidence import store
from compliance.evidence.kinds import Holding, Restore

HOLDINGS = {"files": Holding.FILES, "databases": Holding.DATABASE}


@click.command()
@inventory_option
@click.argument("host")
@click.argument("kind", type=click.Choice(list(HOLDINGS)))
@click.option("--request", metavar="NUMBER", help="The request that this answers: keeps what was restored.")
def restore(inventory: Path, host: str, kind: str, request: str | None) -> None:
    """Restore a server's newest backup beside what runs, look at it, and keep a record of it.

    Without --request it is a drill, and what was restored is removed again; with it, it stays below
    /var/lib/patuh/restored on the server, for the administrator to put in place.
    """
    loaded = fleet.load(inventory, default_catalogue())
    if host not in loaded.fleet.hosts:
        raise PatuhError(f"unknown host '{host}'", mend=suggestion(host, list(loaded.fleet.hosts)))
    variables = json.dumps({"restore_kind": kind, "restore_keep": request is not None})
    watcher = run_playbook("restore.yml", inventory, Steps(), "--limit", host, "-e", variables)
    entry = json.loads(watcher.said[host])
    folder = store.folder_of(inventory)
    store.add(folder, Restore, [as_record(entry, host, loaded.fleet.timezone, request)])
    click.echo(f"{folder / Restore.kind.file}")
    if not entry["ok"]:
        raise PatuhError(f"{host}: {entry['error']}", mend="Follow the recovery plan, and note the steps taken.")
    for archive in entry["archives"]:
        click.echo(
            f"{host}: /var/lib/patuh/restored/{archive['archive']}" if request else f"{host}: {archive['archive']}"
        )


def as_record(entry: dict[str, Any], host: str, timezone: str, request: str | None) -> dict[str, str]:
    """What a server says of a restore, as an entry of the log of restores.

    :param entry: the line that patuh-backup prints and keeps.
    """
    began = datetime.datetime.fromisoformat(entry["when"]).astimezone(zoneinfo.ZoneInfo(timezone))
    ended = began + datetime.timedelta(seconds=entry["seconds"])
    archives = entry["archives"]
    record = {
        "mulai": began.strftime("%Y-%m-%d %H:%M"),
        "selesai": ended.strftime("%Y-%m-%d %H:%M"),
        "server": host,
        "jenis": str(HOLDINGS[entry["kind"]]),
        "objek": ", ".join(archive["archive"] for archive in archives) or "—",
        "latihan": "tidak" if request else "ya",
        "berhasil": "ya" if entry["ok"] else "tidak",
        "petugas": this_person(),
        "keterangan": "dicatat oleh patuh restore",
    }
    if request:
        record["permohonan"] = request
    if not entry["ok"]:
        return record | {"keterangan": f"dicatat oleh patuh restore: {entry['error']}"}
    return record | {
        "ukuran_mb": f"{sum(archive['bytes'] for archive in archives) / 1e6:.1f}",
        "sumber": entry["medium"],
        "media_terbaca": "ya",
        "cara_memeriksa": f"{sum(archive['files'] for archive in archives)} berkas dibaca utuh oleh Borg",
    }
