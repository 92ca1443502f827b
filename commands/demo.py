"""``patuh demo``: from newly installed servers to the report."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from commands.apply import run_playbook
from commands.check import assess_inventory, language_option, output_option, show
from commands.common import Steps, beside, write_reports
from commands.doctor import LAB_PROGRAMS, install_packages, missing_packages
from commands.inventory import Inventory
from commands.lab import LAB, start
from compliance.assessment import TROUBLE, Assessment
from lab import virtual_machines
from lab.images import image_folder
from lab.topology import Instance
from reports.presentation import Language, View

# Minutes on two cores; measured by running this command.
EMULATED_MINUTES = 12
KVM_MINUTES = 4
IMAGES_MINUTES = 2


def _estimate(instance: Instance) -> str:
    kvm = virtual_machines.virtualisation_promised()
    machines = instance.topology.machines
    # Without the programs of the lab there cannot be an image yet.
    cached = not missing_packages(LAB_PROGRAMS) and all(
        image_folder(name, machine, instance.topology).exists() for name, machine in machines.items()
    )
    minutes = (KVM_MINUTES if kvm else EMULATED_MINUTES) + (0 if cached else IMAGES_MINUTES)
    how = "with hardware virtualisation" if kvm else "with emulated machines, for lack of hardware virtualisation"
    return f"about {minutes} minutes here, {how}, images {'cached' if cached else 'to be built'}"


def _assessed() -> Assessment:
    assessment = assess_inventory(Inventory(LAB))
    if not assessment.complete:
        raise KeyboardInterrupt
    return assessment


@click.command()
@output_option
@language_option
def demo(output: Path, language: Language) -> None:
    """Show the whole way on virtual machines: install, harden, check, report.

    Can be interrupted and run again. The lab stays up; 'patuh lab down' removes it.
    """
    steps, instance = Steps(), Instance()
    steps(_estimate(instance))
    install_packages(steps)
    start(instance, steps)
    steps("checking the newly installed servers")
    before = _assessed()
    write_reports(before, beside(output, "before"), language)
    write = View(language, before)
    steps(f"{write.say('score')}: {write.score} ({before.score.held}/{before.score.assessed})")
    steps("making them comply (playbooks/site.yml)")
    run_playbook("site.yml", LAB, steps)
    steps("checking again")
    after = _assessed()
    steps("writing the reports")
    show(after, output, language)
    # The gaps in the sample records are meant to be there; the servers must be without any.
    bad = [finding for finding in after.findings if finding.status in TROUBLE]
    kinds = {control.id: control.assessed for control in after.controls}
    sys.exit(1 if any(kinds[finding.control] != "evidence" for finding in bad) else 0)
