"""What is made from other files is up to date, and defaults say the same in both of their places."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from commands.generate import generated

REPOSITORY = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (REPOSITORY / "roles").iterdir() if path.is_dir())


def test_generated_files_are_up_to_date() -> None:
    stale = [str(path) for path, text in generated().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run 'patuh generate'"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: str(role.name))
def test_defaults_agree_with_the_specs(role: Path) -> None:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    file = role / "defaults" / "main.yml"
    defaults = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    documented = {name: option["default"] for name, option in specs["options"].items() if not option.get("required")}
    assert defaults == documented
    assert all(name.startswith(f"{role.name}_") for name in specs["options"])
