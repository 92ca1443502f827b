"""What modules promise, on hosts with a real systemd and a real apt.

An unconfirmed change goes back by itself, a confirmed one stays; packages that something needs stay.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
HOSTS = ["web02", "dns02"]
SECONDS = 15
SECONDS_MAX = 180


def ansible(host: str, module: str, arguments: str, code: int = 0) -> str:
    return _run("ansible", host, "-m", module, "-a", arguments, code=code)


def ansible_playbook(host: str, playbook: Path, code: int = 0) -> str:
    return _run("ansible-playbook", str(playbook), "--limit", host, code=code)


def _run(program: str, *arguments: str, code: int) -> str:
    command = [str(Path(sys.executable).parent / program), "-i", "inventory/containers", *arguments]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    environment.pop("ANSIBLE_FORCE_COLOR", None)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=SECONDS_MAX,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def change(host: str, content: str, restore: str = "touch /run/was-restored") -> None:
    guard = {"name": "guard_test", "seconds": SECONDS, "restore": restore}
    files = [{"path": "/etc/guard-test", "content": content}, {"path": "/etc/guard-test.d/new", "content": content}]
    ansible(host, "file_set", json.dumps({"files": files, "guard": guard}))


def state(host: str) -> list[str]:
    script = "cat /etc/guard-test; ls /etc/guard-test.d /run/was-restored /var/lib/patuh/guard 2>/dev/null; true"
    return ansible(host, "raw", script).splitlines()[1:]


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    ansible(
        name, "raw", "rm -rf /etc/guard-test.d /run/was-restored; echo old >/etc/guard-test; chmod 604 /etc/guard-test"
    )
    return name


def test_an_unconfirmed_change_goes_back(host: str) -> None:
    change(host, "new")
    # What makes a transient timer count afresh must not keep the old state away.
    ansible(host, "raw", "systemctl daemon-reload")
    assert "new" in state(host)
    time.sleep(SECONDS + 3)
    after = state(host)
    assert "old" in after
    assert "new" not in after
    assert "/run/was-restored" in after
    assert "guard_test" not in " ".join(after)
    assert "604" in ansible(host, "raw", "stat -c %a /etc/guard-test")


def test_a_confirmed_change_stays(host: str) -> None:
    change(host, "new")
    ansible(host, "confirm_change", "name=guard_test")
    time.sleep(SECONDS + 3)
    after = state(host)
    assert after.count("new") == 2
    assert "/run/was-restored" not in after
    assert "guard_test" not in " ".join(after)


def test_a_change_that_was_never_activated_restores_files_only(host: str) -> None:
    """Restoring lets services read their files again: files of others, too, which may have waited for that."""
    guard = {"name": "guard_test", "seconds": SECONDS, "restore": "touch /run/was-restored"}
    arguments = {"files": [{"path": "/etc/guard-test", "content": "new"}], "guard": guard, "validate": ["false"]}
    assert "'false' refuses the change" in ansible(host, "file_set", json.dumps(arguments), code=2)
    after = state(host)
    assert "old" in after
    assert "/run/was-restored" not in after
    assert "guard_test" not in " ".join(after)


def test_at_boot_the_way_back_comes_before_all_that_reads_files(host: str) -> None:
    """Found by cutting the power: the firewall had been loaded from the file that was about to be put back."""
    change(host, "new")
    ansible(host, "confirm_change", "name=guard_test")
    before = ansible(host, "raw", "systemctl show --no-pager --property=Before --value patuh-guard.service").split()
    assert {"patuh-firewall.service", "nftables.service", "ssh.service", "systemd-sysctl.service"} <= set(before)


def test_what_was_not_confirmed_before_a_boot_goes_back(host: str) -> None:
    change(host, "new")
    # The countdown dies with the power; what runs at the next boot is the unit.
    ansible(
        host,
        "raw",
        "systemctl kill --signal=KILL 'patuh-guard-guard_test.*'; "
        "echo earlier | tee /var/lib/patuh/guard/guard_test.*/boot; systemctl restart patuh-guard.service",
    )
    after = state(host)
    assert "old" in after
    assert "/run/was-restored" not in after
    assert "guard_test" not in " ".join(after)


STUBS = """
cd /run
for package in "compiler-a" "compiler-b" "driver Depends: compiler-a | compiler-b"; do
  mkdir -p "${package%% *}/DEBIAN"
  {
    echo "Package: ${package%% *}"; echo "Version: 1"; echo "Architecture: all"
    echo "Maintainer: test <test@lab.example>"; echo "Description: stub"
    case $package in *Depends*) echo "${package#* }";; esac
  } >"${package%% *}/DEBIAN/control"
  dpkg-deb --build "${package%% *}" >/dev/null
done
dpkg --purge driver compiler-a compiler-b >/dev/null 2>&1
dpkg --install compiler-a.deb compiler-b.deb >/dev/null
"""


def installed(host: str) -> set[str]:
    query = "dpkg-query -W -f '${db:Status-Status} ${Package}\\n' driver compiler-a compiler-b; true"
    said = ansible(host, "raw", query)
    return set(re.findall(r"^installed (\S+)", said, re.MULTILINE))


def test_packages_that_nothing_needs_go(host: str) -> None:
    ansible(host, "raw", STUBS)
    ansible(host, "unneeded_packages", json.dumps({"name": ["compiler-a", "compiler-b"]}))
    assert installed(host) == set()


def test_of_two_packages_that_can_stand_in_for_each_other_one_stays(host: str) -> None:
    ansible(host, "raw", f"{STUBS}dpkg --install driver.deb >/dev/null")
    said = ansible(host, "unneeded_packages", json.dumps({"name": ["compiler-a", "compiler-b"]}))
    assert "needed: compiler-b: - driver removed: - compiler-a" in " ".join(said.split())
    assert installed(host) == {"compiler-b", "driver"}
