"""A headless Chromium of the system, and sample reports in it."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from commands.common import write_reports
from reports import html, site
from tests.unit.samples import sample_with_history

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "no Chromium on this computer; 'patuh test' installs it"
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield one
        one.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two servers and seven assessments."""
    return _written(tmp_path_factory, ("web01", "db01"))


@pytest.fixture(scope="session")
def large_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred servers and seven assessments."""
    return _written(tmp_path_factory, tuple(f"server{number:03}" for number in range(100)))


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first page of a site of three runs."""
    folder, target = tmp_path_factory.mktemp("output"), tmp_path_factory.mktemp("site")
    for runs in (0, 1, 2):
        assessment = sample_with_history(runs=runs)
        created = assessment.created + datetime.timedelta(days=runs)
        write_reports(assessment.model_copy(update={"created": created}), folder, "id")
        site.publish(folder, target)
    return target / "index.html"


def _written(tmp_path_factory: pytest.TempPathFactory, hosts: tuple[str, ...]) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html.render(sample_with_history(hosts=hosts)), encoding="utf-8")
    return path
