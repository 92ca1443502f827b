"""Signed reports: whatever is changed afterwards is found, and named."""

from __future__ import annotations

import datetime
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.__main__ import patuh
from commands.common import put_reports, write_reports
from compliance.errors import InvalidInput, PatuhError
from reports import signing
from reports.folder import MANIFEST, SIGNATURE, STATEMENT, listed, manifest_of
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
        f'new@city.example namespaces="patuh-report",valid-after="20261201" {head}',
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
    subprocess.run(["sha256sum", "--check", "--strict", MANIFEST], cwd=desk / "signed", check=True)
    with (desk / "signed" / MANIFEST).open("rb") as manifest:
        command = ["ssh-keygen", "-Y", "verify", "-f", str(desk / "signers"), "-I", HEAD, "-n", "patuh-report"]
        signature = str(desk / "signed" / SIGNATURE)
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
    statement = (folder / STATEMENT).read_bytes()
    signing.sign(folder, folder.parent.parent / "other", HEAD, NOW)
    assert (folder / STATEMENT).read_bytes() == statement


REPORTS = [
    "assessment.json",
    "report.html",
    "report.id.pdf",
    "report.en.pdf",
    "findings.xlsx",
    "junit.xml",
    STATEMENT,
]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        *[(flip(name), name) for name in REPORTS if name != STATEMENT],
        *[(lambda folder, name=name: (folder / name).unlink(), name) for name in REPORTS],
        (flip(MANIFEST), SIGNATURE),
        (flip(SIGNATURE), SIGNATURE),
        (lambda folder: (folder / MANIFEST).unlink(), MANIFEST),
        (lambda folder: (folder / SIGNATURE).unlink(), SIGNATURE),
        (lambda folder: (folder / "extra.pdf").write_text("x"), "extra.pdf"),
        (lambda folder: (folder / "link").symlink_to("report.html"), "link"),
        (replace(STATEMENT, "2026-11-21", "2026-11-20"), STATEMENT),
        (replace(STATEMENT, HEAD, "other@city.example"), STATEMENT),
        (replace(STATEMENT, "2026-11-21T09:30:00+00:00", "yesterday"), STATEMENT),
        (replace(MANIFEST, "report.html", "../report.html"), SIGNATURE),
        (resigned, SIGNATURE),
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
        ("new@city.example", "head", NOW),
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


def test_a_day_before_the_assessment_is_neither_signed_nor_believed(desk: Path, tmp_path: Path) -> None:
    """Whoever found a key whose time is over would write a day on which it was not."""
    folder = tmp_path / "reports"
    shutil.copytree(desk / "signed", folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(PatuhError, match="before the assessment was made"):
        signing.sign(folder, desk / "head", HEAD, NOW - datetime.timedelta(days=100))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    # Without this program, the same day can be written, and signed.
    statement = (folder / STATEMENT).read_bytes().replace(b"2026-11-21", b"2026-05-01")
    (folder / STATEMENT).write_bytes(statement)
    digest = hashlib.sha256(statement).hexdigest()
    (folder / MANIFEST).write_bytes(manifest_of({**listed(folder), STATEMENT: digest}))
    (folder / SIGNATURE).unlink()
    command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(desk / "head"), "-n", "patuh-report", str(folder / MANIFEST)]
    subprocess.run(command, check=True)
    with pytest.raises(InvalidInput) as error:
        signing.verify(folder, desk / "signers")
    assert [problem.where for problem in error.value.problems] == [str(folder / STATEMENT)]


def _of_another_run(name: str) -> Change:
    """A report of another assessment takes the place of this one's."""

    def change(folder: Path) -> None:
        write_reports(sample("another"), folder.parent / "another", "id")
        shutil.copyfile(folder.parent / "another" / name, folder / name)

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        *[(_of_another_run(name), name) for name in ("report.html", "findings.csv", "oscal/assessment-results.json")],
        (lambda folder: (folder / "assessment.json").write_bytes(sample("another").document), "assessment.json"),
        (lambda folder: (folder / "notes.txt").write_text("x"), "notes.txt"),
        (lambda folder: (folder / "oscal" / "ours.json").write_text("{}"), "oscal/ours.json"),
        (lambda folder: (folder / "report.en.pdf").unlink(), "report.en.pdf"),
        (lambda folder: (folder / MANIFEST).unlink(), MANIFEST),
    ],
)
def test_only_the_reports_of_the_assessment_are_signed(tmp_path: Path, change: Change, named: str) -> None:
    folder = tmp_path / "reports"
    write_reports(sample(), folder, "id")
    change(folder)
    new_key(tmp_path / "key")
    with pytest.raises(PatuhError) as error:
        signing.sign(folder, tmp_path / "key", HEAD, NOW)
    problems = error.value.problems if isinstance(error.value, InvalidInput) else [error.value]
    assert str(folder / named) in [problem.where for problem in problems]
    assert not (folder / SIGNATURE).exists()


@pytest.mark.parametrize("name", ["report.html", "report.id.pdf", "findings.xlsx", "findings.csv"])
def test_a_list_that_was_made_anew_for_a_changed_report_is_seen_through(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "reports"
    write_reports(sample(), folder, "en")
    flip(name)(folder)
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / MANIFEST).write_bytes(manifest_of({**listed(folder), name: digest}))
    new_key(tmp_path / "key")
    with pytest.raises(InvalidInput) as error:
        signing.sign(folder, tmp_path / "key", HEAD, NOW)
    assert str(folder / name) in [problem.where for problem in error.value.problems]
    assert not (folder / SIGNATURE).exists()
    write_reports(sample(), folder, "en")  # the same bytes again, in either language
    assert signing.sign(folder, tmp_path / "key", HEAD, NOW).by == HEAD


def test_the_history_beside_is_not_part_of_what_is_signed(desk: Path, tmp_path: Path) -> None:
    shutil.copytree(desk / "signed", tmp_path / "reports")
    (tmp_path / "reports" / "history.sqlite").write_text("grows")
    assert signing.verify(tmp_path / "reports", desk / "signers").by == HEAD


@pytest.mark.parametrize("name", ["history.sqlite-report.pdf", "history.sqlite.d/report.html", "oscal/Thumbs.db"])
def test_nothing_travels_under_a_name_that_is_like_ours(desk: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "reports"
    shutil.copytree(desk / "signed", folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("smuggled")
    with pytest.raises(InvalidInput, match="does not belong there"):
        signing.verify(folder, desk / "signers")


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini"])
def test_what_file_managers_leave_costs_nothing(desk: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "reports"
    shutil.copytree(desk / "signed", folder)
    (folder / name).write_text("x")
    assert signing.verify(folder, desk / "signers").by == HEAD
    assert signing.sign(folder, desk / "head", HEAD, NOW).by == HEAD


def test_an_assessment_without_its_reports_is_not_signed(desk: Path, tmp_path: Path) -> None:
    put_reports(tmp_path / "cut", {"assessment.json": sample().document}, sample().fleet)
    with pytest.raises(InvalidInput, match="without its reports"):
        signing.sign(tmp_path / "cut", desk / "head", HEAD, NOW)


@pytest.mark.parametrize(
    "content", ["garbage", "", "head@city.example lost on 3 May", "head@city.example ssh-ed25519 AAAA"]
)
def test_a_file_that_lists_no_revoked_keys_is_named(desk: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "revoked").write_text(content)
    with pytest.raises(InvalidInput, match="revoked: lists no keys"):
        signing.verify(desk / "signed", desk / "signers", tmp_path / "revoked")


def test_a_key_that_others_may_read_is_told_as_such(desk: Path, tmp_path: Path) -> None:
    shutil.copytree(desk / "signed", tmp_path / "reports")
    shutil.copyfile(desk / "head", tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(PatuhError, match="chmod 600"):
        signing.sign(tmp_path / "reports", tmp_path / "key", HEAD, NOW)


def test_a_revoked_key_signs_nothing_that_holds(desk: Path, tmp_path: Path) -> None:
    krl = tmp_path / "krl"
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(krl), str(desk / "head.pub")], check=True)
    for revoked in (krl, desk / "head.pub"):
        with pytest.raises(InvalidInput, match="revoked"):
            signing.verify(desk / "signed", desk / "signers", revoked)
    assert signing.verify(desk / "signed", desk / "signers", desk / "other.pub").by == HEAD
    with pytest.raises(InvalidInput, match="lists no keys that sign no more"):
        signing.verify(desk / "signed", desk / "signers", tmp_path / "nowhere")


def test_a_new_run_takes_the_old_signature_away_and_says_so(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "reports"
    shutil.copytree(desk / "signed", folder)
    write_reports(sample(), folder, "id")
    assert "the signature is gone" in capsys.readouterr().out
    assert not (folder / SIGNATURE).exists()
    assert not (folder / STATEMENT).exists()
    write_reports(sample(), folder, "id")
    assert capsys.readouterr().out == ""
    signing.sign(folder, desk / "head", HEAD, NOW)
    assert signing.verify(folder, desk / "signers").by == HEAD


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
