"""Controls that the inventory decides, or several hosts together: one function per control."""

from __future__ import annotations

from collections.abc import Callable

from compliance.checking import Saw
from compliance.fleet import Fleet
from compliance.parameters import ResolvedParameter

Figures = dict[str, ResolvedParameter]
Rule = Callable[[Fleet, Figures, Saw], None]

_RULES: dict[str, Rule] = {}


def decides(control: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule that decides a control."""

    def register(rule: Rule) -> Rule:
        if control in _RULES:
            raise ValueError(f"two rules decide {control}")
        _RULES[control] = rule
        return rule

    return register


def all_rules() -> dict[str, Rule]:
    """Every rule by its control."""
    from compliance.fleet_rules import availability, facilities, network  # noqa: F401 (they register themselves)

    return dict(_RULES)
