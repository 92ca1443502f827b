"""Accounts and passwords (Jambi G.7 to G.10)."""

from __future__ import annotations

from testinfra.host import Host

from compliance.checking import Context, NotApplicable, Saw, assesses
from compliance.probes import output, succeeds
from compliance.probes.accounts import accounts, date_of, group_members, superuser, superusers_by_sudo, today
from compliance.probes.sshd import OUTSIDE, connections

PERSON_UID_MIN = 1000
PERSON_UID_MAX = 60000
EQUAL_TO_ROOT = ("docker", "lxd", "incus-admin", "disk", "libvirt", "kmem", "shadow")


@assesses("accounts.no-root-login")
def test_root_cannot_log_in(host: Host, context: Context, saw: Saw) -> None:
    """sshd refuses root, whatever the address, port or name that a Match block singles out."""
    workstations = [str(address) for address in context.fleet.admin_workstations] if context.fleet else []
    for way in connections(host, ["root"], [OUTSIDE, *workstations], everybody=False):
        saw(
            f"permitrootlogin ({way.address}{way.more})",
            expected="no",
            observed=way.sshd.value("permitrootlogin"),
        )


@assesses("accounts.least-privilege")
def test_only_declared_administrators_are_superusers(host: Host, context: Context, saw: Saw) -> None:
    """Only root has number 0; only declared administrators and the automation account may use sudo."""
    fleet = context.declared_fleet
    local = accounts(host)
    saw(
        "UID 0",
        expected="root",
        observed=[name for name, account in local.items() if account.uid == 0],
        holds=[name for name, account in local.items() if account.uid == 0] == ["root"],
    )
    people = [name for name, account in local.items() if account.uid >= PERSON_UID_MIN and account.uid < PERSON_UID_MAX]
    declared = {person.name for person in fleet.active_administrators}
    absent = sorted(declared - set(local))
    saw(
        "declared administrators",
        expected="have an account",
        observed=absent or sorted(declared),
        holds=not absent,
    )
    rights = superusers_by_sudo(host, sorted({*people, *group_members(host, "sudo")}))
    trusted = declared | {fleet.automation_account}
    strangers = sorted(set(rights) - trusted)
    saw("sudo", expected="declared administrators", observed=strangers or sorted(rights), holds=not strangers)
    # Members of these come to everything by other ways: a container, a virtual machine or the disk itself.
    said = output(host, f"getent group {' '.join(EQUAL_TO_ROOT)}", codes=(0, 2))
    groups = [line.split(":") for line in said.splitlines() if line.count(":") == 3]
    members = {name: group for group, *_, listed in groups for name in listed.split(",")}
    members |= {
        name: group
        for group, _, number, _ in groups
        for name, account in local.items()
        if str(account.gid) == number and name != "root"
    }
    others = sorted(f"{name}: {group}" for name, group in members.items() if name and name not in trusted)
    saw("groups", expected="declared administrators", observed=others or "—", holds=not others)
    careless = sorted(name for name, how in rights.items() if how == "no password" and name != fleet.automation_account)
    saw("NOPASSWD", expected="—", observed=careless, holds=not careless)


@assesses("accounts.password-secrecy")
def test_passwords_are_kept_safely(host: Host, context: Context, saw: Saw) -> None:
    """No empty or weakly hashed password; shadow files closed; no account used by several people."""
    local = accounts(host)
    bad = [f"{name}: {account.hash_kind}" for name, account in local.items() if account.hash_kind in ("empty", "weak")]
    # With the salt drawn anew for each, two are the same only where one was copied.
    hashes = [account.password for account in local.values() if account.has_password and account.password]
    bad += [f"{name}: copied" for name, account in local.items() if hashes.count(account.password) > 1]
    saw("password hashes", expected="strong", observed=bad or "strong or none", holds=not bad)
    for path in ("/etc/shadow", "/etc/gshadow"):
        mode, owner, group = output(host, "stat -c '%%a %%U %%G' %s", path).split()
        saw(
            path,
            expected="<= 640, root",
            observed=f"{mode}, {owner}, {group}",
            holds=int(mode, 8) & ~0o640 == 0 and owner == "root" and group in ("root", "shadow"),
        )
    fleet = context.declared_fleet
    known = {person.name for person in fleet.administrators} | {fleet.automation_account}
    shared = sorted(
        name
        for name, account in local.items()
        if PERSON_UID_MIN <= account.uid < PERSON_UID_MAX and account.can_log_in and name not in known
    )
    saw("accounts of nobody in particular", expected="—", observed=shared, holds=not shared)


@assesses("accounts.password-rotation")
def test_passwords_of_people_age(host: Host, context: Context, saw: Saw) -> None:
    """Administrators' passwords end within the figure in force, and the automation account never does."""
    fleet = context.declared_fleet
    limit = context.parameter("password_days_max")
    local, day = accounts(host), today(host)
    for person in fleet.active_administrators:
        account = local.get(person.name)
        if account is None:
            saw(person.name, expected="account", observed="absent", holds=False)
            continue
        if not account.has_password:
            # What is not there cannot age; a maximum would shut out who has keys alone.
            saw(f"{person.name}: password", expected=f"— | <= {limit} d", observed="—", holds=True)
            continue
        saw(
            f"{person.name}: PASS_MAX_DAYS",
            expected=f"<= {limit}",
            observed="—" if account.max_days is None else account.max_days,
            holds=account.max_days is not None and account.max_days <= limit,
        )
        age = day - account.changed_day
        saw.due(date_of(account.changed_day + limit), person.name)
        saw(f"{person.name}: password age", expected=f"<= {limit} d", observed=f"{age} d", holds=0 <= age <= limit)
    machine = local.get(fleet.automation_account)
    if machine is not None:
        never = machine.max_days in (None, 99999) and machine.expires_day is None
        saw(f"{machine.name}: expiry", expected="never", observed="never" if never else "expires", holds=never)


@assesses("accounts.superuser-password-rotation")
def test_superuser_password_is_young_enough(host: Host, context: Context, saw: Saw) -> None:
    """Root's password, where there is one, was changed within the figure in force."""
    limit = context.parameter("superuser_password_days_max")
    root = superuser(host)
    if not root.has_password:
        raise NotApplicable("root-has-no-password")
    age = today(host) - root.changed_day
    saw.due(date_of(root.changed_day + limit), "root")
    # A day that is still to come proves nothing.
    saw("root: password age", expected=f"<= {limit} d", observed=f"{age} d", holds=0 <= age <= limit)


@assesses("accounts.offboarding")
def test_leavers_are_locked_out(host: Host, context: Context, saw: Saw) -> None:
    """Accounts of administrators who left are locked, without keys and rights; root's password is newer."""
    fleet = context.declared_fleet
    left = [person for person in fleet.administrators if person.state == "left"]
    if not left:
        raise NotApplicable("nobody-left")
    local = accounts(host)
    for person in left:
        account = local.get(person.name)
        if account is None:
            saw(person.name, expected="no account", observed="no account")
        else:
            locked = not account.has_password and account.expires_day is not None and account.expires_day <= today(host)
            saw(person.name, expected="locked", observed="locked" if locked else "open", holds=locked)
            keys = succeeds(host, "test -s %s/.ssh/authorized_keys", account.home)
            saw(f"{person.name}: keys", expected="none", observed="keys" if keys else "none", holds=not keys)
            member = person.name in group_members(host, "sudo")
            saw(f"{person.name}: sudo", expected="no", observed="yes" if member else "no", holds=not member)
    root = local["root"]
    last = max(person.left for person in left if person.left is not None)
    if root.has_password:
        changed = date_of(root.changed_day)
        saw(
            "root: password changed",
            expected=f">= {last.isoformat()}",
            observed=changed.isoformat(),
            holds=changed >= last,
        )
