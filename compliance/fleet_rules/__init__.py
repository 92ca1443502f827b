"""Controls that the inventory decides, or several hosts together: one function per control."""

from __future__ import annotations

from collections.abc import Callable

from compliance.checking import CannotTell, Saw
from compliance.fleet import Fleet
from compliance.parameters import ResolvedParameter
from compliance.probes.facts import Seen

Figures = dict[str, ResolvedParameter]
# What was seen on the hosts that were asked, or why nothing could be.
SeenHosts = dict[str, Seen | CannotTell]
Rule = Callable[[Fleet, Figures, SeenHosts, Saw], None]

_RULES: dict[str, Rule] = {}


def decides(control: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule that decides a control."""

    def register(rule: Rule) -> Rule:
        if control in _RULES:
            raise ValueError(f"two rules decide {control}")
        _RULES[control] = rule
        return rule

    return register


def seen_on(seen: SeenHosts, name: str) -> Seen | None:
    """What was seen on a host; None when it was not asked.

    :raises CannotTell: when it was, and did not answer.
    """
    found = seen.get(name)
    if isinstance(found, CannotTell):
        raise found
    return found


def all_rules() -> dict[str, Rule]:
    """Every rule by its control."""
    from compliance.fleet_rules import availability, facilities, network  # noqa: F401 (they register themselves)

    return dict(_RULES)
