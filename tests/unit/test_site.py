"""The static site holds every published run as it was, lists it, and nothing else."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.__main__ import patuh
from commands.common import write_reports
from compliance.assessment import Assessment
from compliance.errors import PatuhError
from reports import signing, site
from tests.unit.samples import HOSTILE, sample
from tests.unit.test_signing import HEAD, NOW, new_key


def written(tmp_path: Path, days: int = 0, assessment: Assessment | None = None) -> Path:
    folder = tmp_path / f"output{days}"
    one = assessment or sample()
    write_reports(one.model_copy(update={"created": one.created + datetime.timedelta(days=days)}), folder, "id")
    return folder


def test_runs_are_kept_as_they_were_and_listed_the_newest_first(tmp_path: Path) -> None:
    target = tmp_path / "site"
    places = [site.publish(written(tmp_path, days), target) for days in (0, 2, 1)]
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


def test_publishing_again_replaces_the_run_and_shows_that_it_was_signed(tmp_path: Path) -> None:
    folder, target = written(tmp_path), tmp_path / "site"
    first = site.publish(folder, target)
    assert not (first / signing.SIGNATURE).exists()
    key = new_key(tmp_path / "head")
    signing.sign(folder, tmp_path / "head", HEAD, NOW)
    assert site.publish(folder, target) == first
    (tmp_path / "signers").write_text(f"{HEAD} {key}\n", encoding="utf-8")
    assert signing.verify(first, tmp_path / "signers").by == HEAD
    assert "manifest.sha256" in (target / "index.html").read_text(encoding="utf-8")


def test_a_removed_run_is_forgotten_and_fleets_are_apart(tmp_path: Path) -> None:
    target = tmp_path / "site"
    other = sample().model_copy(update={"fleet": "Kota Lain"})
    gone = site.publish(written(tmp_path, 1), target)
    kept = site.publish(written(tmp_path, 2, other), target)
    assert kept.parent.name == "kota-lain"
    for path in sorted(gone.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    gone.rmdir()
    site.publish(written(tmp_path, 2, other), target)
    assert {run.assessment.fleet for run in site.runs(target)} == {"Kota Lain"}


def test_what_is_no_report_is_not_published(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "id_ed25519").write_text("secret", encoding="utf-8")
    done = CliRunner().invoke(patuh, ["publish", str(tmp_path / "site"), str(folder)])
    assert isinstance(done.exception, PatuhError)
    assert "id_ed25519: is no report" in str(done.exception)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("fleet", ["../../etc", HOSTILE, "///", "\N{CJK UNIFIED IDEOGRAPH-4E00}"])
def test_no_name_of_a_fleet_leaves_the_site_or_runs(tmp_path: Path, fleet: str) -> None:
    assessment = Assessment.model_validate({**sample().model_dump(), "fleet": fleet})
    place = site.publish(written(tmp_path, 0, assessment), tmp_path / "site")
    assert place.parent.parent == tmp_path / "site"
    assert "<script" not in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
