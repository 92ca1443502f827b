"""The static site holds every published run as it was, lists it, and nothing else."""

from __future__ import annotations

import datetime
import multiprocessing
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.__main__ import patuh
from commands.common import write_reports
from compliance.assessment import Assessment
from compliance.errors import PatuhError
from reports import signing, site
from reports.folder import MANIFEST, SIGNATURE, STATEMENT
from tests.unit.samples import HOSTILE, sample
from tests.unit.test_signing import HEAD, NOW, new_key


def written(tmp_path: Path, days: int = 0, assessment: Assessment | None = None) -> Path:
    folder = tmp_path / f"output{days}"
    one = assessment or sample()
    write_reports(one.model_copy(update={"created": one.created + datetime.timedelta(days=days)}), folder, "id")
    return folder


def test_runs_are_kept_as_they_were_and_listed_the_newest_first(tmp_path: Path) -> None:
    target = tmp_path / "site"
    places = [site.publish(written(tmp_path, days), target)[0] for days in (0, 2, 1)]
    for place, days in zip(places, (0, 2, 1), strict=True):
        mine = {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()}
        folder = tmp_path / f"output{days}"
        assert mine == {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    page = (target / "index.html").read_text(encoding="utf-8")
    listed = re.findall(r'<th scope="row"><a href="([^"]+)/report.html">', page)
    newest_first = [places[number].relative_to(target).as_posix() for number in (1, 2, 0)]
    assert listed == newest_first * 2
    for address in re.findall(r'href="([^"#]+)"', page):
        assert address.startswith("data:") or (target / address).is_file(), address


@pytest.fixture
def signers(tmp_path: Path) -> site.Signers:
    """An officer, whose key lies beside, may sign."""
    key = new_key(tmp_path / "head")
    (tmp_path / "signers").write_text(f"{HEAD} {key}\n", encoding="utf-8")
    return site.Signers(tmp_path / "signers")


def test_publishing_again_replaces_the_run_and_shows_who_signed_it(tmp_path: Path, signers: site.Signers) -> None:
    folder, target = written(tmp_path), tmp_path / "site"
    first, *_ = site.publish(folder, target)
    assert not (first / SIGNATURE).exists()
    signing.sign(folder, tmp_path / "head", HEAD, NOW)
    with pytest.raises(PatuhError, match="--signers"):
        site.publish(folder, target)
    assert not (first / SIGNATURE).exists()
    again, runs, _ = site.publish(folder, target, signers=signers)
    assert again == first
    assert [run.signed.by for run in runs if run.signed] == [HEAD]
    assert signing.verify(first, signers.allowed).by == HEAD
    page = (target / "index.html").read_text(encoding="utf-8")
    assert re.search(rf"✓ <a href=[^>]+>{HEAD}</a>, 21 November 2026 16.30 WIB", page)


def _keep_the_signature_of_another_run(folder: Path, another: Path) -> None:
    for name in (MANIFEST, SIGNATURE, STATEMENT):
        shutil.copyfile(another / name, folder / name)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder, _: (folder / SIGNATURE).write_text("x"),
        lambda folder, _: (folder / "report.html").write_text("another"),
        lambda folder, _: (folder / SIGNATURE).unlink(),
        lambda folder, _: (folder / STATEMENT).unlink(),
        _keep_the_signature_of_another_run,
    ],
)
def test_a_signature_that_does_not_hold_is_not_published_and_not_shown_as_one(
    tmp_path: Path, signers: site.Signers, change: Callable[[Path, Path], None]
) -> None:
    target, key = tmp_path / "site", tmp_path / "head"
    earlier = written(tmp_path).rename(tmp_path / "earlier")
    signing.sign(earlier, key, HEAD, NOW)
    folder = written(tmp_path, 1)
    signing.sign(folder, key, HEAD, NOW + datetime.timedelta(days=1))
    shutil.copytree(folder, tmp_path / "good")
    change(folder, earlier)
    with pytest.raises(PatuhError):
        site.publish(folder, target, signers=signers)
    assert not target.exists()
    # What happens to a run after it was published is found when the next one is.
    place, *_ = site.publish(tmp_path / "good", target, signers=signers)
    change(place, earlier)
    _, runs, _ = site.publish(earlier, target, signers=signers)
    assert [(run.signed is not None, run.broken is not None) for run in runs] == [(False, True), (True, False)]
    assert "✗ tidak berlaku" in (target / "index.html").read_text(encoding="utf-8")


def test_a_revoked_key_is_told_of_every_run_that_it_signed(tmp_path: Path, signers: site.Signers) -> None:
    folder, target = written(tmp_path), tmp_path / "site"
    signing.sign(folder, tmp_path / "head", HEAD, NOW)
    site.publish(folder, target, signers=signers)
    arguments = [str(target), str(written(tmp_path, 1)), "--signers", str(signers.allowed)]
    done = CliRunner().invoke(patuh, ["publish", *arguments, "--revoked", str(tmp_path / "head.pub")])
    assert done.exit_code == 0, done.output
    assert "does not hold" in done.output
    assert "✗ tidak berlaku" in (target / "index.html").read_text(encoding="utf-8")


def test_an_unsigned_run_does_not_replace_a_signed_one(tmp_path: Path, signers: site.Signers) -> None:
    folder, target = written(tmp_path), tmp_path / "site"
    signing.sign(folder, tmp_path / "head", HEAD, NOW)
    place, *_ = site.publish(folder, target, signers=signers)
    write_reports(sample(), tmp_path / "again", "en")
    with pytest.raises(PatuhError, match="is signed, and what would replace it is not"):
        site.publish(tmp_path / "again", target, signers=signers)
    assert (place / SIGNATURE).exists()


def test_nothing_of_others_is_overwritten_or_removed(tmp_path: Path) -> None:
    target = tmp_path / "site"
    target.mkdir()
    (target / "index.html").write_text("our city's own page")
    with pytest.raises(PatuhError, match="no first page of this site's"):
        site.publish(written(tmp_path), target)
    assert (target / "index.html").read_text() == "our city's own page"
    (target / "index.html").unlink()
    place, *_ = site.publish(written(tmp_path), target)
    (place / "minutes.txt").write_text("of the meeting")
    with pytest.raises(PatuhError, match=r"minutes\.txt: would be lost"):
        site.publish(written(tmp_path), target)
    (place / "minutes.txt").unlink()
    # Two fleets whose names begin alike, checked in the same second.
    names = [f"{'Dinas ' * 12}{one}" for one in ("Utama", "Cadangan")]
    first, other = (Assessment.model_validate({**sample().model_dump(), "fleet": one}) for one in names)
    site.publish(written(tmp_path, 0, first), target)
    with pytest.raises(PatuhError, match="Give the fleets names that differ sooner"):
        site.publish(written(tmp_path, 0, other), target)
    # What is no assessment of this version costs the others nothing.
    (target / "app" / "one").mkdir(parents=True)
    (target / "app" / "one" / "assessment.json").write_text("{}")
    site.publish(written(tmp_path), target)
    done = CliRunner().invoke(patuh, ["publish", str(target), str(written(tmp_path))])
    assert done.exit_code == 0, done.output
    assert "app/one/assessment.json" in done.output.replace("\n", "")
    assert "is not listed: " in done.output.replace("\n", " ")


def test_an_interrupted_assessment_is_not_published(tmp_path: Path) -> None:
    cut = sample().model_copy(update={"complete": False})
    with pytest.raises(PatuhError, match="was interrupted"):
        site.publish(written(tmp_path, 0, cut), tmp_path / "site")
    assert not (tmp_path / "site").exists()


def _publish(folder: Path, target: Path) -> None:
    site.publish(folder, target)


def test_those_who_publish_at_the_same_time_all_stand_on_the_first_page(tmp_path: Path) -> None:
    folders = [written(tmp_path, days) for days in range(4)]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.starmap(_publish, [(folder, tmp_path / "site") for folder in folders])
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert all(run.at in page for run in site.runs(tmp_path / "site")[0])
    assert len(site.runs(tmp_path / "site")[0]) == 4


def test_a_removed_run_is_forgotten_and_fleets_are_apart(tmp_path: Path) -> None:
    target = tmp_path / "site"
    other = sample().model_copy(update={"fleet": "Kota Lain"})
    gone, *_ = site.publish(written(tmp_path, 1), target)
    kept, *_ = site.publish(written(tmp_path, 2, other), target)
    assert kept.parent.name == "kota-lain"
    for path in sorted(gone.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    gone.rmdir()
    site.publish(written(tmp_path, 2, other), target)
    assert {run.assessment.fleet for run in site.runs(target)[0]} == {"Kota Lain"}


def test_what_is_no_report_is_not_published(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "id_ed25519").write_text("secret", encoding="utf-8")
    done = CliRunner().invoke(patuh, ["publish", str(tmp_path / "site"), str(folder)])
    assert isinstance(done.exception, PatuhError)
    assert "id_ed25519: does not belong there" in str(done.exception)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("fleet", ["../../etc", HOSTILE, "///", "\N{CJK UNIFIED IDEOGRAPH-4E00}"])
def test_no_name_of_a_fleet_leaves_the_site_or_runs(tmp_path: Path, fleet: str) -> None:
    assessment = Assessment.model_validate({**sample().model_dump(), "fleet": fleet})
    place, *_ = site.publish(written(tmp_path, 0, assessment), tmp_path / "site")
    assert place.parent.parent == tmp_path / "site"
    assert "<script" not in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
