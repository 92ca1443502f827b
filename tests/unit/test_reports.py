"""The documents say what the assessment says, in both languages, whatever a server wrote into it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from rich.console import Console

from commands.common import write_reports
from compliance.assessment import TROUBLE, Assessment, Status, read
from compliance.fleet import Signatory
from reports import html, junit, metrics, ohdf, oscal, pdf, sarif, spreadsheet, terminal
from reports.presentation import LANGUAGES, SIGNS, Language, View
from tests.unit.samples import HOSTILE, sample, sample_with_history


class HTMLParserWords(HTMLParser):
    """The words of a piece of HTML."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.words = ""
        self.feed(document)

    def handle_data(self, data: str) -> None:
        self.words += data


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


def test_html_is_one_file_without_network_and_with_one_script_that_its_policy_names() -> None:
    document = html.render(sample())
    (script,) = re.findall(r"<script>(.*?)</script>", document, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in document
    assert not re.findall(r'(?:src|href)="(?!#|data:)', document)
    assert "default-src 'none'" in document


def test_hostile_words_stay_words() -> None:
    assessment = sample(HOSTILE)
    document = html.render(assessment)
    assert document.count("<script") == 1
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
    assert " ".join(view.score.split()) in flat
    assert " ".join(view.verdict[0].split()) in flat
    statuses = {sign: status for status, sign in SIGNS.items()}
    at = -1
    for clause in assessment.regulations[0].clauses:
        found = re.search(rf"^\s*{re.escape(clause.clause)}\s+.*$", text[at + 1 :], re.MULTILINE)
        assert found, clause.clause
        at += 1 + found.start()
        verdict = re.search(r" ([✓✗!»○~–]) [a-z ]+$", found[0])
        assert (statuses[verdict[1]] if verdict else Status.INFORMATION) is clause.verdict, clause.clause
    evidence = text[text.rindex(view.say("evidence-intro")[:40]) : text.rindex(view.tool.split(",")[0])]
    signs = Counter(re.findall(r"^[ \f]*[\w ]+: ([✓✗!»○~–]) ", evidence, re.MULTILINE))
    assert signs == Counter(SIGNS[finding.status] for finding in assessment.findings)
    info = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Tagged:\s+yes", info)
    assert re.search(r"Page size:\s+595\.\d+ x 841\.\d+ pts \(A4\)", info)


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_and_pdf_hold_the_same_of_servers_time_method_and_signature(tmp_path: Path, language: Language) -> None:
    assessment = sample_with_history()
    view = View(language, assessment)
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf.render(assessment, language))
    printed = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout
    shown = HTMLParserWords(visible(html.render(assessment), language)).words
    wanted = [
        *assessment.letterhead,
        view.open_for,
        view.proofs,
        view.tool,
        assessment.digest,
        *view.signature,
        *(told for host in view.hosts for pair in host.declared for told in pair),
        *(cell for host in view.hosts for row in host.log for cell in row),
        *(chart.told for host in view.hosts for chart in host.charts),
        *(chart.told for chart in view.room),
        *(cell for row in view.waivers for cell in row),
        *(cell for row in view.open_longest for cell in row[1:]),
        *(trend.name for _, trends in view.trends for trend in trends),
        *(change.title for change in view.changes),
    ]
    for text in (printed, shown):
        flat = "".join(text.split()).lower()
        assert [one for one in wanted if "".join(one.split()).lower() not in flat] == []


def test_the_digest_is_of_the_file_that_is_written(tmp_path: Path) -> None:
    assessment = sample()
    write_reports(assessment, tmp_path, "id")
    written = hashlib.sha256((tmp_path / "assessment.json").read_bytes()).hexdigest()
    assert assessment.digest == written
    assert written in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert read(tmp_path / "assessment.json").digest == written


def test_without_a_name_the_officer_signs_by_hand() -> None:
    officer = Signatory(place="Jambi", position="Kepala Dinas")
    lines = View("id", sample().model_copy(update={"signatory": officer})).signature
    assert lines[:3] == ["Jambi, 21 November 2026", "Kepala Dinas", ""]
    assert set(lines[3]) == {"."}
    assert len(lines) == 4


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_terminal_says_the_same_at_any_width(width: int) -> None:
    assessment = sample()
    screen = io.StringIO()
    terminal.show(assessment, Console(file=screen, width=width), "en", every_finding=True)
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    flat = " ".join(screen.getvalue().split())
    assert View("en", assessment).score in flat
    for status, count in assessment.regulations[0].tally.items():
        chip = View("en", assessment).chip(status)
        assert not count or f"{chip.sign} {count} {chip.word}" in flat
    troubled = {finding.control for finding in assessment.findings if finding.status in TROUBLE}
    if width == 200:
        assert {found[1] for line in lines if (found := re.match(r"  ([a-z0-9-]+\.[a-z0-9-]+)\b", line))} == troubled


def test_dates_and_numbers_are_in_the_readers_form() -> None:
    assessment = sample()
    assert View("id", assessment).created == "21 November 2026 09.30 WIB"
    assert re.match(r"21 November 2026 09:30 ", View("en", assessment).created)
    assert re.fullmatch(r"\d+,\d\N{NO-BREAK SPACE}%", View("id", assessment).score)
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


def test_figures_go_by_their_titles_and_say_who_set_them() -> None:
    assessment = sample()
    name, figure = next((n, f) for n, f in assessment.parameters.items() if f.source.startswith("jambi-31-2017 "))
    ours, theirs = figure.source.partition(" ")[::2]
    assert figure.title
    citation = next(one.citation for one in assessment.regulations if one.id == ours)
    rows = View("id", assessment).figures
    assert (figure.title.id, f"{citation} {theirs}") in [(title, source) for title, _, source in rows]
    # As in an assessment of before there were titles, of a regulation that it does not hold.
    assessment.parameters[name] = figure.model_copy(update={"title": None, "source": "lain 1.2"})
    assert (name, "lain 1.2") in [(title, source) for title, _, source in View("id", assessment).figures]


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


def test_oscal_agrees() -> None:
    assessment = sample()
    documents = {name: json.loads(content) for name, content in oscal.render(assessment).items()}
    (result,) = documents["assessment-results.json"]["assessment-results"]["results"]

    def props(of: dict[str, Any], name: str) -> str:
        return str(next(one["value"] for one in of["props"] if one["name"] == name))

    verdicts_of_clauses = {one["target"]["target-id"]: props(one, "verdict") for one in result["findings"]}
    regulation = assessment.regulations[0]
    asking = [one for one in regulation.clauses if one.verdict is not Status.INFORMATION]
    own = {one.clause: oscal.clause_id(regulation.id, one.clause) for one in regulation.clauses}
    assert verdicts_of_clauses == {f"{own[one.clause]}_statement": one.verdict.value for one in asking}
    found: Verdicts = Counter()
    for one in result["observations"]:
        host = one["subjects"][0]["title"] if "subjects" in one else None
        found[props(one, "control"), host, Status(props(one, "status"))] += 1
    assert found == verdicts(assessment)
    known = {one["uuid"] for one in result["observations"]}
    plan = documents["plan-of-action-and-milestones.json"]["plan-of-action-and-milestones"]
    open_ones = [one for one in assessment.findings if one.status in (*TROUBLE, Status.MISSING, Status.WAIVED)]
    assert len(plan["poam-items"]) == len(open_ones)
    for one in (*result["findings"], *plan["poam-items"]):
        assert {related["observation-uuid"] for related in one.get("related-observations", [])} <= known

    def ids(controls: list[dict[str, Any]]) -> list[str]:
        return [found for one in controls for found in (one["id"], *ids(one.get("controls", [])))]

    assert set(ids(documents[f"catalog-{regulation.id}.json"]["catalog"]["controls"])) == set(own.values())
    uuids = re.findall(r'"uuid": "([^"]+)"', oscal.render(assessment)["assessment-results.json"].decode())
    assert len(uuids) == len(set(uuids))
    assert oscal.render(assessment) == oscal.render(assessment)


def test_ohdf_agrees() -> None:
    assessment = sample()
    (profile,) = json.loads(ohdf.render(assessment))["profiles"]
    found: Verdicts = Counter()
    for control in profile["controls"]:
        told = control["tags"]["verdicts"]
        found.update((control["id"], host or None, Status(status)) for host, status in told.items())
        assert [one["status"] for one in control["results"]] == [ohdf.STATUSES[Status(one)] for one in told.values()]
        assert all(("message" in one) == (one["status"] in ("failed", "error")) for one in control["results"])
    assert found == verdicts(assessment)


def test_a_plan_of_action_ends_with_the_last_open_finding(tmp_path: Path) -> None:
    assessment = sample()
    plan = tmp_path / "oscal" / "plan-of-action-and-milestones.json"
    write_reports(assessment, tmp_path, "id")
    assert plan.exists()
    held = [finding for finding in assessment.findings if finding.status is Status.PASS]
    write_reports(assessment.model_copy(update={"findings": held}), tmp_path, "id")
    assert not plan.exists()
    assert (tmp_path / "oscal" / "assessment-results.json").exists()


def test_regulations_with_long_names_have_a_sheet_each() -> None:
    assessment = sample()
    long = [assessment.regulations[0].model_copy(update={"id": f"{'kota-contoh-' * 3}{number}"}) for number in range(3)]
    book = spreadsheet.render(assessment.model_copy(update={"regulations": long}))
    assert len(openpyxl.load_workbook(io.BytesIO(book)).sheetnames) == 4
