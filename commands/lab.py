"""``patuh lab``: the virtual machines."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import zoneinfo

import click

from commands.common import REPOSITORY, Steps
from commands.doctor import install_packages
from compliance.catalogue import default_catalogue
from compliance.evidence.store import folder_of
from compliance.fleet import load
from lab import sample_records, virtual_machines
from lab.topology import CACHE, Instance, Topology, run_as_root

# Records are written beside it: where the checkout is read-only, a copy is used.
LAB = (REPOSITORY if os.access(REPOSITORY, os.W_OK) else CACHE) / "inventory" / "lab"
name_option = click.option("--name", default="lab", hidden=True)


def start(instance: Instance, steps: Steps) -> None:
    """Start the machines; the fleet of inventory/lab is given a year of records that ends today."""
    if not LAB.is_relative_to(REPOSITORY):
        shutil.copytree(REPOSITORY / "inventory" / "lab", LAB, dirs_exist_ok=True)
    virtual_machines.up(instance, steps)
    if instance.topology == Topology.load():
        steps("writing a year of sample records, with gaps on purpose")
        fleet = load(LAB, default_catalogue()).fleet
        today = datetime.datetime.now(zoneinfo.ZoneInfo(fleet.timezone)).date()
        sample_records.write(folder_of(LAB), fleet, today)


@click.group()
def lab() -> None:
    """The lab: virtual machines on this computer, in a network of their own."""


@lab.command()
@name_option
def up(name: str) -> None:
    """Build what is missing and start the machines."""
    steps = Steps()
    install_packages(steps)
    start(Instance(name), steps)


@lab.command()
@name_option
@click.option("--purge", is_flag=True, help="Remove the cached images, too.")
def down(name: str, purge: bool) -> None:
    """Stop the machines and remove what they wrote; images stay cached."""
    virtual_machines.down(Instance(name))
    if purge:
        run_as_root(["rm", "-rf", str(CACHE / "images")])


@lab.command()
@name_option
def status(name: str) -> None:
    """Say which machines run and how to reach them."""
    instance = Instance(name)
    for machine in instance.topology.machines:
        state = "running" if virtual_machines.is_running(instance, machine) else "stopped"
        click.echo(f"{machine:8} {state:8} patuh lab ssh {machine}   (port {instance.ssh_port(machine)} on 127.0.0.1)")


@lab.command(context_settings={"ignore_unknown_options": True})
@name_option
@click.argument("machine")
@click.argument("remote", nargs=-1, type=click.UNPROCESSED)
def ssh(name: str, machine: str, remote: tuple[str, ...]) -> None:
    """Log in to a machine, or run a command on it."""
    instance = Instance(name)
    if machine not in instance.topology.machines:
        raise click.BadParameter(f"unknown machine; one of {', '.join(instance.topology.machines)}")
    if shutil.which("ssh") is None:
        raise click.ClickException("ssh is missing; 'patuh doctor' tells what to install")
    raise SystemExit(subprocess.call(virtual_machines.ssh_command(instance, machine, *remote)))


@lab.command()
@name_option
@click.argument("machine", nargs=-1)
def reboot(name: str, machine: tuple[str, ...]) -> None:
    """Reboot machines (all by default) and wait until they answer."""
    instance = Instance(name)
    virtual_machines.reboot_all(instance, list(machine or instance.topology.machines))
