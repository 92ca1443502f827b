"""Remote administration (Jambi G.4 to G.6)."""

from __future__ import annotations

import re

from testinfra.host import Host

from compliance.checking import CannotTell, Context, Saw, assesses
from compliance.probes import output, succeeds, systemd
from compliance.probes.sockets import listeners, reachable
from compliance.probes.sshd import OUTSIDE, STRICT_EXCHANGE, Sshd, connections, running_offer

CLEAR_TEXT_PORTS = {23: "telnet", 512: "rexec", 513: "rlogin", 514: "rsh"}

# What a current ssh-audit neither fails nor warns about.
STRONG = {
    "kexalgorithms": {
        "sntrup761x25519-sha512",
        "sntrup761x25519-sha512@openssh.com",
        "mlkem768x25519-sha256",
    },
    "ciphers": {
        "aes256-gcm@openssh.com",
        "aes128-gcm@openssh.com",
        "aes256-ctr",
        "aes192-ctr",
        "aes128-ctr",
    },
    "macs": {"hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "umac-128-etm@openssh.com"},
    "hostkeyalgorithms": {
        "ssh-ed25519",
        "ssh-ed25519-cert-v01@openssh.com",
        "sk-ssh-ed25519@openssh.com",
        "sk-ssh-ed25519-cert-v01@openssh.com",
        "rsa-sha2-512",
        "rsa-sha2-256",
        "rsa-sha2-512-cert-v01@openssh.com",
        "rsa-sha2-256-cert-v01@openssh.com",
    },
}


WAYS_WITHOUT_A_KEY = (
    "passwordauthentication",
    "kbdinteractiveauthentication",
    "permitemptypasswords",
    "hostbasedauthentication",
    "gssapiauthentication",
    "kerberosauthentication",
)
# sshd says nothing of what it was built without.
MAY_BE_LEFT_OUT = ("hostbasedauthentication", "gssapiauthentication", "kerberosauthentication")


# What the Terrapin attack touches, unless both sides keep the order of their packets strictly.
SAFE_WHEN_STRICT = {"chacha20-poly1305@openssh.com"}


@assesses("ssh.server-installed")
def test_server_is_installed_and_listens(host: Host, context: Context, saw: Saw) -> None:
    """The SSH server is there, runs, starts at boot, and listens."""
    saw(
        "openssh-server",
        expected="installed",
        observed="installed" if succeeds(host, "test -x /usr/sbin/sshd") else "absent",
    )
    unit = systemd.properties(host, "ssh.service")
    socket = systemd.properties(host, "ssh.socket")
    starts = "enabled" in (unit.get("UnitFileState"), socket.get("UnitFileState"))
    saw(
        "ssh.service",
        expected="active",
        observed=unit["ActiveState"],
        holds="active" in (unit["ActiveState"], socket["ActiveState"]),
    )
    saw(
        "ssh.service at boot",
        expected="enabled",
        observed=unit.get("UnitFileState") or "disabled",
        holds=starts,
    )
    ports = [listener.port for listener in reachable(host) if listener.program in ("sshd", "systemd")]
    saw("listening", expected="tcp", observed=[f"tcp/{port}" for port in ports], holds=bool(ports))


@assesses("ssh.protocol-2")
def test_protocol_is_2(host: Host, context: Context, saw: Saw) -> None:
    """sshd knows protocol 2 only, and nothing listens that sends passwords in clear."""
    said = output(host, "/usr/sbin/sshd -V 2>&1; ssh -V 2>&1", codes=(0, 1, 127, 255))
    version = re.search(r"OpenSSH_(\d+)\.(\d+)", said)
    if not version:
        raise CannotTell("neither sshd nor ssh tells its version")
    found = (int(version.group(1)), int(version.group(2)))
    saw("OpenSSH", expected=">= 7.6", observed=f"{found[0]}.{found[1]}", holds=found >= (7, 6))
    clear = [
        f"{CLEAR_TEXT_PORTS[listener.port]} ({listener})"
        for listener in listeners(host)
        if listener.protocol == "tcp" and listener.port in CLEAR_TEXT_PORTS
    ]
    saw("telnet, rlogin, rsh", expected="—", observed=clear, holds=not clear)


@assesses("ssh.strong-algorithms")
def test_algorithms_are_strong(host: Host, context: Context, saw: Saw) -> None:
    """Every algorithm offered is among those that nothing is known against."""
    sshd, running = Sshd.for_connection(host), running_offer(host)
    good = {
        **STRONG,
        "ciphers": STRONG["ciphers"] | (SAFE_WHEN_STRICT if STRICT_EXCHANGE in running["markers"] else set()),
    }
    for keyword, strong in good.items():
        offered = sshd.value(keyword).split(",")
        weak = [name for name in offered if name not in strong]
        saw(keyword, expected="strong", observed=weak or offered, holds=not weak)
    for keyword, names in running.items():
        if keyword in good:
            weak = [name for name in names if name not in good[keyword]]
            saw(f"{keyword} (running)", expected="strong", observed=weak or names, holds=not weak)
    # Of a key that somebody logs in with, its signature may still be made with SHA-1.
    taken = [*sshd.words("pubkeyacceptedalgorithms"), *sshd.words("casignaturealgorithms")]
    old = sorted({name for name in ",".join(taken).split(",") if name.startswith(("ssh-rsa", "ssh-dss"))})
    saw("pubkeyacceptedalgorithms", expected="strong", observed=old or "strong", holds=not old)
    if sshd.values.get("gssapikeyexchange") == ["yes"]:  # Debian's own: offered beside the others
        exchanges = ",".join(sshd.words("gssapikexalgorithms")).split(",")
        old = [name for name in exchanges if "sha1" in name or not name]
        saw("gssapikexalgorithms", expected="strong", observed=old or exchanges, holds=not old)
    bits = int(sshd.value("requiredrsasize"))
    saw("requiredrsasize", expected=">= 3072", observed=bits, holds=bits >= 3072)


@assesses("ssh.keys-only")
def test_logins_use_keys_only(host: Host, context: Context, saw: Saw) -> None:
    """No password opens a session, for no account and from no address, whatever Match blocks single out."""
    users = ["root", *([context.fleet.automation_account] if context.fleet else [])]
    workstations = [str(address) for address in context.fleet.admin_workstations] if context.fleet else []
    for way in connections(host, users, [OUTSIDE, *workstations], everybody=True):
        # With a key asked for in every case, what is typed after it is one thing more, as a code that is used once.
        ways = way.sshd.words("authenticationmethods")
        key_first = bool(ways) and all("publickey" in re.split("[,:]", one) for one in ways)
        for keyword in WAYS_WITHOUT_A_KEY:
            value = "no" if keyword not in way.sshd.values and keyword in MAY_BE_LEFT_OUT else way.sshd.value(keyword)
            more = key_first and keyword != "permitemptypasswords"
            saw(f"{keyword} ({way})", expected="no", observed=value, holds=value == "no" or more)
        saw(f"pubkeyauthentication ({way})", expected="yes", observed=way.sshd.value("pubkeyauthentication"))
    saw("methods (running)", expected=["publickey"], observed=running_offer(host)["methods"])


@assesses("ssh.remote-first")
def test_console_logins_have_a_reason(host: Host, context: Context, saw: Saw) -> None:
    """Each login at the console since the host began has an entry in the maintenance log on the same day."""
    said = output(
        host,
        "journalctl --no-pager -q -o short-iso --utc -t login -g 'session opened|LOGIN ON' --since -30d",
        codes=(0, 1),
    )
    strange = [line for line in said.splitlines() if not re.match(r"\d{4}-\d{2}-\d{2}T", line)]
    if strange:
        raise CannotTell(f"journalctl: '{strange[0]:.80}' is not understood")
    days = {line[:10] for line in said.splitlines()}
    if not days:
        saw("console logins in 30 days", expected="with a reason", observed="none", holds=True)
        return
    log = output(host, "cat /var/log/patuh/maintenance.jsonl")
    for day in sorted(days):
        saw(
            f"console login on {day}",
            expected="maintenance log entry",
            observed="entry" if f'"when": "{day}' in log else "no entry",
            holds=f'"when": "{day}' in log,
        )


@assesses("ssh.admin-workstations-only")
def test_only_administrators_from_their_workstations(host: Host, context: Context, saw: Saw) -> None:
    """AllowUsers names declared accounts at declared workstations, and nobody else."""
    fleet = context.declared_fleet
    names = {person.name for person in fleet.active_administrators} | {fleet.automation_account}
    workstations = {str(address) for address in fleet.admin_workstations}
    for user, address in (
        (fleet.automation_account, sorted(workstations)[0]),
        (fleet.automation_account, "192.0.2.1"),
    ):
        allowed = Sshd.for_connection(host, user, address).words("allowusers")
        strangers = []
        for pattern in allowed:
            name, _, place = pattern.partition("@")
            # A network of one address is that address.
            if name not in names or re.sub(r"^([0-9.]+)/32$|^([0-9a-fA-F:]+)/128$", r"\1\2", place) not in workstations:
                strangers.append(pattern)
        saw(
            f"allowusers ({address})",
            expected="declared administrators at declared workstations",
            observed=strangers or allowed,
            holds=bool(allowed) and not strangers,
        )
