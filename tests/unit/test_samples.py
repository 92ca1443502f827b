"""Samples of the world: what real tools said elsewhere, in place of the same answers of a server that complies.

A file of ``data/samples`` holds answers: ``#$ COMMAND`` (``#$ ~PATTERN`` for all commands like it), ``#! rc=STATUS``
and ``#! err=WORDS`` where it failed, then its output. The verdicts stand here and, with where each sample comes from
and what was said of it before, in ``docs/samples.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from compliance.assessment import Finding, Status
from compliance.checking import Context, all_checks, judge
from tests import recordings
from tests.unit.test_recorded import recorded_fleet, recorded_records

FOLDER = Path(__file__).resolve().parent / "data" / "samples"
PASS, FAIL, ERROR, NOT_APPLICABLE = Status.PASS, Status.FAIL, Status.ERROR, Status.NOT_APPLICABLE


@dataclass(frozen=True)
class Sample:
    """A sample with a control and the right verdict; ``names`` is what a failing observation must be about."""

    file: str
    control: str
    right: Status
    names: str | None = None
    declared: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.file}: {self.control}"


def answers_of(file: str, answers: recordings.HostAnswers) -> recordings.HostAnswers:
    """The answers of a compliant server with those of a sample."""
    changed = dict(answers)
    for part in re.split(r"(?m)^#\$ ", (FOLDER / f"{file}.txt").read_text(encoding="utf-8"))[1:]:
        command, _, text = part.partition("\n")
        lines = [line for line in text.splitlines(keepends=True) if not line.startswith("# for the reader")]
        heads = [line for line in lines if line.startswith("#! ")]
        told = dict(re.findall(r"#! (rc|err)=(.*)", "".join(heads)))
        answer = int(told.get("rc", 0)), "".join(line for line in lines if line not in heads), told.get("err", "")
        if command.startswith("~"):
            like = [one for one in changed if re.search(command[1:], one)]
            assert like, f"{file}: no command is like {command}"
            changed |= dict.fromkeys(like, answer)
        else:
            # Programs below /sbin are asked with a path of their own.
            like = [one for one in changed if one.endswith(command)]
            changed |= dict.fromkeys([*like, command, f"PATH=$PATH:/sbin:/usr/sbin; {command}"], answer)
    return changed


def found(sample: Sample) -> Finding:
    """What a check says of a sample."""
    answers = answers_of(sample.file, recordings.compliant()["debian12"])
    for array in sample.declared.get("raid_arrays", []):
        answers[f"readlink -m -- {array}"] = (0, f"{array}\n", "")
    loaded = recorded_fleet()
    context = Context.of(loaded, "debian12", recorded_records())
    context.host = loaded.fleet.hosts["debian12"].model_copy(update=sample.declared)
    return judge(sample.control, all_checks()[sample.control], recordings.replay("debian12", answers), context)


IMSM = {"raid_arrays": ["/dev/md126"]}
ZFS: dict[str, Any] = {"raid_arrays": []}
SAMPLES = [
    Sample("04-mdstat-inactive-array", "raid.present", FAIL, "/dev/md7"),
    Sample("04-mdstat-inactive-array", "raid.hotspare", FAIL, "/dev/md7"),
    Sample("04-mdstat-inactive-array", "raid.failed-disk-replaced", FAIL, "/dev/md7"),
    Sample("04-mdstat-inactive-array", "monitoring.hardware-health", FAIL, "/dev/md7"),
    Sample("05-mdadm-imsm-volume", "raid.present", PASS, declared=IMSM),
    Sample("05-mdadm-imsm-volume", "raid.failed-disk-replaced", PASS, declared=IMSM),
    Sample("05-mdadm-imsm-volume", "monitoring.hardware-health", PASS),
    Sample("05-mdadm-imsm-volume", "raid.hotspare", FAIL, "/dev/md126", declared=IMSM),
    Sample("06-mdadm-imsm-degraded-two-volumes", "raid.failed-disk-replaced", FAIL, "/dev/md126", declared=IMSM),
    Sample("06-mdadm-imsm-degraded-two-volumes", "monitoring.hardware-health", FAIL, "/dev/md125"),
    Sample("08-zpool-spare-inuse-all-online", "raid.failed-disk-replaced", FAIL, "RAID1", declared=ZFS),
    Sample("08-zpool-spare-inuse-all-online", "monitoring.hardware-health", FAIL, "RAID1"),
    Sample("03-nft-kube-proxy-k3s", "firewall.default-deny", PASS),
    Sample("03-nft-kube-proxy-k3s", "firewall.only-role-services", FAIL, "tcp/30000"),
    Sample("09-ss-ipv4-mapped-loopback", "services.single-role", PASS),
    Sample("12-df-fuse-eperm", "disk.usage-90", PASS),
    # A disk that no longer answers is not one person's own file system.
    Sample("own-df-disk-gone", "disk.usage-90", ERROR),
    Sample("own-imsm-with-spare", "raid.hotspare", PASS, declared=IMSM),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_sample_of_the_world_gets_the_right_verdict(sample: Sample) -> None:
    finding = found(sample)
    said = [f"{one.subject}: {one.observed}" for one in finding.observations if not one.holds]
    assert finding.status is sample.right, (finding.reason, said)
    if sample.names is not None:
        assert any(sample.names in one for one in said), said


def test_every_sample_is_judged() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {sample.file for sample in SAMPLES}
