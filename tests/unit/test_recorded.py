"""Every check against what real servers answered: compliant ones pass, broken ones fail for the right reason.

What each check then says, word for word, stands in ``data/findings.txt``; ``python -m tests.unit.test_recorded`` writes
it anew after a change that is meant, and the difference shows what the change does to real servers' verdicts.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from compliance import breaking, fleet
from compliance.assessment import Finding, Status
from compliance.breaking import NamedBreak
from compliance.catalogue import default_catalogue
from compliance.checking import Check, Context, all_checks, judge
from compliance.evidence import store
from compliance.fleet import LoadedFleet
from lab.topology import REPOSITORY
from tests import recordings

CHECKS = all_checks()
FINDINGS = recordings.FILE.with_name("findings.txt")


@cache
def recorded_fleet() -> LoadedFleet:
    """The fleet that the recorded servers belong to."""
    return fleet.load(REPOSITORY / "inventory" / "proof", default_catalogue())


@cache
def recorded_records() -> store.Records:
    """The records beside that fleet."""
    return store.load(store.folder_of(recorded_fleet().source))


@cache
def _recordings(control: str) -> list[recordings.Recording]:
    return recordings.read(control)


@cache
def _breaks() -> dict[str, NamedBreak]:
    return {str(one): one for one in breaking.load(known=CHECKS)}


def finding(control: str, host: str, answers: recordings.HostAnswers) -> Finding:
    loaded = recorded_fleet()
    context = Context.of(loaded, host, recorded_records())
    return judge(control, CHECKS[control], recordings.replay(host, answers), context)


def told(control: str, check: Check) -> str:
    """All that a check says of the recorded servers: compliant, and where a round of breaks makes it say another."""
    loaded = recorded_fleet()
    lines = [control]
    compliant: dict[str, list[str]] = {}
    for number, (_, servers) in enumerate(_recordings(control)):
        said: dict[tuple[str, ...], list[str]] = {}
        for host, answers in servers.items():
            context = Context.of(loaded, host, recorded_records())
            found = judge(control, check, recordings.replay(host, answers), context)
            shown = [f"{found.status} {found.reason.values if found.reason else ''}".strip()]
            shown += [
                f"{'+' if o.holds else '-'} {o.subject} | {o.expected} | {o.observed}" for o in found.observations
            ]
            if shown != compliant.setdefault(host, [] if number else shown) or not number:
                said.setdefault(tuple(shown), []).append(host)
        for words, hosts in said.items():
            lines.append(f"  {f'round {number}' if number else 'compliant'}, {', '.join(hosts)}: {words[0]}")
            lines += [f"    {one}" for one in words[1:]]
    return "\n".join(lines)


@pytest.mark.parametrize("control", sorted(CHECKS))
def test_a_check_says_of_real_servers_what_it_always_said(control: str) -> None:
    sections = dict(zip(sorted(CHECKS), FINDINGS.read_text(encoding="utf-8").rstrip("\n").split("\n\n"), strict=True))
    assert told(control, CHECKS[control]) == sections[control]


@pytest.mark.parametrize("control", sorted(CHECKS))
def test_a_compliant_server_passes(control: str) -> None:
    ((_, compliant), *_) = _recordings(control)
    for host, answers in compliant.items():
        found = finding(control, host, answers)
        assert found.status is Status.PASS, (host, found)
        assert found.observations


@pytest.mark.parametrize("name", sorted(_breaks()))
def test_a_broken_server_fails_for_the_right_reason(name: str) -> None:
    one = _breaks()[name]
    ((_, compliant), *broken) = _recordings(one.control)
    (together, answers) = next((done, answers) for done, answers in broken if name in done)
    expected = breaking.expected_of(_breaks()[other] for other in together)
    for host, own in answers.items():
        before = finding(one.control, host, compliant[host])
        after = finding(one.control, host, own)
        assert breaking.unexpected(before, after, expected[one.control]) is None, (host, after)


def test_a_proof_of_some_controls_leaves_the_recordings_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "FILE", tmp_path / "recordings.json.xz")

    def proof(word: str) -> list[recordings.Recording]:
        def said(text: str) -> recordings.Answers:
            return {"srv": {"ask": (0, f"{word} {text}", ""), f"ask {word}": (0, word, ""), "same": (0, "", "")}}

        return [([], said("well")), (["a: break"], said("broken"))]

    recordings.write(proof("whole"))
    recordings.write(proof("first"), {"a", "b"})
    recordings.write(proof("second"), {"b"})
    for control, word in (("a", "first"), ("b", "second"), ("c", "whole")):
        assert recordings.read(control) == proof(word)
    assert recordings.compliant()["srv"]["ask"] == (0, "second well", "")
    assert recordings.compliant()["srv"]["ask whole"] == (0, "whole", "")
    recordings.write(proof("third"), {"a"})  # nothing is left that the first proof would speak of
    assert "first" not in str(recordings._stored())
    recordings.write(proof("new"))
    assert recordings.read("a") == proof("new")
    assert "second" not in str(recordings._stored())


if __name__ == "__main__":
    FINDINGS.write_text("\n\n".join(told(one, CHECKS[one]) for one in sorted(CHECKS)) + "\n", encoding="utf-8")
