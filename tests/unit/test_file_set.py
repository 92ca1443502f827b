"""The module that writes files as one change, run by Ansible on this computer in a scratch folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
OWNER = {"owner": None, "group": None}


def run(arguments: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    command = [
        str(Path(sys.executable).parent / "ansible"),
        "localhost",
        "-i",
        "localhost,",
        "-c",
        "local",
        "-m",
        "file_set",
        "-a",
        json.dumps(arguments),
        *(["--check"] if check else []),
    ]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.oneline",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY, env=environment)
    line = next(line for line in done.stdout.splitlines() if "=> {" in line)
    found: dict[str, Any] = json.loads(line.partition("=> ")[2])
    return found


def test_writes_edits_links_and_removes_and_then_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "edited").write_text("# KEY 1\nKEY 2\nother\nKEY 3\n")
    (tmp_path / "gone").write_text("x")
    arguments = {
        "files": [
            {"path": f"{tmp_path}/new/file", "content": "text", "mode": "0600", **OWNER},
            {"path": f"{tmp_path}/number", "content": 90, **OWNER},
            {"path": f"{tmp_path}/link", "link": "/dev/null"},
        ],
        "lines": [{"path": f"{tmp_path}/edited", "pattern": r"^#?\s*KEY\s", "line": "KEY 9"}],
        "absent": [f"{tmp_path}/gone"],
    }
    would = run(arguments, check=True)
    assert would["changed"]
    assert not (tmp_path / "new").exists()
    done = run(arguments)
    assert done["changed_paths"] == would["changed_paths"]
    assert (tmp_path / "new" / "file").read_text() == "text\n"
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "number").read_text() == "90\n"
    assert (tmp_path / "link").readlink() == Path("/dev/null")
    assert (tmp_path / "edited").read_text() == "other\nKEY 9\n"
    assert not (tmp_path / "gone").exists()
    assert not run(arguments)["changed"]


@pytest.mark.parametrize(
    "more", [{"validate": "echo 'line 3 is wrong' >&2; false"}, {"activate": ["true", "echo 'line 3 is wrong'; false"]}]
)
def test_a_refused_change_leaves_everything_as_it_was(tmp_path: Path, more: dict[str, Any]) -> None:
    old = tmp_path / "old"
    old.write_text("old\n")
    old.chmod(0o640)
    (tmp_path / "link").symlink_to("old")
    files = [{"path": f"{tmp_path}/{name}", "content": "new", **OWNER} for name in ("old", "link", "more")]
    done = run({"files": files, **more})
    assert done["changed"] is False
    assert "line 3 is wrong" in done["msg"]
    assert "Every file is back as it was." in done["msg"]
    assert old.read_text() == "old\n"
    assert old.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link").readlink() == Path("old")
    assert not (tmp_path / "more").exists()


def test_what_is_not_in_effect_is_activated_though_no_file_changes(tmp_path: Path) -> None:
    arguments = {
        "files": [{"path": f"{tmp_path}/file", "content": "text", **OWNER}],
        "in_effect": f"test -e {tmp_path}/running",
        "activate": [f"touch {tmp_path}/running"],
    }
    assert run(arguments)["changed"]
    assert not run(arguments)["changed"]
    (tmp_path / "running").unlink()
    assert run(arguments, check=True)["changed"]
    assert not (tmp_path / "running").exists()
    assert run(arguments)["changed"]
    assert (tmp_path / "running").exists()
