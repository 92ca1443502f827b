"""``patuh``: the command line."""

from __future__ import annotations

import os
import sys

import click

from commands import (
    apply,
    bundle,
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
    trust,
)
from commands.common import tell
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
    trust.trust,
    apply.apply,
    restore.restore,
    record.record,
    due.due_,
    regulation.regulation,
    demo.demo,
    lab.lab,
    proof.test,
    bundle.bundle,
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
        tell(f"patuh: {error}", error=True)
        sys.exit(2)
    except BrokenPipeError:  # whoever read has gone, such as 'head'
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (OSError, UnicodeError) as error:
        place = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        tell(f"patuh: {place}{reason}. Mend the path, its permissions or the space, and run it again.", error=True)
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
