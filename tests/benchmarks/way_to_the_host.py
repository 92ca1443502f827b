"""How long all host checks take over our persistent connection, against Testinfra's stock SSH backend.

    ./patuh lab up && .venv/bin/python -m tests.benchmarks.way_to_the_host [HOST] [--rounds N]

Both run the same check functions on the same host in the same process, one after the other, and must come to
the same verdicts. The stock backend already shares one SSH connection (ControlPersist), as it does by default;
it uses sudo for every command, as Testinfra does. Prints both times and their ratio.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import testinfra

from compliance import fleet, host_keys
from compliance.assessment import Status
from compliance.catalogue import default_catalogue
from compliance.checking import Context, all_checks, judge
from compliance.connection import remote_host
from compliance.evidence import store

REPOSITORY = Path(__file__).resolve().parents[2]


def stock_host(connection: dict[str, Any], name: str, folder: Path) -> Any:
    """The host as Testinfra reaches it by itself."""
    config = folder / "ssh_config"
    config.write_text(
        "Host *\n StrictHostKeyChecking yes\n LogLevel ERROR\n BatchMode yes\n"
        f" UserKnownHostsFile {connection[host_keys.FILE_VARIABLE]}\n HostKeyAlias {name}\n"
        f" IdentityFile {connection['ansible_ssh_private_key_file']}\n",
        encoding="utf-8",
    )
    user, address, port = connection["ansible_user"], connection["ansible_host"], connection["ansible_port"]
    return testinfra.get_host(f"ssh://{user}@{address}:{port}", sudo=True, ssh_config=str(config))


def timed(host: Any, context: Context) -> tuple[float, dict[str, Status]]:
    """Seconds for all checks, and their verdicts."""
    began = time.perf_counter()
    verdicts = {control: judge(control, check, host, context).status for control, check in all_checks().items()}
    return time.perf_counter() - began, verdicts


def main() -> None:
    """Measure and print."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host", nargs="?", default="web01")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    loaded = fleet.load(REPOSITORY / "inventory" / "lab", default_catalogue())
    context = Context.of(loaded, given.host, store.load(store.folder_of(loaded.source)))
    connection = loaded.connections[given.host]
    ours, stock = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(given.rounds):
            host = remote_host(connection, given.host)
            seconds, verdicts = timed(host, context)
            host.backend.shell.close()
            ours.append(seconds)
            seconds, other = timed(stock_host(connection, given.host, Path(scratch)), context)
            stock.append(seconds)
            differ = {control for control in verdicts if verdicts[control] is not other[control]}
            print(
                f"persistent {ours[-1]:.1f} s, stock {stock[-1]:.1f} s, different verdicts: {sorted(differ) or 'none'}"
            )
    print(
        f"{len(verdicts)} checks on {given.host}: ratio of the best rounds {min(ours) / min(stock):.3f} (at most 0.25)"
    )


if __name__ == "__main__":
    main()
