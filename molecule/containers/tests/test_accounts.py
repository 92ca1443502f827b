"""What accounts promise, on hosts with a real PAM, sudo, cron and at: only people's own accounts are touched.

Home folders are hostile here: the people to whom they belong put links, pipes and folders where keys are expected.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from test_modules import HOSTS, ansible

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIACUP/XNsyPCLosiN8lYLV3X1eHyYN9jtq/3OnbqTdhs"
GONE = """
sed -i "/^toor:/d" /etc/passwd /etc/shadow
for name in $(sed -n "s/^\\(trial-[^:]*\\):.*/\\1/p" /etc/passwd); do
    pkill -KILL -u "$name"; rm -rf "/home/$name" "/var/lib/patuh/leavers/$name.json" "/var/spool/cron/crontabs/$name"
    userdel -f "$name"
done
rm -rf /home/trial-* /etc/sudoers.d/trial /etc/trial-target /usr/local/sbin/useradd /root/trial-arguments
"""
A_PASSWORD = "$6$trial$" + "x" * 86


def accounts(host: str, *, code: int = 0, **changed: Any) -> str:
    """Run the module with trial-a active, and what else is asked for."""
    arguments = {
        "active": [{"name": "trial-a", "keys": [f"{KEY} trial-a"]}],
        "left": [],
        "automation_account": "patuh",
        "password_days_max": 90,
        **changed,
    }
    return " ".join(ansible(host, "administrator_accounts", json.dumps(arguments), code=code).split())


def on(host: str, script: str) -> str:
    said = ansible(host, "raw", f"{{ {script}\n}} 2>&1; true")
    return "\n".join(filter(None, said.splitlines()[1:]))


def shadow(host: str, name: str) -> list[str]:
    return next(line for line in on(host, f"grep ^{name}: /etc/shadow").splitlines() if line.startswith(name)).split(
        ":"
    )


# Debian's own programs are what may differ between releases; our own code need not be run on both.
one_host = pytest.mark.parametrize("host", HOSTS[:1], indirect=True)


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    on(name, f"{GONE}useradd -m -s /bin/bash trial-a; useradd -m -s /bin/bash -G sudo,adm trial-left")
    return name


def test_what_is_no_persons_is_refused_before_anything_is_changed(host: str) -> None:
    on(
        host,
        "useradd -o -u 0 -g 0 -M toor; useradd -m -s /bin/bash trial-b; useradd -o -u $(id -u trial-b) -M trial-twin",
    )
    before = on(host, "cat /etc/passwd /etc/shadow /etc/group; systemctl show -p MainPID ssh")
    left = ["root", "toor", "www-data", "trial-twin", "trial-left", "patuh"]
    active = [{"name": name, "keys": [KEY]} for name in ("trial-a", "sync", "trial-b")]
    said = accounts(host, active=active, left=left, code=2)
    for name in (*left, "sync", "trial-b"):
        assert (f"{name} " in said) == (name != "trial-left"), said
    assert "nothing was changed" in said
    assert on(host, "cat /etc/passwd /etc/shadow /etc/group; systemctl show -p MainPID ssh") == before


@one_host
def test_a_leavers_folder_of_keys_leads_nowhere(host: str) -> None:
    """He pointed it at the automation account's: whose keys were gone then, on every server."""
    before = on(host, "cat ~patuh/.ssh/authorized_keys")
    assert "ssh-" in before
    on(host, "ln -s ~patuh/.ssh ~trial-left/.ssh")
    accounts(host, left=["trial-left"])
    assert on(host, "cat ~patuh/.ssh/authorized_keys") == before
    assert "No such file" in on(host, "ls ~trial-left/.ssh/")


@one_host
def test_what_an_administrator_puts_in_the_way_is_not_written_through(host: str) -> None:
    """Root followed a link that stood where it writes: what it led to then was the administrator's."""
    on(host, "echo secret >/etc/trial-target; chmod 600 /etc/trial-target")
    on(host, "runuser -u trial-a -- sh -c 'mkdir -m 700 ~/.ssh; ln -s /etc/trial-target ~/.ssh/authorized_keys.new'")
    accounts(host)
    assert "600 root" in on(host, "stat -c '%a %U' /etc/trial-target")
    assert "secret" in on(host, "cat /etc/trial-target")
    assert "600 trial-a" in on(host, "stat -c '%a %U' ~trial-a/.ssh/authorized_keys")


HOSTILE = {
    "trial-h-folder-is-a-link": "ln -s /etc ~/.ssh",
    "trial-h-link": "mkdir ~/.ssh; ln -s /etc/shadow ~/.ssh/authorized_keys",
    "trial-h-pipe": "mkdir ~/.ssh; mkfifo ~/.ssh/authorized_keys",
    "trial-h-folder": "mkdir -p ~/.ssh/authorized_keys/x",
    "trial-h-closed": "mkdir ~/.ssh; echo key >~/.ssh/authorized_keys; chmod 0 ~/.ssh ~",
}


@one_host
def test_hostile_keys_are_refused_when_active_and_taken_away_when_left(host: str) -> None:
    made = [f"useradd -m -s /bin/bash {name}; runuser -u {name} -- sh -c '{what}'" for name, what in HOSTILE.items()]
    on(host, "\n".join(made))
    people = [{"name": name, "keys": [KEY]} for name in HOSTILE]
    said = accounts(host, active=people, code=2)
    assert [name for name in HOSTILE if f"{name}:" not in said] == ["trial-h-closed"]
    accounts(host, left=list(HOSTILE))
    found = on(host, "for home in /home/trial-h-*; do test -s $home/.ssh/authorized_keys && echo $home has keys; done")
    assert "has keys" not in found
    assert "root:" not in on(host, "cat /var/lib/patuh/leavers/trial-h-*")
    assert "changed: false" in accounts(host, left=list(HOSTILE))


LIFE = r"""
getent group crontab >/dev/null || groupadd --system crontab
install -d -m 1730 -g crontab /var/spool/cron/crontabs
echo 'trial-left:{hash}' | chpasswd -e
printf '1 1 1 1 * true\n' >/var/spool/cron/crontabs/trial-left
chown trial-left:crontab /var/spool/cron/crontabs/trial-left; chmod 600 /var/spool/cron/crontabs/trial-left
printf 'trial-left ALL=(ALL) /bin/ls\ntrial-a, trial-left ALL=(ALL) /bin/cat\n' >/etc/sudoers.d/trial
chmod 440 /etc/sudoers.d/trial
setsid runuser -u trial-left -- sleep 1000 >/dev/null 2>&1 </dev/null &
sleep 0.5
"""
RIGHTS = """
getent passwd trial-left; id -Gn trial-left; grep ^trial-left: /etc/shadow
cat /var/spool/cron/crontabs/trial-left /etc/sudoers.d/trial; pgrep -u trial-left
"""


def test_a_leaver_loses_all_and_gets_all_back_on_return(host: str) -> None:
    on(host, LIFE.replace("{hash}", A_PASSWORD))
    had = on(host, RIGHTS).splitlines()
    assert had[-1].isdigit()
    accounts(host, left=["trial-left"])
    left = on(host, RIGHTS)
    assert "/usr/sbin/nologin" in left
    assert "adm" not in left
    assert "sudo" not in left.replace("sudoers", "")
    assert f"!{A_PASSWORD}" in left
    assert "crontabs/trial-left: No such file" in left
    assert "trial-a ALL=(ALL) /bin/cat" in left
    assert "trial-left ALL" not in left
    assert not left.splitlines()[-1].isdigit()
    assert "changed: false" in accounts(host, left=["trial-left"])
    people = [{"name": name, "keys": [KEY]} for name in ("trial-a", "trial-left")]
    accounts(host, active=people)
    back = on(host, RIGHTS).splitlines()
    old, new = (next(line for line in lines if ":$6$" in line).split(":") for lines in (had, back))
    assert [line for line in back if ":$6$" not in line] == [line for line in had[:-1] if ":$6$" not in line]
    assert (old[:3], old[7]) == (new[:3], new[7])
    assert "changed: false" in accounts(host, active=people)


@one_host
def test_an_unconfirmed_change_goes_back(host: str) -> None:
    keys = (
        "install -d -m 700 -o {0} -g {0} ~{0}/.ssh; install -m 600 -o {0} -g {0} /dev/stdin ~{0}/.ssh/authorized_keys"
    )
    for name in ("trial-a", "trial-left"):
        on(host, f"echo 'key of {name}' | {{ {keys.format(name)}; }}")
    on(host, LIFE.replace("{hash}", A_PASSWORD))
    state = f"cat /etc/passwd /etc/shadow /etc/group /etc/gshadow; cat /home/trial-*/.ssh/authorized_keys; {RIGHTS}"
    before = on(host, state).splitlines()
    people = [{"name": name, "keys": [KEY]} for name in ("trial-a", "trial-b")]
    said = accounts(host, active=people, left=["trial-left"], guard={"name": "accounts_test", "seconds": 1})
    assert "guard_armed: true" in said
    for _ in range(20):
        after = on(host, f"{state}ls /var/lib/patuh/guard").splitlines()
        if not any("accounts_test" in line for line in after):
            break
        time.sleep(1)
    # Sessions that were ended do not come back, nor does the home folder of who was new go.
    assert [line for line in after if KEY not in line] == before[:-1]


def test_only_passwords_age(host: str) -> None:
    """A maximum age without a password shut people out of SSH and sudo when it was over."""
    on(host, "chage -M 90 -d 2020-01-01 trial-a; sed -i 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 90/' /etc/login.defs")
    people = [{"name": name, "keys": [KEY]} for name in ("trial-a", "trial-b")]
    accounts(host, active=people)
    for name in ("trial-a", "trial-b"):
        assert shadow(host, name)[4] == "", name
    assert "changed: false" in accounts(host, active=people)
    on(host, f"echo 'trial-a:{A_PASSWORD}' | chpasswd -e")
    accounts(host, active=people)
    assert shadow(host, "trial-a")[4] == "90"


@one_host
def test_a_password_that_is_too_old_already_ends_later(host: str) -> None:
    on(host, f"echo 'trial-a:{A_PASSWORD}' | chpasswd -e; chage -M 99999 -d 2026-01-01 trial-a")
    accounts(host)
    _, _, changed, _, most, *_ = shadow(host, "trial-a")
    today = int(time.time()) // 86400
    assert changed == "20454"
    assert int(changed) + int(most) - today == 14
    assert "changed: false" in accounts(host)
    on(host, f"chage -d {today} trial-a")
    accounts(host)
    assert shadow(host, "trial-a")[4] == "90"


@one_host
def test_a_first_password_is_no_argument_of_a_process(host: str) -> None:
    wrapper = '#!/bin/sh\necho "$0 $*" >>/root/trial-arguments\nexec /usr/sbin/${0##*/} "$@"\n'
    on(host, f"printf '%s' '{wrapper}' >/usr/local/sbin/useradd; chmod 755 /usr/local/sbin/useradd")
    people = [{"name": name, "keys": [KEY]} for name in ("trial-a", "trial-b")]
    accounts(host, active=people, password_hashes={"trial-b": A_PASSWORD})
    assert shadow(host, "trial-b")[1] == A_PASSWORD
    assert shadow(host, "trial-b")[4] == "90"
    said = on(host, "cat /root/trial-arguments")
    assert "trial-b" in said
    assert A_PASSWORD not in said
