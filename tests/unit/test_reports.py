"""The documents say what the assessment says, in both languages, whatever a server wrote into it."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import openpyxl
import pytest
from rich.console import Console

from compliance.assessment import Assessment, Status
from reports import html, junit, metrics, pdf, sarif, spreadsheet, terminal
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


Verdicts = Counter[tuple[str, str | None, Status]]


def verdicts(assessment: Assessment) -> Verdicts:
    return Counter((finding.control, finding.host, finding.status) for finding in assessment.findings)


def from_rows(table: list[list[str]], language: Language) -> Verdicts:
    """The verdicts of a table with the columns of the spreadsheet."""
    view = View(language, sample())
    words = {view.chip(status).word: status for status in Status}
    whole = view.say("whole-fleet")
    at = {name: table[0].index(view.say(f"column-{name}")) for name in ("host", "control", "verdict")}
    return Counter(
        (row[at["control"]], None if row[at["host"]] == whole else row[at["host"]], words[row[at["verdict"]]])
        for row in table[1:]
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_workbook_and_values_agree(language: Language) -> None:
    assessment = sample()
    book = openpyxl.load_workbook(io.BytesIO(spreadsheet.render(assessment, language)))
    sheets = {sheet.title: [[str(cell or "") for cell in row] for row in sheet.values] for sheet in book}
    findings = next(iter(sheets.values()))
    assert from_rows(findings, language) == verdicts(assessment)
    values = csv.reader(io.StringIO(spreadsheet.render_csv(assessment, language).decode("utf-8-sig")))
    assert from_rows(list(values), language) == verdicts(assessment)
    regulation = assessment.regulations[0]
    view = View(language, assessment)
    assert [(row[0], row[2]) for row in sheets[regulation.id][1:]] == [
        (clause.clause, "" if clause.verdict is Status.INFORMATION else view.chip(clause.verdict).word)
        for clause in regulation.clauses
    ]


def test_no_cell_is_a_formula() -> None:
    assessment = sample(HOSTILE)
    book = openpyxl.load_workbook(io.BytesIO(spreadsheet.render(assessment)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert all(cell.value is None for cell in cells if cell.data_type == "n")
    rows = list(csv.reader(io.StringIO(spreadsheet.render_csv(assessment).decode("utf-8-sig"))))
    assert not [cell for row in rows for cell in row if cell.startswith(spreadsheet.FORMULA_SIGNS)]


def test_sarif_agrees() -> None:
    assessment = sample()
    (run,) = json.loads(sarif.render(assessment))["runs"]
    whole = View("en", assessment).say("whole-fleet")
    found: Verdicts = Counter()
    for result in run["results"]:
        host = result["locations"][0]["logicalLocations"][0]["name"]
        status = Status(result["properties"]["status"])
        found[result["ruleId"], None if host == whole else host, status] += 1
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert (result["kind"] == "pass") == (status is Status.PASS)
        assert ("suppressions" in result) == (status is Status.WAIVED)
        assert (result["level"] == "none") == (result["kind"] != "fail")
    assert found == verdicts(assessment)


@pytest.mark.parametrize("words", [None, HOSTILE])
def test_metrics_agree_and_can_be_read(words: str | None) -> None:
    assessment = sample(words) if words else sample()
    found: dict[str, float] = {}
    for line in metrics.render(assessment).decode().splitlines():
        sample_line = re.fullmatch(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)*)\} (\S+)', line)
        assert line.startswith("# ") or sample_line, line
        if sample_line and sample_line[1] == "patuh_findings":
            found[sample_line[2].rpartition("status=")[2].strip('"')] = float(sample_line[3])
    assert found == {str(status): float(count) for status, count in assessment.score.tally.items()}
