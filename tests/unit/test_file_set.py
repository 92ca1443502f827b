"""The module that writes files as one change, run by Ansible on this computer in a scratch folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
OWNER = {"owner": None, "group": None}


def run(arguments: dict[str, Any], *, check: bool = False, before: str = "") -> dict[str, Any]:
    """:param before: a shell command to run first, in a mount namespace of its own that the module shares."""
    command = [
        *(("unshare", "--map-root-user", "--mount", "sh", "-c", f'{before}; exec "$@"', "sh") if before else ()),
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


def test_a_line_that_is_only_to_replace_weak_ones_is_appended_nowhere(tmp_path: Path) -> None:
    weak, strict, none = (tmp_path / name for name in ("weak", "strict", "none"))
    weak.write_text("minlen = 6\nminlen = 8\nother")
    strict.write_text("minlen = 20")
    line = {"pattern": r"^minlen = \d$", "line": "minlen = 14", "append": False}
    arguments = {"lines": [{"path": str(path), **line} for path in (weak, strict, none)]}
    assert run(arguments)["changed_paths"] == [str(weak)]
    assert weak.read_text() == "minlen = 14\nother\n"
    assert strict.read_text() == "minlen = 20"
    assert not none.exists()
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
    assert "line 3 is wrong" in done["msg"]
    assert "Every file is back as it was." in done["msg"]
    # What a command did besides is not undone, and the message says so.
    assert done["changed"] is ("activate" in more)
    if "activate" in more:
        assert done["msg"].endswith("What these have done otherwise stays: true; echo 'line 3 is wrong'; false.")
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


def test_a_full_disk_does_not_keep_the_old_file_away(tmp_path: Path) -> None:
    """The room for the way back is taken before anything changes, and no file is ever half there."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = f"mount -t tmpfs -o size=64k tmpfs {disk}; yes old | head -c 9000 >{disk}/old; chmod 640 {disk}/old"
    # A watcher inside the namespace looks once the module has ended: nothing of it is seen from outside.
    look = (
        f"(while ls -A {disk} | grep -q patuh || ! [ -e {disk}/filler ]; do sleep 0.1; done; "
        f"cp -a {disk}/old {tmp_path}/after) >/dev/null 2>&1 &"
    )
    fill = f"cat /dev/zero >{disk}/filler 2>/dev/null; false"
    files = [{"path": f"{disk}/old", "content": "new", "mode": "0644", **OWNER}]
    done = run({"files": files, "activate": [fill]}, before=f"{made}; {look} true")
    assert "Every file is back as it was." in done["msg"]
    after = tmp_path / "after"
    deadline = time.monotonic() + 10
    while not after.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert after.read_text() == ("old\n" * 2250)
    assert after.stat().st_mode & 0o777 == 0o640
