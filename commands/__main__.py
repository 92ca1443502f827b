"""``patuh``: the command line."""

from __future__ import annotations

import sys

import click

from commands import (
    apply,
    check,
    demo,
    doctor,
    due,
    explain,
    generate,
    history,
    lab,
    proof,
    publish,
    record,
    regulation,
    restore,
    sign,
)
from compliance.assess import version
from compliance.errors import PatuhError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version(), prog_name="patuh")
def patuh() -> None:
    """Make servers comply with their regulations, and prove it.

    First steps: 'patuh check --local' looks at this computer and changes nothing; 'patuh demo' shows the whole
    way on virtual machines.
    """


for command in (
    check.check,
    check.report,
    explain.explain,
    history.history,
    history.compare,
    sign.sign,
    sign.verify,
    publish.publish,
    apply.apply,
    restore.restore,
    record.record,
    due.due_,
    regulation.regulation,
    demo.demo,
    lab.lab,
    proof.test,
    doctor.doctor,
    doctor.completion,
    generate.generate,
):
    patuh.add_command(command)


def main() -> None:
    """Run a command; what a user can mend ends in one clear message, never in a traceback."""
    try:
        patuh.main(prog_name="patuh", standalone_mode=False)
    except PatuhError as error:
        click.echo(f"patuh: {error}", err=True)
        sys.exit(2)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("\npatuh: interrupted; run the same command again to go on", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
