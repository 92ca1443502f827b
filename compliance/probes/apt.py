"""What apt would do, as apt itself says: its configuration, its sources, and what waits to be installed."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
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

    :raises CannotTell: when apt does not say, or has no list of a security archive to go by.
    """
    if not any("security" in one.get("l", "").lower() for one in releases(host)):
        raise CannotTell("apt has no package list of a security archive: 'apt-get update' fetches it")
    said = output(host, f"{SIMULATE} --ignore-hold dist-upgrade")
    if "newly installed" not in said:
        raise CannotTell("apt-get -s dist-upgrade is not understood")
    return sorted(set(re.findall(r"^Inst (\S+) \[.*-[Ss]ecurity", said, re.MULTILINE)))


def releases(host: testinfra.host.Host) -> list[dict[str, str]]:
    """The releases that there are package lists of: ``o``, ``l``, ``a``, ``n``, ``c`` as apt-cache(8) has them, and
    ``site``.

    :raises CannotTell: when apt does not say.
    """
    said = output(host, "LC_ALL=C apt-cache policy")
    if not said.startswith("Package files:"):
        raise CannotTell("apt-cache policy is not understood")
    found: list[dict[str, str]] = []
    for line in said.splitlines():
        if match := re.match(r"\s+release (\S.*)$", line):
            found.append(dict(re.findall(r"(?:^|,)([a-z])=([^,]*)", match[1])))
        elif (match := re.match(r"\s+origin (\S+)$", line)) and found:
            found[-1]["site"] = match[1]
    return found


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
