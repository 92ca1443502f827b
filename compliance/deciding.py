"""What decides a check's verdict: its own source, and that of every helper and probe that it comes to use."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from typing import Any

# Checks with their helpers, and probes. What carries out and counts is the same for all of them, and is tested itself.
PACKAGES = ("compliance.checks", "compliance.probes")
PLAIN = (str, bytes, int, float, bool, type(None), tuple, list, dict, set, frozenset, re.Pattern)


def source_of(check: Any) -> str:
    """The source of a check and of everything in :data:`PACKAGES` that it reaches, in an order of its own."""
    waiting, found = [check], {}
    while waiting:
        one = waiting.pop()
        name = f"{one.__module__}.{one.__qualname__}"
        if name not in found:
            found[name], used = _read(one)
            waiting += used
    return "\n".join(found[name] for name in sorted(found))


@functools.cache
def _read(one: Any) -> tuple[str, tuple[Any, ...]]:
    """The source of a function or class with the values of the constants that it names, and what it uses of ours."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(one)))
    module = sys.modules[one.__module__]
    constants: dict[str, str] = {}
    used: list[Any] = []
    for name, value in _named(ast.parse(source), module):
        used += _ours_in(value)
        if isinstance(value, PLAIN):
            constants[name] = _written(value)
    return "\n".join([source, *(f"{name} = {constants[name]}" for name in sorted(constants))]), tuple(used)


def _named(tree: ast.AST, module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """What the names in a piece of source stand for: globals of its module, and of those that it names in turn."""
    known = dict(vars(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            imported = importlib.import_module(node.module)
            known |= {one.asname or one.name: getattr(imported, one.name) for one in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in known:
            yield node.id, known[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = known.get(node.value.id)
            if isinstance(owner, types.ModuleType) and owner.__name__.startswith(PACKAGES):
                yield f"{node.value.id}.{node.attr}", getattr(owner, node.attr)


def _ours_in(value: Any) -> Iterator[Any]:
    """A function or class of ours, or those in a table of them."""
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, types.FunctionType | type):
        if value.__module__.startswith(PACKAGES):
            yield value
    elif isinstance(value, dict):
        yield from _ours_in(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _ours_in(item)


def _written(value: Any) -> str:
    """A constant's value, the same in every run: sets have no order of their own."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{_written(key)}: {_written(item)}" for key, item in value.items())) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(_written, value))) + "}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(_written, value)) + ")"
    if isinstance(value, types.FunctionType | type):
        return f"{value.__module__}.{value.__qualname__}"
    return repr(value)
