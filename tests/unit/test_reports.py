"""The documents say what the assessment says, in both languages, whatever a server wrote into it."""

from __future__ import annotations

import io
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from compliance.assessment import Status
from reports import html, junit, pdf, terminal
from reports.presentation import LANGUAGES, Language, View
from tests.unit.samples import HOSTILE, sample


def visible(document: str, language: Language) -> str:
    """The part of the HTML in one language."""
    return document.split(f'<main class="in-{language}"', 1)[1].split("</main>", 1)[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_says_each_clause_once_and_in_order_with_its_verdict(language: Language) -> None:
    assessment = sample()
    part = visible(html.render(assessment), language)
    rows = re.findall(rf'<tr id="{language}-jambi-31-2017-([^"]+)".*?</tr>', part, re.DOTALL)
    assert rows == [clause.clause for clause in assessment.regulations[0].clauses]
    body = part.split("<tbody>", 1)[1]
    for clause, row in zip(
        assessment.regulations[0].clauses, re.findall(r"<tr id=.*?</tr>", body, re.DOTALL), strict=True
    ):
        chips = re.findall(r'<td><span class="chip ([a-z-]+)">', row.rsplit("</td>", 2)[1] + "</td>")
        assert chips == ([] if clause.verdict is Status.INFORMATION else [clause.verdict.value]), clause.clause


def test_html_is_one_file_without_network_or_script() -> None:
    document = html.render(sample())
    assert "<script" not in document
    assert not re.findall(r'(?:src|href)="(?!#|data:)', document)
    assert "default-src 'none'" in document


def test_hostile_words_stay_words() -> None:
    assessment = sample(HOSTILE)
    document = html.render(assessment)
    assert "<script" not in document
    assert "&lt;script&gt;" in document
    assert pdf.render(assessment).startswith(b"%PDF-")
    ElementTree.fromstring(junit.render(assessment))
    screen = io.StringIO()
    terminal.show(assessment, Console(file=screen, width=50), every_finding=True)
    assert "\x1b[2J" not in screen.getvalue()


def test_junit_agrees() -> None:
    assessment = sample()
    found: Counter[Status] = Counter()
    root = ElementTree.fromstring(junit.render(assessment))
    for case in root.iter("testcase"):
        kinds = [child.tag for child in case if child.tag != "system-out"]
        found[
            {"failure": Status.FAIL, "error": Status.ERROR, "skipped": Status.MISSING}[kinds[0]]
            if kinds
            else Status.PASS
        ] += 1
    tally = assessment.score.tally
    assert found[Status.PASS] == tally[Status.PASS]
    assert found[Status.FAIL] == tally[Status.FAIL] + tally[Status.OVERDUE]
    assert found[Status.ERROR] == tally[Status.ERROR]
    assert found[Status.MISSING] == tally[Status.MISSING] + tally[Status.NOT_APPLICABLE] + tally[Status.WAIVED]


@pytest.mark.parametrize("language", LANGUAGES)
def test_pdf_says_the_same(tmp_path: Path, language: Language) -> None:
    assessment = sample()
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf.render(assessment, language))
    text = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True).stdout
    view = View(language, assessment)
    flat = " ".join(text.split())
    assert view.score in flat
    assert " ".join(view.verdict[0].split()) in flat
    numbers = [clause.clause for clause in assessment.regulations[0].clauses]
    at = -1
    for number in numbers:
        found = re.search(rf"^\s*{re.escape(number)}\s", text[at + 1 :], re.MULTILINE)
        assert found, number
        at += 1 + found.start()
    info = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Tagged:\s+yes", info)
    assert re.search(r"Page size:\s+595\.\d+ x 841\.\d+ pts \(A4\)", info)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_terminal_says_the_same_at_any_width(width: int) -> None:
    assessment = sample()
    screen = io.StringIO()
    terminal.show(assessment, Console(file=screen, width=width), "en")
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert View("en", assessment).score in " ".join(screen.getvalue().split())


def test_dates_and_numbers_are_in_the_readers_form() -> None:
    assessment = sample()
    assert View("id", assessment).created == "21 November 2026 09.30 WIB"
    assert re.match(r"21 November 2026 09:30 ", View("en", assessment).created)
    assert re.fullmatch(r"\d+,\d %", View("id", assessment).score)
    assert re.fullmatch(r"\d+\.\d%", View("en", assessment).score)
