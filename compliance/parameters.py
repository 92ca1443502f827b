"""Which figure binds, and who says so: the regulations, then the site, then our default.

A figure that a regulation sets stands once, in its clause. Roles and checks both get the value resolved
here, so they cannot disagree.
"""

from __future__ import annotations

from compliance.catalogue import PARAMETERS, Catalogue, Parameter, Strict, Strictest, Text, suggestion
from compliance.errors import InvalidInput, PatuhError


class ResolvedParameter(Strict):
    """A figure in force and its source: ``REGULATION CLAUSE``, ``inventory`` or ``default``."""

    value: int
    unit: str
    source: str
    title: Text | None = None  # assessments of before 2026-11-22 have none


def resolve(
    catalogue: Catalogue, regulations: list[str], site: dict[str, int], where: str = "patuh_parameters"
) -> dict[str, ResolvedParameter]:
    """The figures in force for a fleet.

    The strictest clause of the binding regulations wins; the site may be stricter still, never looser.

    :raises InvalidInput: for a parameter that is unknown, or looser than a clause that binds.
    """
    problems = []
    resolved = {}
    for name in site:
        if name not in catalogue.parameters:
            problems.append(
                PatuhError(
                    f"unknown parameter '{name}'",
                    where=where,
                    mend=suggestion(name, list(catalogue.parameters), PARAMETERS),
                )
            )
    for name, parameter in catalogue.parameters.items():
        binding = _strictest_clause(catalogue, regulations, name, parameter)
        wanted = site.get(name)
        if binding and wanted is not None and _is_stricter(parameter, binding.value, wanted):
            problems.append(
                PatuhError(
                    f"{name}: {wanted} is looser than the {binding.value} {parameter.unit} of {binding.source}",
                    where=where,
                    mend=f"Set at {'most' if parameter.strictest is Strictest.LOWEST else 'least'} {binding.value}.",
                )
            )
        if wanted is not None and not (binding and binding.value == wanted):
            resolved[name] = ResolvedParameter(
                value=wanted, unit=parameter.unit, source="inventory", title=parameter.title
            )
        else:
            resolved[name] = binding or ResolvedParameter(
                value=parameter.default, unit=parameter.unit, source="default", title=parameter.title
            )
    if problems:
        raise InvalidInput(problems)
    return resolved


def _is_stricter(parameter: Parameter, one: int, other: int) -> bool:
    return one < other if parameter.strictest is Strictest.LOWEST else one > other


def _strictest_clause(
    catalogue: Catalogue, regulations: list[str], name: str, parameter: Parameter
) -> ResolvedParameter | None:
    best: ResolvedParameter | None = None
    for regulation in regulations:
        for clause in catalogue.regulations[regulation].clauses:
            value = clause.figures.get(name)
            if value is not None and (best is None or _is_stricter(parameter, value, best.value)):
                source = f"{regulation} {clause.clause}"
                best = ResolvedParameter(value=value, unit=parameter.unit, source=source, title=parameter.title)
    return best
