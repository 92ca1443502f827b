"""Mutation of the checks: does a test notice when a check is made wrong?

``python -m tests.mutation`` makes each check always hold, never hold, forget an observation, compare the other way or
with another figure, one change at a time, and runs what ``tests/unit/test_recorded.py`` runs against the answers of
real servers, and the boundary cases. It prints what nobody noticed, and keeps the share that was noticed in
``docs/mutation.md``.
"""

from __future__ import annotations

import ast
import copy
import importlib
import pkgutil
import tempfile
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import compliance.checks
import compliance.evidence.rules
from compliance.assessment import Status
from compliance.checking import Check, all_checks
from compliance.evidence import judging
from lab import sample_records
from tests.published import publish, table
from tests.unit.test_boundaries import BOUNDARIES, finding, is_right
from tests.unit.test_evidence_rules import FAILS, HOLDS, TODAY, at, lab
from tests.unit.test_recorded import told

FAILING = (Status.FAIL, Status.OVERDUE)
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.LtE: ast.Lt,
    ast.GtE: ast.Gt,
    ast.Lt: ast.LtE,
    ast.Gt: ast.GtE,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True)
class Mutant:
    """A module with one change, and the function that it is in."""

    function: str
    change: str
    tree: ast.Module


def _mutations(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What a node can be turned into, with words for it."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _says(node.value):
        yield "forgets an observation", ast.copy_location(ast.Pass(), node)
    if isinstance(node, ast.Call) and _is_saw(node):
        for value in (True, False):
            if value is _always(node):
                continue
            changed = copy.deepcopy(node)
            changed.keywords = [keyword for keyword in changed.keywords if keyword.arg != "holds"]
            changed.keywords.append(ast.keyword(arg="holds", value=ast.Constant(value)))
            yield f"holds={value}", changed
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPS:
        changed_compare = copy.deepcopy(node)
        changed_compare.ops = [SWAPS[type(node.ops[0])]()]  # type: ignore[list-item]
        yield f"{type(node.ops[0]).__name__} → {type(changed_compare.ops[0]).__name__}", changed_compare
    if isinstance(node, ast.BoolOp):
        changed_bool = copy.deepcopy(node)
        changed_bool.op = SWAPS[type(node.op)]()  # type: ignore[assignment]
        yield f"{type(node.op).__name__} → {type(changed_bool.op).__name__}", changed_bool
    if isinstance(node, ast.Constant) and type(node.value) is int:
        for figure in (node.value + 1, node.value - 1):
            yield f"{node.value} → {figure}", ast.copy_location(ast.Constant(figure), node)


def _only_shown(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What a report shows but no verdict depends on: words of observations that say themselves whether they hold."""
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and _is_saw(call):
            judged = any(keyword.arg == "holds" for keyword in call.keywords)
            for keyword in call.keywords:
                if judged and keyword.arg != "holds":
                    yield from ast.walk(keyword.value)
            for argument in call.args:
                yield from ast.walk(argument)
    for raised in ast.walk(function):
        if isinstance(raised, ast.Raise):
            yield from ast.walk(raised)


def _always(saw: ast.Call) -> object:
    """Whether an observation holds, where its own words settle it; else None."""
    said = {keyword.arg: keyword.value.value for keyword in saw.keywords if isinstance(keyword.value, ast.Constant)}
    if "holds" in said or not {"expected", "observed"} <= set(said):
        return said.get("holds")
    return said["expected"] == said["observed"]


def _is_saw(call: ast.Call) -> bool:
    """Whether a call records an observation by itself."""
    return isinstance(call.func, ast.Name) and call.func.id in ("saw", "noted")


def _says(call: ast.Call) -> bool:
    """Whether a call records observations, by itself or by what it is given."""
    return _is_saw(call) or any(isinstance(one, ast.Name) and one.id == "saw" for one in call.args)


def mutants(source: str) -> Iterator[Mutant]:
    """Every module that differs from the source in one place inside a function."""
    tree = ast.parse(source)
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        shown = set(_only_shown(function))
        places = [
            (parent, name, number)
            for parent in ast.walk(function)
            for name, value in ast.iter_fields(parent)
            for number, child in (enumerate(value) if isinstance(value, list) else [(None, value)])
            if isinstance(child, ast.AST) and child not in shown and name not in ("decorator_list", "annotation")
        ]
        for parent, name, number in places:
            value = getattr(parent, name)
            original = value if number is None else value[number]
            for change, changed in list(_mutations(original)):
                _put(parent, name, number, ast.fix_missing_locations(changed))
                line = getattr(original, "lineno", "?")
                yield Mutant(function.name, f"line {line}: {change}", tree)
                _put(parent, name, number, original)


def _put(parent: ast.AST, name: str, number: int | None, value: ast.AST) -> None:
    if number is None:
        setattr(parent, name, value)
    else:
        getattr(parent, name)[number] = value


class Court:
    """Judges checks by the recordings and the boundary cases, as the tests do."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def accepts(self, control: str, check: Check) -> bool:
        """Whether every test of a control passes with this check."""
        if self.said.setdefault(control, told(control, all_checks()[control])) != told(control, check):
            return False
        return all(is_right(case, finding(case, check)) for case in BOUNDARIES if case.control == control)


def _controls(namespace: dict[str, object]) -> dict[str, tuple[str, Check]]:
    """The checks of a module: by function name, the control and the check."""
    return {
        name: (function.pytestmark[0].args[0], function)
        for name, function in namespace.items()
        if isinstance(function, types.FunctionType) and hasattr(function, "pytestmark")
    }


def _rules(tree: ast.Module, path: Path, name: str) -> dict[str, judging.Decision]:
    """The rules over records that a module registers, without keeping them."""
    kept = dict(judging._RULES)
    judging._RULES.clear()
    try:
        exec(compile(tree, path, "exec"), {"__name__": name})
        return dict(judging._RULES)
    finally:
        judging._RULES.clear()
        judging._RULES.update(kept)


class RecordsCourt:
    """Judges rules over records by the sample year and by what each test changes in it."""

    def __init__(self, folder: Path) -> None:
        sample_records.write(folder, lab().fleet, TODAY, gaps=False)
        self.perfect = at(folder, TODAY)
        self.holding = {c: [self.perfect, *(one(self.perfect) for one in HOLDS.get(c, []))] for c in FAILS}
        self.failing = {c: [one(self.perfect) for one in edits] for c, edits in FAILS.items()}
        self.due = {c: [judging.assess(c, one).due for one in good] for c, good in self.holding.items()}

    def accepts(self, control: str, decision: judging.Decision) -> bool:
        """Whether every test of a control passes with this rule."""
        kept = judging._RULES[control]
        judging._RULES[control] = decision
        try:
            good = [judging.assess(control, one) for one in self.holding[control]]
            return (
                all(one.status is Status.PASS for one in good)
                and [one.due for one in good] == self.due[control]
                and all(judging.assess(control, one).status in FAILING for one in self.failing[control])
            )
        finally:
            judging._RULES[control] = kept


def _tried(module: str, mutants_of: Iterator[Mutant], accepts: Callable[[Mutant], bool]) -> tuple[str, int, int]:
    """A row of the table: how many wrong ones a module gave, and how many were noticed."""
    made = noticed = 0
    for mutant in mutants_of:
        made += 1
        if accepts(mutant):
            print(f"{module}: {mutant.function}: {mutant.change}")
        else:
            noticed += 1
    print(f"{module}: noticed {noticed} of {made}", flush=True)
    return f"`{module}`", made, noticed


def _of_checks() -> Iterator[tuple[str, int, int]]:
    court = Court()
    for module in pkgutil.iter_modules(compliance.checks.__path__):
        if not module.name.startswith("test_"):
            continue
        loaded = importlib.import_module(f"compliance.checks.{module.name}")
        path = Path(str(loaded.__file__))

        def accepts(mutant: Mutant, name: str = loaded.__name__, path: Path = path) -> bool:
            namespace: dict[str, object] = {"__name__": name}
            exec(compile(mutant.tree, path, "exec"), namespace)
            checks = _controls(namespace)
            # A helper's change may show in any check of its module.
            judged = [checks[mutant.function]] if mutant.function in checks else list(checks.values())
            return all(court.accepts(control, check) for control, check in judged)

        yield _tried(module.name, mutants(path.read_text(encoding="utf-8")), accepts)


def _of_rules() -> Iterator[tuple[str, int, int]]:
    judging.all_rules()
    with tempfile.TemporaryDirectory() as scratch:
        court = RecordsCourt(Path(scratch) / "records")
        for module in pkgutil.iter_modules(compliance.evidence.rules.__path__):
            loaded = importlib.import_module(f"compliance.evidence.rules.{module.name}")
            path = Path(str(loaded.__file__))

            def accepts(mutant: Mutant, name: str = loaded.__name__, path: Path = path) -> bool:
                rules = _rules(mutant.tree, path, name)
                return all(court.accepts(control, decision) for control, decision in rules.items())

            yield _tried(f"records: {module.name}", mutants(path.read_text(encoding="utf-8")), accepts)


def main() -> int:
    """Print what went unnoticed; succeed when all was noticed."""
    rows = [*_of_checks(), *_of_rules()]
    made, noticed = sum(row[1] for row in rows), sum(row[2] for row in rows)
    print(f"noticed {noticed} of {made} ({noticed * 1000 // made / 10} %)")
    publish(
        "mutation",
        "Checks made wrong on purpose",
        "Each check, each rule over records, and each function that they share within a module, was made wrong in\n"
        "one place at a time: an observation always holds, never holds or is forgotten, a comparison goes the\n"
        "other way, a figure is one more or one less, 'and' is 'or'. A wrong one was noticed when a test failed:\n"
        "the answers of real servers, compliant and broken, or a boundary case; for rules over records a year in\n"
        "which all holds, and each way in which it does not.",
        table(("checks", "made wrong", "noticed"), [*rows, ("all", made, noticed)]),
    )
    return 0 if noticed == made else 1


if __name__ == "__main__":
    raise SystemExit(main())
