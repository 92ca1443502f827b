"""What checks of servers say is said in both languages."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from compliance.fleet import Role, Zone
from reports.presentation import View, messages, phrases
from tests.unit.samples import sample

REPOSITORY = Path(__file__).resolve().parents[2]
SPOKEN = re.compile(r"[A-Za-z]{2,}(?:,? [a-z]+)+")
COMMANDS = {"telnet, rlogin, rsh"}


@cache
def said() -> set[str]:
    """Every constant text that a check or a rule of the fleet hands on as something looked at, expected or seen."""
    found = set()
    for folder in ("checks", "fleet_rules", "probes"):
        for path in (REPOSITORY / "compliance" / folder).glob("*.py"):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "saw":
                    given = [*call.args, *(word.value for word in call.keywords)]
                    for part in (part for one in given for part in ast.walk(one)):
                        if isinstance(part, ast.Constant) and isinstance(part.value, str):
                            found.add(part.value.removeprefix(": ").strip())
    return found


def test_every_sentence_of_a_check_has_its_indonesian() -> None:
    spoken = {text for text in said() if SPOKEN.fullmatch(text)} - COMMANDS
    assert len(spoken) > 40
    view = View("id", sample())
    assert sorted(text for text in spoken if view.phrase(text) == text and text not in phrases()) == []


@pytest.mark.parametrize(
    ("text", "indonesian"),
    [
        ("failed units", "unit yang gagal"),
        ("ssh.service at boot", "ssh.service saat boot"),
        ("kernel.sysrq (boot)", "kernel.sysrq (boot)"),
        ("methods (running)", "cara (berjalan)"),
        ("/dev/md0: spares", "/dev/md0: cadangan"),
        ("<= 1.5 d", "<= 1,5 hari"),
        ("300 min", "300 menit"),
        ("23.4 °C", "23,4 °C"),
        (">= 99.5 %", ">= 99,5 %"),
        ("permitrootlogin (192.0.2.1)", "permitrootlogin (192.0.2.1)"),
        ("admin-a, open, none", "admin-a, open, none"),
    ],
)
def test_phrases_are_said_in_indonesian_and_names_are_left(text: str, indonesian: str) -> None:
    assert View("id", sample()).phrase(text) == indonesian
    assert View("en", sample()).phrase(text) == text


def test_no_phrase_is_idle() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "compliance").rglob("*.py"))
    from_systemd = {"inactive", "unlimited"}
    assert [phrase for phrase in phrases() if phrase not in sources and phrase not in from_systemd] == []


def test_every_declared_word_has_a_name() -> None:
    words = [("role", one) for one in Role] + [("zone", one) for one in Zone]
    assert [pair for pair in words if f"{pair[0]}-{pair[1]}" not in messages()] == []
    assert View("id", sample()).word("zone", "elsewhere") == "elsewhere"
