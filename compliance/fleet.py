"""The declared fleet: which hosts there are, what each is for, and who may do what.

It is read from an ordinary Ansible inventory. Variables that begin with ``patuh_`` are ours; every one of
them is checked before any host is touched.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
import urllib.parse
import zoneinfo
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyAddress,
    ValidationError,
    field_validator,
)

from compliance import host_keys, keys, strict_yaml, vault
from compliance.catalogue import Catalogue, suggestion
from compliance.errors import InvalidInput, PatuhError
from compliance.parameters import ResolvedParameter, resolve
from compliance.reading import read_bytes

PREFIX = "patuh_"
ANSIBLE_TAGS = frozenset({"!vault", "!unsafe"})
ANY = "any"
SSH_PORT = 22
CONNECTION_VARIABLES = (
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_connection",
    "ansible_become",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
    "ansible_ssh_private_key_file",
    host_keys.FILE_VARIABLE,
    "ansible_host_key_checking",
    "ansible_ssh_host_key_checking",
)

# Debian's own users and groups (base-passwd) and well-known packages' accounts; an account's name is also its group's.
SYSTEM_ACCOUNTS = frozenset(
    """
    root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody adm tty
    disk kmem dialout fax voice cdrom floppy tape sudo audio dip operator src shadow utmp video sasl plugdev
    staff users nogroup input sgx kvm render crontab netdev wheel docker lxd libvirt toor sshd messagebus
    polkitd avahi rtkit tss uuidd statd tcpdump dnsmasq ntp ntpsec chrony rpc mysql postgres redis memcache
    mongodb rabbitmq elasticsearch opensearch openldap bind unbound pdns nsd postfix postdrop dovecot dovenull
    opendkim opendmarc vmail clamav spamd exim nginx apache haproxy squid varnish tomcat ftp proftpd vsftpd
    zabbix nagios icinga munin prometheus grafana bareos bacula freerad debian-tor
    """.split()  # noqa: SIM905 (a list of a hundred strings reads worse)
)


def _of_a_person(name: str) -> str:
    """The name of an account that is nobody else's.

    :raises ValueError: for those of the system (Debian Policy 9.2.1: new ones begin with an underscore).
    """
    if name in SYSTEM_ACCOUNTS or name.startswith(("_", "systemd-")):
        raise ValueError("is an account of the system: choose a name of its own")
    return name


def _without_zone(address: Any) -> Any:
    """An address as written, before it is understood: Python takes any text after '%' as a zone (RFC 4007)."""
    if isinstance(address, str) and "%" in address:
        raise ValueError("has a zone ('%'): it means nothing on another computer")
    return address


def _of_one_machine(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Any:
    if address.version == 6 and address.ipv4_mapped is not None:
        raise ValueError("is an IPv4 address in disguise: write it as IPv4")
    if (
        address.is_unspecified
        or address.is_multicast
        or address.is_link_local
        or (address.version == 4 and address.is_reserved)
    ):
        raise ValueError("is no address by which another computer reaches one machine")
    return address


def _host_name(text: str) -> str:
    """A host's name (RFC 1123) or its address."""
    try:
        _of_one_machine(ipaddress.ip_address(_without_zone(text)))
    except ValueError as error:
        labels = text.removesuffix(".").split(".")
        whole = len(text) <= 253 and not labels[-1].isdigit()
        if not whole or not all(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", one) for one in labels):
            raise ValueError("is neither a host's name nor its address") from error
    return text


def _web_address(text: str) -> str:
    """An address of the web with a host."""
    try:
        parts = urllib.parse.urlsplit(text)
        _host_name(parts.hostname or "")
        _ = parts.port
    except ValueError as error:
        # Not a word of it: a webhook's path is its password.
        raise ValueError("names no host") from error
    return text


AccountName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$"), AfterValidator(_of_a_person)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Address = Annotated[IPvAnyAddress, BeforeValidator(_without_zone), AfterValidator(_of_one_machine)]
Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_without_zone)]
HostName = Annotated[str, AfterValidator(_host_name)]
PublicKey = Annotated[str, AfterValidator(keys.checked)]
AbsolutePath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]+$")]
# md's device, btrfs's mount point, or the name of a ZFS pool.
ArrayName = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._/-]+|[A-Za-z][A-Za-z0-9._-]*)$")]
TimerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_.@\\-]+\.timer$")]


class _Declared(BaseModel):
    """What is declared: none of its texts can end a line of a configuration file or steer a terminal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _is_printable(cls, value: Any) -> Any:
        texts = [value] if isinstance(value, str) else []
        texts += [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
        for sign in (sign for text in texts if isinstance(text, str) for sign in text):
            if not sign.isprintable():
                raise ValueError(f"holds a sign that cannot be seen (U+{ord(sign):04X}): remove it")
        return value


class Role(StrEnum):
    """What a server is for."""

    WEB = "web"
    DATABASE = "database"
    DNS = "dns"
    MAIL = "mail"
    PROXY = "proxy"
    FILE = "file"
    APPLICATION = "application"
    MONITORING = "monitoring"
    BACKUP = "backup"


class Zone(StrEnum):
    """Where a server stands: reachable by the public, or from inside only."""

    DMZ = "dmz"
    PRIVATE = "private"


class SegmentKind(StrEnum):
    """What a network segment is for."""

    DMZ = "dmz"
    PRIVATE = "private"
    ADMIN = "admin"
    CLIENT = "client"


class Segment(_Declared):
    """A network segment with its prefixes."""

    kind: SegmentKind
    cidr: list[Network] = Field(min_length=1)


class Service(_Declared):
    """A service that a host offers, and to whom."""

    name: Name
    port: int = Field(ge=1, le=65535)
    protocol: Literal["tcp", "udp"] = "tcp"
    sources: list[str] = [ANY]


class Rack(_Declared):
    """Where a physical server is mounted; the position counts units from the bottom."""

    name: Name
    position: int = Field(ge=1, le=60)
    height: int = Field(default=1, ge=1, le=20)


class Host(_Declared):
    """A server as its city declares it."""

    role: Role
    zone: Zone
    machine: Literal["physical", "virtual"]
    installed: datetime.date
    owner: str = Field(min_length=1)
    addresses: list[Address] = Field(min_length=1)
    services: list[Service] = []
    raid_arrays: list[ArrayName] = []
    removable_media: list[Annotated[str, Field(pattern=r"^[0-9A-Fa-f-]{4,36}$")]] = []
    backup_paths: list[AbsolutePath] = []
    databases: list[Name] = []
    backup_timers: dict[Literal["files", "databases"], TimerName] = {}
    standby_of: str | None = None
    router: bool = False
    container_host: bool = False
    rack: Rack | None = None
    kvm_port: str | None = None
    ups: str | None = None
    watts: int | None = Field(default=None, ge=1)


class Administrator(_Declared):
    """A person's account on the servers."""

    name: AccountName
    keys: list[PublicKey] = []
    state: Literal["active", "left"] = "active"
    left: datetime.date | None = None


class Notification(_Declared):
    """Where alerts go: mail through a relay, or a webhook that takes JSON."""

    webhook: Annotated[str, AfterValidator(_web_address)] | None = Field(default=None, pattern=r"^https?://\S+$")
    mail_to: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    mail_relay: HostName | None = None


class Isp(_Declared):
    """An internet service provider of the site."""

    name: Name
    iix: bool


class Ups(_Declared):
    """An uninterruptible power supply; a spare one carries no load."""

    name: Name
    capacity_watts: int = Field(ge=1)
    spare: bool = False


class CriticalService(_Declared):
    """A service that must not stop, and what takes over when its host fails."""

    name: Name
    hosts: list[str] = Field(min_length=1)
    substitute: str = Field(min_length=1)


class Signatory(_Declared):
    """The officer who signs the report; a name that is left out is written by hand."""

    place: str = Field(min_length=1)
    position: str = Field(min_length=1)
    name: str | None = None
    nip: str | None = Field(default=None, pattern=r"^(\d ?){18}$", description="The civil servant's number")


class Fleet(_Declared):
    """Everything that is declared, checked, with the figures in force."""

    fleet_name: str = Field(min_length=1)
    timezone: str
    regulations: list[str] = Field(min_length=1)
    automation_account: AccountName
    administrators: list[Administrator]
    admin_workstations: list[Address] = Field(min_length=1)
    segments: dict[Name, Segment] = Field(min_length=1)
    notifications: list[Notification] = []
    parameters: dict[str, int] = {}
    isps: list[Isp] = []
    ups_units: list[Ups] = []
    site: str | None = None
    recovery_site: str | None = None
    critical_services: list[CriticalService] = []
    in_charge: dict[str, str] = {}
    letterhead: list[str] = Field(default=[], max_length=6)
    signatory: Signatory | None = None
    connectivity_targets: list[Address] = []
    ntp_servers: list[HostName] = []
    hosts: dict[str, Host]

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise ValueError("is not a time zone (such as 'Asia/Jakarta', 'Asia/Makassar', 'Asia/Jayapura')")
        return value

    def networks(self, *kinds: SegmentKind) -> list[Network]:
        """The prefixes of all segments of these kinds."""
        return [network for segment in self.segments.values() if segment.kind in kinds for network in segment.cidr]

    def sources(self, service: Service) -> list[str]:
        """The prefixes that a service is open to; ``any`` for everybody."""
        found: list[str] = []
        for source in service.sources:
            found += [str(network) for network in self.segments[source].cidr] if source in self.segments else [source]
        return found

    @cached_property
    def active_administrators(self) -> list[Administrator]:
        """Those who may log in."""
        return [person for person in self.administrators if person.state == "active"]


HOST_FIELDS = frozenset(Host.model_fields)
FLEET_FIELDS = frozenset(Fleet.model_fields) - {"hosts"}


class LoadedFleet(_Declared):
    """A fleet with its resolved figures and how Ansible reaches each host."""

    fleet: Fleet
    parameters: dict[str, ResolvedParameter]
    connections: dict[str, dict[str, Any]]
    source: Path


def load(
    source: Path, catalogue: Catalogue, secrets: vault.Secrets | None = None, *, whole: bool = False
) -> LoadedFleet:
    """Read and check an inventory folder or file.

    :param secrets: passwords for what is encrypted in it.
    :param whole: whether all that is encrypted must be readable: roles need also what no check looks at.
    :raises InvalidInput: naming file, line, key, value and what is allowed, for everything that is wrong.
    """
    if not source.exists():
        raise PatuhError(
            "there is no such inventory", where=str(source), mend="Copy inventory/example and name the copy."
        )
    if not source.is_dir():
        read_bytes(source, strict_yaml.MAX_BYTES)  # Ansible would wait for a pipe, and read a device for ever
    documents = _read_strictly(source)
    locate = _Locator(documents, source)
    variables = _ansible_variables(source, locate, secrets or [], whole)
    if not variables:
        raise PatuhError("the inventory holds no hosts", where=str(source), mend="Declare them in hosts.yml.")
    problems: list[PatuhError] = []
    hosts: dict[str, Host] = {}
    fleet_values: dict[str, Any] = {}
    for name, found in variables.items():
        ours = {key.removeprefix(PREFIX): value for key, value in found.items() if key.startswith(PREFIX)}
        for key in sorted(set(ours) - HOST_FIELDS - FLEET_FIELDS):
            problems.append(
                PatuhError(
                    f"host {name}: unknown variable '{PREFIX}{key}'",
                    where=locate(name, PREFIX + key),
                    mend=suggestion(PREFIX + key, [PREFIX + known for known in HOST_FIELDS | FLEET_FIELDS]),
                )
            )
        fleet_values |= {key: value for key, value in ours.items() if key in FLEET_FIELDS}
        problems += _connection_problems(name, found, locate)
        try:
            hosts[name] = Host.model_validate({key: value for key, value in ours.items() if key in HOST_FIELDS})
        except ValidationError as error:
            problems += _readable(error, name, locate)
    fleet: Fleet | None = None
    try:
        fleet = Fleet.model_validate({**fleet_values, "hosts": {}})
    except ValidationError as error:
        problems += _readable(error, None, locate)
    if fleet is None or problems:
        raise InvalidInput(_unique(problems))
    fleet = fleet.model_copy(update={"hosts": hosts})
    problems = _contradictions(fleet, catalogue, locate)
    if problems:
        raise InvalidInput(_unique(problems))
    parameters = resolve(catalogue, fleet.regulations, fleet.parameters, locate(None, PREFIX + "parameters"))
    return LoadedFleet(
        fleet=fleet,
        parameters=parameters,
        connections={
            name: {
                host_keys.FILE_VARIABLE: str(host_keys.beside(source).absolute()),
                **{key: value for key, value in found.items() if key.startswith("ansible_")},
            }
            for name, found in variables.items()
        },
        source=source,
    )


def _connection_problems(name: str, variables: dict[str, Any], locate: _Locator) -> list[PatuhError]:
    """Ways to a host by which anybody could answer in its place."""
    problems = []
    kind = str(variables.get("ansible_connection") or "ssh")
    if kind not in ("ssh", "smart", "local"):
        problems.append(
            PatuhError(
                f"host {name}: ansible_connection: {kind}: servers are reached by OpenSSH, which knows their keys",
                where=locate(name, "ansible_connection"),
                mend="Leave the variable out (or 'local' for this computer).",
            )
        )
    off = host_keys.switched_off(variables)
    if off is not None and not host_keys.on_loopback(variables, name):
        variable, words = off
        problems.append(
            PatuhError(
                f"host {name}: '{words}' lets any server in that answers at this address",
                where=locate(name, variable),
                mend=f"Take it out, and let 'patuh trust {name}' keep the server's own key.",
            )
        )
    return problems


def _unique(problems: list[PatuhError]) -> list[PatuhError]:
    return list({str(problem): problem for problem in problems}.values())


def _read_strictly(source: Path) -> list[strict_yaml.Document]:
    files = (
        [source]
        if source.is_file()
        else sorted(
            path
            for path in source.rglob("*")
            if "records" not in path.relative_to(source).parts and not path.is_dir() and _may_be_yaml(path)
        )
    )
    problems: list[PatuhError] = []
    documents = []
    for path in files:
        try:
            if not _may_be_yaml(path) or read_bytes(path, strict_yaml.MAX_BYTES).startswith(b"$ANSIBLE_VAULT"):
                continue
            documents.append(strict_yaml.load(path, ANSIBLE_TAGS))
        except InvalidInput as error:
            problems += error.problems
            continue
        if {"group_vars", "host_vars"} & set(path.parts) and not isinstance(documents[-1].data, dict | None):
            problems.append(
                PatuhError(
                    "this is no set of variables", where=f"{path}:1", mend="Write 'name: value', one variable per line."
                )
            )
    if problems:
        raise InvalidInput(problems)
    return documents


def _may_be_yaml(path: Path) -> bool:
    """Whether Ansible reads a file as YAML; among variables it does so without an ending, too."""
    among_variables = {"group_vars", "host_vars"} & set(path.parts)
    return path.suffix in (".yml", ".yaml") or bool(among_variables and path.suffix in ("", ".json"))


def _ansible_variables(
    source: Path, locate: _Locator, secrets: vault.Secrets, whole: bool
) -> dict[str, dict[str, Any]]:
    """The variables of every host, as Ansible's own precedence gives them.

    :raises InvalidInput: when Ansible cannot make sense of the inventory.
    """
    from ansible.errors import AnsibleError

    try:
        return _read_by_ansible(source, locate, secrets, whole)
    except AnsibleError as error:
        mend = vault.MEND if "vault" in str(error).lower() else "Mend what Ansible names."
        raise InvalidInput([PatuhError(str(error), where=str(source), mend=mend)]) from error


def _read_by_ansible(source: Path, locate: _Locator, secrets: vault.Secrets, whole: bool) -> dict[str, dict[str, Any]]:
    from ansible.errors import AnsibleError
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    from ansible.template import Templar
    from ansible.utils.collection_loader import AnsibleCollectionConfig
    from ansible.vars.manager import VariableManager

    if AnsibleCollectionConfig.collection_finder is None:  # inside a playbook run it is there already
        init_plugin_loader([])
    loader = DataLoader()
    loader.set_vault_secrets(secrets)
    inventory = InventoryManager(loader=loader, sources=[str(source)])
    manager = VariableManager(loader=loader, inventory=inventory)
    found = {}
    for host in inventory.get_hosts():
        variables = manager.get_vars(host=host, include_hostvars=False)
        for name, value in variables.items():
            if vault.is_encrypted(value) and (whole or name.startswith((PREFIX, *CONNECTION_VARIABLES))):
                try:
                    variables[name] = vault.decrypted(value, secrets)
                except AnsibleError as error:
                    known = "none of the passwords decrypts it" if secrets else "its password is not known"
                    told = f"host {host.name}: {name} is encrypted, and {known}"
                    raise PatuhError(told, where=locate(host.name, name), mend=vault.MEND) from error
        templar = Templar(loader=loader, variables=variables)
        # Ours must be plain values; only how Ansible connects may be a template.
        wanted = {name: value for name, value in variables.items() if name.startswith((PREFIX, *CONNECTION_VARIABLES))}
        found[host.name] = {
            name: _plain(templar.template(value) if name.startswith("ansible_") else value)
            for name, value in wanted.items()
        }
    return found


def _plain(value: Any) -> Any:
    """Ansible's tagged values as Python's own."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for plain in (str, int, float):
        if isinstance(value, plain):
            return plain(value)
    return value


class _Locator:
    """Finds where an inventory sets a variable, for errors."""

    def __init__(self, documents: list[strict_yaml.Document], source: Path) -> None:
        self.documents = documents
        self.source = source

    def __call__(self, host: str | None, variable: str, inside: strict_yaml.KeyPath = ()) -> str:
        best: tuple[int, str] | None = None
        for document in self.documents:
            for path in document.lines:
                if variable not in path:
                    continue
                cut = path.index(variable)
                before = path[:cut]
                of_host = host is not None and (host in before or document.path.stem == host)
                of_group = before == () or before[-1] == "vars"
                other_host = len(before) >= 2 and before[-2] == "hosts" and not of_host
                if other_host or not (of_host or of_group):
                    continue
                rank = 2 if of_host else 1
                if path == (*before, variable) and (best is None or rank > best[0]):
                    best = (rank, document.where((*before, variable, *inside)))
        if best:
            return best[1]
        if host is not None:
            for document in self.documents:
                for path in document.lines:
                    if path and path[-1] == host and len(path) > 1 and path[-2] == "hosts":
                        return document.where(path)
        return str(self.source)


def _readable(error: ValidationError, host: str | None, locate: _Locator) -> list[PatuhError]:
    problems = []
    for detail in error.errors():
        location = [
            part for part in detail["loc"] if not (isinstance(part, str) and part.startswith(("function", "IPv")))
        ]
        variable, inside = f"{PREFIX}{location[0]}", tuple(location[1:])
        key = ".".join(map(str, (variable, *inside)))
        owner = f"host {host}: " if host else ""
        if detail["type"] == "missing":
            problem, mend = f"{owner}{key} is missing", "See inventory/example for what it means."
        elif "{{" in str(detail["input"]):
            problem, mend = (
                f"{owner}{key} is a template",
                "Write the value itself: it is read before Ansible runs.",
            )
        else:
            message = detail["msg"].removeprefix("Value error, ")
            message = message[0].lower() + message[1:]
            # A webhook's address is its password.
            value = "" if "webhook" in inside else f"{detail['input']!r:.80}: "
            problem, mend = f"{owner}{key}: {value}{message}", "Mend this value."
            if detail["type"] == "extra_forbidden":
                problem = f"{owner}{key}: unknown key"
        problems.append(PatuhError(problem, where=locate(host, variable, inside), mend=mend))
    return problems


def _contradictions(fleet: Fleet, catalogue: Catalogue, locate: _Locator) -> list[PatuhError]:
    """What no single value shows."""
    problems: list[PatuhError] = []

    def problem(text: str, mend: str, variable: str, host: str | None = None, inside: strict_yaml.KeyPath = ()) -> None:
        problems.append(PatuhError(text, where=locate(host, PREFIX + variable, inside), mend=mend))

    for number, regulation in enumerate(fleet.regulations):
        if regulation not in catalogue.regulations:
            problem(
                f"unknown regulation '{regulation}'",
                f"Allowed: {', '.join(sorted(catalogue.regulations))}.",
                "regulations",
                inside=(number,),
            )
    areas = {"default", *(control.partition(".")[0] for control in catalogue.controls)}
    for area in fleet.in_charge:
        if area not in areas:
            problem(
                f"nobody can be in charge of the unknown area '{area}'",
                f"Allowed: {', '.join(sorted(areas))}.",
                "in_charge",
                inside=(area,),
            )
    seen: set[str] = set()
    owners: dict[str, str] = {}
    for number, person in enumerate(fleet.administrators):
        if person.name in seen:
            problem(
                f"administrator {person.name} is given twice",
                "Keep one entry a person.",
                "administrators",
                inside=(number,),
            )
        seen.add(person.name)
        if person.state == "active" and not person.keys:
            problem(
                f"administrator {person.name} has no key",
                "Add the person's public key under 'keys', or set state: left.",
                "administrators",
                inside=(number,),
            )
        if person.state == "left" and person.left is None:
            problem(
                f"administrator {person.name} left, but 'left' gives no date",
                "Add 'left: YYYY-MM-DD'.",
                "administrators",
                inside=(number,),
            )
        if person.name == fleet.automation_account:
            problem(
                f"administrator {person.name} is also the automation account",
                "Give the person an account of their own.",
                "administrators",
                inside=(number,),
            )
        for place, key in enumerate(person.keys):
            owner = owners.setdefault(keys.blob(key), person.name)
            if owner != person.name or keys.blob(key) in {keys.blob(other) for other in person.keys[:place]}:
                problem(
                    f"administrator {person.name} has a key that {owner} has already",
                    "A key is one person's alone, and is given once.",
                    "administrators",
                    inside=(number, "keys", place),
                )
    if not fleet.active_administrators:
        problem("no administrator is active", "Declare at least one with a key.", "administrators")
    named = [(name, network) for name, segment in fleet.segments.items() for network in segment.cidr]
    for position, (name, network) in enumerate(named):
        for other_name, other in named[position + 1 :]:
            if network.version == other.version and network.overlaps(other):
                problem(
                    f"segments {name} ({network}) and {other_name} ({other}) overlap",
                    "Give each segment prefixes of its own.",
                    "segments",
                    inside=(other_name, "cidr"),
                )
    for name, host in fleet.hosts.items():
        for number, service in enumerate(host.services):
            for source in service.sources:
                if source != ANY and source not in fleet.segments and not _is_network(source):
                    problem(
                        f"host {name}: service {service.name} is open to the unknown segment '{source}'",
                        f"Allowed: any, a CIDR, {', '.join(fleet.segments)}.",
                        "services",
                        name,
                        (number, "sources"),
                    )
            if (service.protocol, service.port) == ("tcp", SSH_PORT) and not _only(fleet, service):
                problem(
                    f"host {name}: service {service.name} opens SSH beyond the administrators' workstations",
                    "Remove it: SSH is open to them, always and only.",
                    "services",
                    name,
                    (number,),
                )
        if host.standby_of is not None and (host.standby_of not in fleet.hosts or host.standby_of == name):
            problem(
                f"host {name}: stands by for the unknown host '{host.standby_of}'",
                suggestion(host.standby_of, [other for other in fleet.hosts if other != name]),
                "standby_of",
                name,
            )
    for number, service_ in enumerate(fleet.critical_services):
        for unknown in set(service_.hosts) - set(fleet.hosts):
            problem(
                f"critical service {service_.name} names the unknown host '{unknown}'",
                suggestion(unknown, list(fleet.hosts)),
                "critical_services",
                inside=(number, "hosts"),
            )
    return problems


def _only(fleet: Fleet, service: Service) -> bool:
    """Whether a service is open to administrators' workstations alone."""
    ours = {str(ipaddress.ip_network(str(address))) for address in fleet.admin_workstations}
    return (
        ANY not in service.sources
        and {str(ipaddress.ip_network(source)) for source in fleet.sources(service) if _is_network(source)} <= ours
    )


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(_without_zone(text))
    except ValueError:
        return False
    return True
