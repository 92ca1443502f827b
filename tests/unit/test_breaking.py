"""Breaks: every check has one, and a proof does not take the wrong failure for the right one."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import breaking
from compliance.assessment import Finding, Observation, Status
from compliance.breaking import Break, NamedBreak
from compliance.catalogue import default_catalogue
from compliance.checking import all_checks
from compliance.errors import InvalidInput


def test_every_host_control_has_a_break() -> None:
    breaks = breaking.load(known=default_catalogue().controls)
    assert {one.control for one in breaks} == set(all_checks())


def test_an_unknown_control_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        "no.such:\n  way:\n    summary: s\n    run: 'true'\n    seen: [x]\n", encoding="utf-8"
    )
    with pytest.raises(InvalidInput, match=r"a\.yml:2.*no\.such"):
        breaking.load(tmp_path, known=["ssh.keys-only"])


NAMES = st.sampled_from(["a", "b", "c", "d"])
BREAKS = st.lists(
    st.builds(
        lambda control, name, also: NamedBreak(
            control, name, Break(summary="s", run="true", seen=["x"], also={one: ["y"] for one in also - {control}})
        ),
        NAMES,
        st.text(max_size=3),
        st.sets(NAMES, max_size=2),
    ),
    max_size=12,
)


@given(BREAKS)
def test_rounds_hold_every_break_once_and_keep_those_apart_that_hide_each_other(breaks: list[NamedBreak]) -> None:
    planned = breaking.rounds(breaks)
    assert sorted(map(id, breaks)) == sorted(id(one) for together in planned for one in together)
    for together in planned:
        controls = [one.control for one in together]
        assert len(controls) == len(set(controls))
        for one in together:
            assert not any(one.control in other.recipe.also for other in together)


def finding(status: Status, **observed: bool) -> Finding:
    observations = [Observation(subject=s, expected="e", observed="o", holds=h) for s, h in observed.items()]
    return Finding(control="c", host="h", status=status, observations=observations)


PASSED = finding(Status.PASS, x=True, y=True)


@pytest.mark.parametrize(
    ("before", "after", "subjects", "words"),
    [
        (PASSED, PASSED, None, None),
        (PASSED, finding(Status.FAIL, x=False, y=True), ["x"], None),
        (PASSED, finding(Status.FAIL, x=False, y=False), ["*"], None),
        (PASSED, finding(Status.FAIL, x=False, y=True), None, "nothing was meant to"),
        (PASSED, finding(Status.ERROR), None, "nothing was meant to"),
        (PASSED, PASSED, ["x"], "is pass"),
        (PASSED, finding(Status.ERROR), ["x"], "is error"),
        (PASSED, finding(Status.FAIL, x=True, y=False), ["x"], "not on"),
        (PASSED, finding(Status.FAIL, x=False, y=False), ["x"], "fails also on"),
        (finding(Status.ERROR), finding(Status.FAIL, x=False), ["x"], "was error before"),
    ],
)
def test_only_the_right_failure_for_the_right_reason_will_do(
    before: Finding, after: Finding, subjects: list[str] | None, words: str | None
) -> None:
    said = breaking.unexpected(before, after, subjects)
    assert (said is None) if words is None else (said is not None and words in said)


def test_a_proof_is_void_once_the_recipe_or_the_check_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks = breaking.load(known=default_catalogue().controls)
    one = breaks[0]
    file = tmp_path / "proved.yml"
    monkeypatch.setattr(breaking, "PROVED_FILE", file)
    on = "{debian12: 2026-11-21, debian13: 2026-11-20}"
    file.write_text(f"{one.control}: {{{one.name}: {{digest: {one.digest}, on: {on}}}}}\n", encoding="utf-8")
    assert list(breaking.proved(breaks)) == [str(one)]
    # Each way that a control can be violated must have been proved.
    alone = sum(other.control == one.control for other in breaks) == 1
    assert (one.control in breaking.last_proved()) is alone
    changed = NamedBreak(one.control, one.name, one.recipe.model_copy(update={"run": "true"}))
    assert breaking.proved([changed]) == {}


def keep_proved(file: Path, breaks: list[NamedBreak]) -> None:
    known: dict[str, dict[str, object]] = {}
    for one in breaks:
        known.setdefault(one.control, {})[one.name] = {"digest": one.digest, "on": {"debian12": "2026-11-21"}}
    file.write_text(json.dumps(known), encoding="utf-8")


def test_what_is_due_is_what_was_not_proved_and_another_share_every_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks = breaking.load(known=default_catalogue().controls)
    planned = [{str(one) for one in together} for together in breaking.rounds(breaks)]
    file = tmp_path / "proved.yml"
    monkeypatch.setattr(breaking, "PROVED_FILE", file)
    days = [datetime.date(2026, 11, 1) + datetime.timedelta(days=number) for number in range(200)]

    keep_proved(file, breaks)
    shares = [{str(one) for one in breaking.due(breaks, day)} for day in days]
    assert set().union(*shares) == {str(one) for one in breaks}
    # Breaks that the whole proof does not do side by side may touch each other in ways that nobody has seen.
    for share in shares:
        assert any(share <= together and len(share) == min(breaking.SHARE, len(together)) for together in planned)

    fresh = breaks[40]
    keep_proved(file, [one for one in breaks if one is not fresh])
    with_fresh = next(together for together in planned if str(fresh) in together)
    for day in days[:40]:
        with_others = [str(one) for one in breaking.due(breaks, day)]
        assert with_others[0] == str(fresh)
        assert len(with_others) == breaking.SHARE and set(with_others) <= with_fresh
