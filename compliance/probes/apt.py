"""What apt would do, as apt itself says: its configuration, its sources, and what waits to be installed."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output

# Even a simulation would leave its planner's log behind.
SIMULATE = "apt-get -s -q -o Debug::NoLocking=true -o Dir::Log::Planner=/dev/null"
TRUE_WORDS = ("yes", "true", "with", "on", "enable", "1")  # as apt's own StringToBool takes them
ALLOWED = ("ALLOW_INSECURE", "ALLOW_WEAK", "ALLOW_DOWNGRADE_TO_INSECURE")
# How unattended-upgrade(8) calls what apt-cache(8) shows of a release by a letter.
RELEASE_FIELDS = {
    **dict.fromkeys(("o", "origin"), "o"),
    **dict.fromkeys(("l", "label"), "l"),
    **dict.fromkeys(("a", "suite", "archive"), "a"),
    **dict.fromkeys(("c", "component"), "c"),
    **dict.fromkeys(("n", "codename"), "n"),
    "site": "site",
}


def config(host: testinfra.host.Host) -> list[tuple[str, str]]:
    """apt's effective configuration: names in lower case, of which those that end with ``::`` are items of lists.

    :raises CannotTell: when it is not understood.
    """
    said = output(host, "apt-config dump")
    found = [(name.lower(), value) for name, value in re.findall(r'^(\S+) "(.*)";$', said, re.MULTILINE)]
    if "apt::architecture" not in dict(found):
        raise CannotTell("apt-config dump is not understood")
    return found


def pending_security(host: testinfra.host.Host) -> list[str]:
    """The packages that a security update waits for, by the package lists at hand.

    Also what an upgrade would keep back because it needs a new package, as kernels do, and what is held.

    :raises CannotTell: when apt does not say, has no list of a security archive to go by, or ranks it so low that it
        would not say.
    """
    known = releases(host)
    archives = security_archives(known)
    if not archives:
        raise CannotTell("apt has no package list of a security archive: 'apt-get update' fetches it")
    if hidden := [one.get("n", "?") for one in archives if outranked(one, known)]:
        raise CannotTell(f"apt takes nothing from {', '.join(hidden)}: it ranks others above it (apt_preferences(5))")
    said = output(host, f"{SIMULATE} --ignore-hold dist-upgrade")
    if "newly installed" not in said:
        raise CannotTell("apt-get -s dist-upgrade is not understood")
    return sorted(set(re.findall(r"^Inst (\S+) \[.*-[Ss]ecurity", said, re.MULTILINE)))


def releases(host: testinfra.host.Host) -> list[dict[str, str]]:
    """The releases that there are package lists of.

    Each has ``o``, ``l``, ``a``, ``n`` and ``c`` as apt-cache(8) has them, ``site`` and ``priority``.

    :raises CannotTell: when apt does not say.
    """
    said = output(host, "LC_ALL=C apt-cache policy")
    if not said.startswith("Package files:"):
        raise CannotTell("apt-cache policy is not understood")
    found: list[dict[str, str]] = []
    priority = ""
    for line in said.splitlines():
        if match := re.match(r"\s*(-?\d+) \S", line):
            priority = match[1]
        elif match := re.match(r"\s+release (\S.*)$", line):
            found.append({**dict(re.findall(r"(?:^|,)([a-z])=([^,]*)", match[1])), "priority": priority})
        elif (match := re.match(r"\s+origin (\S+)$", line)) and found:
            found[-1]["site"] = match[1]
    return found


def security_archives(known: list[dict[str, str]]) -> list[dict[str, str]]:
    """Those of some releases that security updates come from."""
    return [one for one in known if "security" in one.get("l", "").lower()]


def outranked(archive: dict[str, str], known: list[dict[str, str]]) -> bool:
    """Whether apt takes the versions of an archive's rivals instead, or none of its own: apt_preferences(5).

    So it is where ``APT::Default-Release`` names the release: the security archive is another one to apt.
    """
    label = archive["l"].lower().replace("-security", "")
    main = [int(one["priority"]) for one in known if one.get("l", "").lower() == label]
    return int(archive["priority"]) < max([100, *main])


def left_to_people(configured: list[tuple[str, str]], packages: Iterable[str]) -> list[str]:
    """The words by which unattended-upgrades leaves some of these packages alone, or all but some."""
    words: dict[str, list[str]] = {"black": [], "white": []}
    for name, value in configured:
        if match := re.fullmatch(r"unattended-upgrade::package-(black|white)list::", name):
            words[match[1]].append(value)
    try:
        held = [word for word in words["black"] if any(re.match(word, package) for package in packages)]
        rest = [one for one in packages if words["white"] and not any(re.match(word, one) for word in words["white"])]
    except re.error as trouble:
        raise CannotTell(f"a pattern of unattended-upgrades is not understood: {trouble}") from None
    return held + (words["white"] if rest else [])


def kernel_behind(host: testinfra.host.Host, packages: dict[str, str]) -> tuple[str, str] | None:
    """The version of the kernel that runs, and the newest of it and those installed; nothing where it is not Debian's.

    :param packages: the installed packages and their versions.
    """
    running = re.search(r" Debian (\S+) \(", output(host, "uname -v"))
    there = [version for name, version in packages.items() if re.fullmatch(r"linux-image-(?!.*-dbg$).+", name)]
    return (running[1], max(running[1], *there, key=_order)) if running and there else None


def _order(version: str) -> tuple[tuple[int, int, str], ...]:
    """A key to order versions by, where a tilde comes before the end: deb-version(7)."""
    parts = re.findall(r"\d+|~|[^\d~]+", version)
    kinds = [(2, int(one), "") if one.isdecimal() else (0 if one == "~" else 1, 1, one) for one in parts]
    return (*kinds, (1, 0, ""))


def automatic_origins(configured: list[tuple[str, str]], codename: str) -> list[dict[str, str]]:
    """What unattended-upgrades takes packages from: for each of its patterns, the fields of a release that must match.

    :param codename: of the release that runs, for ``${distro_codename}``.
    """
    patterns = []
    for name, value in configured:
        text = value.replace("${distro_codename}", codename).replace("${distro_id}", "Debian")
        if name == "unattended-upgrade::origins-pattern::":
            words = re.split(r"(?<!\\),", text)
            patterns.append({key.strip(): wanted.strip() for key, _, wanted in (word.partition("=") for word in words)})
        elif name == "unattended-upgrade::allowed-origins::":
            origin, _, suite = re.sub(r"(?<!\\):", " ", text, count=1).partition(" ")
            patterns.append({"origin": origin.replace("\\:", ":"), "archive": suite.strip().replace("\\:", ":")})
    return patterns


def takes(patterns: list[dict[str, str]], release: dict[str, str]) -> bool:
    """Whether one of these patterns is a release's; where one has an unknown word, unattended-upgrade ends."""
    return any(
        all(
            key in RELEASE_FIELDS and fnmatch.fnmatchcase(release.get(RELEASE_FIELDS[key], ""), wanted)
            for key, wanted in pattern.items()
        )
        for pattern in patterns
    )


@dataclass(frozen=True)
class Source:
    """An entry of ``sources.list`` or its like that is in force, where it stands, and whether it is taken unsigned."""

    where: str
    unsigned: bool


def sources(host: testinfra.host.Host) -> list[Source]:
    """The sources in force: which they are, apt says; what it does not say, that one is trusted, its file does.

    :raises CannotTell: when apt does not say, or a file has no such entry.
    """
    wanted = " ".join(f"$({name})" for name in ("SOURCESENTRY", *ALLOWED))
    said = output(host, f"apt-get indextargets --no-release-info --format '{wanted}'")
    found, entries = {}, {}
    for line in said.splitlines():
        where, *allowed = line.split(" ")
        path, _, number = where.rpartition(":")
        if len(allowed) != len(ALLOWED) or not path.startswith("/") or not number.isdecimal():
            raise CannotTell("apt-get indextargets is not understood")
        if path not in entries:
            entries[path] = dict(_entries(path, output(host, "cat %s", path)))
        if int(number) not in entries[path]:
            raise CannotTell(f"{path} has no entry {number}")
        trusted = entries[path][int(number)] in TRUE_WORDS
        found[where] = Source(where, trusted or any(word in TRUE_WORDS for word in allowed))
    return list(found.values())


def _entries(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Each entry of a file by apt's number, with the value of its option ``trusted``: sources.list(5)."""
    if not path.endswith(".sources"):
        for number, line in enumerate(text.splitlines(), 1):
            options = re.match(r"\s*deb(?:-src)?\s+\[([^]]*)\]", line)
            values = re.findall(r"(?:^|\s)trusted\s*[+-]?=\s*(\S+)", options[1], re.IGNORECASE) if options else []
            yield number, values[-1].lower() if values else ""
        return
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    stanzas = [part for part in re.split(r"\n\s*\n", "\n".join(lines)) if part.strip()]
    for number, stanza in enumerate(stanzas, 1):
        values = re.findall(r"(?im)^trusted:\s*(\S+)", stanza)
        yield number, values[-1].lower() if values else ""
