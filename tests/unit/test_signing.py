"""Signed reports: whatever is changed afterwards is found, and named."""

from __future__ import annotations

import datetime
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.__main__ import patuh
from commands.common import write_reports
from compliance.errors import InvalidInput, PatuhError
from reports import signing
from tests.unit.samples import sample

HEAD = "head@city.example"
NOW = datetime.datetime(2026, 11, 21, 9, 30, tzinfo=datetime.UTC)
Change = Callable[[Path], None]


def new_key(path: Path) -> str:
    """A new key; gives its public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text(encoding="utf-8").strip()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of two officers, the list of who may sign, and signed reports."""
    desk = tmp_path_factory.mktemp("desk")
    head, other = new_key(desk / "head"), new_key(desk / "other")
    signers = [
        f'{HEAD} namespaces="patuh-report",valid-after="20260101" {head}',
        f'former@city.example namespaces="patuh-report",valid-before="20260601" {head}',
        f"other@city.example {other}",
    ]
    (desk / "signers").write_text("\n".join(signers) + "\n", encoding="utf-8")
    write_reports(sample(), desk / "signed", "id")
    signing.sign(desk / "signed", desk / "head", HEAD, NOW)
    return desk


def test_what_was_signed_verifies_with_and_without_this_program(desk: Path) -> None:
    signed = signing.verify(desk / "signed", desk / "signers")
    assert (signed.by, signed.at) == (HEAD, NOW)
    assert signed.key.startswith("SHA256:")
    subprocess.run(["sha256sum", "--check", "--strict", signing.MANIFEST], cwd=desk / "signed", check=True)
    with (desk / "signed" / signing.MANIFEST).open("rb") as manifest:
        command = ["ssh-keygen", "-Y", "verify", "-f", str(desk / "signers"), "-I", HEAD, "-n", "patuh-report"]
        signature = str(desk / "signed" / signing.SIGNATURE)
        subprocess.run([*command, "-s", signature], stdin=manifest, check=True)


def flip(name: str) -> Change:
    """One bit in the middle of a file."""

    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return change


def replace(name: str, old: str, new: str) -> Change:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


def resigned(folder: Path) -> None:
    """The list and its signature made anew with another officer's key, the statement left as it was."""
    statement = (folder / signing.STATEMENT).read_bytes()
    signing.sign(folder, folder.parent.parent / "other", HEAD, NOW)
    assert (folder / signing.STATEMENT).read_bytes() == statement


REPORTS = [
    "assessment.json",
    "report.html",
    "report.id.pdf",
    "report.en.pdf",
    "findings.xlsx",
    "junit.xml",
    signing.STATEMENT,
]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        *[(flip(name), name) for name in REPORTS if name != signing.STATEMENT],
        *[(lambda folder, name=name: (folder / name).unlink(), name) for name in REPORTS],
        (flip(signing.MANIFEST), signing.SIGNATURE),
        (flip(signing.SIGNATURE), signing.SIGNATURE),
        (lambda folder: (folder / signing.MANIFEST).unlink(), signing.MANIFEST),
        (lambda folder: (folder / signing.SIGNATURE).unlink(), signing.SIGNATURE),
        (lambda folder: (folder / "extra.pdf").write_text("x"), "extra.pdf"),
        (lambda folder: (folder / "link").symlink_to("report.html"), "link"),
        (replace(signing.STATEMENT, "2026-11-21", "2026-11-20"), signing.STATEMENT),
        (replace(signing.STATEMENT, HEAD, "other@city.example"), signing.STATEMENT),
        (replace(signing.STATEMENT, "2026-11-21T09:30:00+00:00", "yesterday"), signing.STATEMENT),
        (replace(signing.MANIFEST, "report.html", "../report.html"), signing.SIGNATURE),
        (resigned, signing.SIGNATURE),
    ],
)
def test_whatever_was_changed_is_named(desk: Path, tmp_path: Path, change: Change, named: str) -> None:
    folder = desk / tmp_path.name / "reports"
    shutil.copytree(desk / "signed", folder)
    change(folder)
    with pytest.raises(PatuhError) as error:
        signing.verify(folder, desk / "signers")
    problems = error.value.problems if isinstance(error.value, InvalidInput) else [error.value]
    assert str(folder / named) in [problem.where for problem in problems]


@pytest.mark.parametrize(
    ("by", "key", "at"),
    [
        ("nobody@city.example", "head", NOW),
        ("other@city.example", "head", NOW),
        (HEAD, "other", NOW),
        (HEAD, "head", NOW.replace(year=2025)),
        ("former@city.example", "head", NOW),
        (HEAD, "head", datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)),
    ],
)
def test_a_signature_holds_only_of_who_may_sign_on_that_day(
    desk: Path, tmp_path: Path, by: str, key: str, at: datetime.datetime
) -> None:
    shutil.copytree(desk / "signed", tmp_path / "reports")
    signing.sign(tmp_path / "reports", desk / key, by, at)
    with pytest.raises(InvalidInput):
        signing.verify(tmp_path / "reports", desk / "signers")


def test_the_commands_tell_it_in_one_line(desk: Path, tmp_path: Path) -> None:
    shutil.copytree(desk / "signed", tmp_path / "reports")
    folder, signers = str(tmp_path / "reports"), str(desk / "signers")
    done = CliRunner().invoke(patuh, ["sign", folder, "--key", str(desk / "head"), "--as", HEAD])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(patuh, ["verify", folder, "--signers", signers])
    assert done.exit_code == 0, done.output
    assert f"as signed by {HEAD} on " in done.output
    before = {path.name: path.read_bytes() for path in (tmp_path / "reports").iterdir() if path.is_file()}
    for arguments in (["--key", "nowhere", "--as", HEAD], ["--key", str(desk / "head"), "--as", "two words"]):
        done = CliRunner().invoke(patuh, ["sign", folder, *arguments])
        assert isinstance(done.exception, PatuhError)
    # A key that does not sign leaves the former signature, which still holds.
    assert {path.name: path.read_bytes() for path in (tmp_path / "reports").iterdir() if path.is_file()} == before
    assert signing.verify(Path(folder), Path(signers)).by == HEAD
