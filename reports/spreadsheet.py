"""The findings as a workbook and as a table of values, for those who work them off."""

from __future__ import annotations

import csv
import datetime
import io

from xlsxwriter import Workbook

from compliance.assessment import TROUBLE, WORST_FIRST, Assessment, Status
from reports.presentation import Language, View

COLUMNS = ("host", "control", "title", "verdict", "severity", "what", "mend", "in-charge", "due", "clauses")
WIDTHS = (14, 30, 44, 14, 10, 70, 46, 26, 12, 40)
COLOURS = {
    Status.PASS: "#D7EFDC",
    Status.FAIL: "#F8D3D3",
    Status.ERROR: "#FBE6C2",
    Status.OVERDUE: "#EBD6F2",
    Status.MISSING: "#D5E8F5",
    Status.WAIVED: "#E8E8E8",
}
PAPER_A4 = 9  # ECMA-376, ST_PaperSize
TEXT_MAX = 32_767  # what a cell can hold
# A spreadsheet takes a text that begins so for a formula (OWASP, "CSV Injection").
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")

Row = tuple[Status, list[str]]


def rows(assessment: Assessment, language: Language) -> list[Row]:
    """Every finding in a row of COLUMNS, what needs mending first."""
    view = View(language, assessment)
    controls = view.controls
    found = []
    for finding in assessment.findings:
        control, worded = controls[finding.control], view.finding(finding)
        seen = view.seen(worded)
        row = [
            worded.host,
            finding.control,
            control.title,
            worded.chip.word,
            control.severity,
            "\n".join(filter(None, [worded.reason, *seen])),
            control.mend if finding.status in (*TROUBLE, Status.MISSING) else "",
            control.in_charge,
            finding.due.on.isoformat() if finding.due else "",
            ", ".join(control.clauses),
        ]
        found.append((finding.status, row))
    # What must be known before the rows are believed comes before them.
    blank = [""] * (len(COLUMNS) - 6)
    cautions = [
        (Status.ERROR, [view.say("whole-fleet"), "", "", view.chip(Status.ERROR).word, "", told, *blank])
        for told in view.cautions
    ]
    return [*cautions, *sorted(found, key=lambda one: WORST_FIRST.index(one[0]))]


def render(assessment: Assessment, language: Language = "id") -> bytes:
    """The workbook: findings with filters, and the clauses of each regulation in its order."""
    view = View(language, assessment)
    content = io.BytesIO()
    # Whatever looks like a formula or an address stays the text that it is.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(content, options) as book:
        title, made = f"{view.say('title')}: {assessment.fleet}", assessment.created.astimezone(datetime.UTC)
        book.set_properties({"title": title, "author": "Patuh", "created": made})  # not now: it is part of the bytes
        text = book.add_format({"text_wrap": True, "valign": "top"})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        coloured = {
            status: book.add_format({"text_wrap": True, "valign": "top", "bg_color": colour})
            for status, colour in COLOURS.items()
        }

        def add_sheet(title: str, heads: list[str], widths: tuple[int, ...], filled: list[Row], verdict: int) -> None:
            # No longer name is allowed, nor one twice, whatever its case.
            taken = {one.name.lower() for one in book.worksheets()}
            name = title[:31] if title[:31].lower() not in taken else f"{title[:27]}~{len(taken)}"
            sheet = book.add_worksheet(name)
            for column, (head, width) in enumerate(zip(heads, widths, strict=True)):
                sheet.set_column(column, column, width)
                sheet.write_string(0, column, head, bold)
            for number, (status, row) in enumerate(filled, 1):
                for column, value in enumerate(row):
                    form = coloured.get(status, text) if column == verdict else text
                    sheet.write_string(number, column, value[:TEXT_MAX], form)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, len(filled), len(heads) - 1)
            sheet.set_landscape()
            sheet.set_paper(PAPER_A4)
            sheet.fit_to_pages(1, 0)
            sheet.repeat_rows(0)

        heads = [view.say(f"column-{name}") for name in COLUMNS]
        add_sheet(view.say("findings"), heads, WIDTHS, rows(assessment, language), COLUMNS.index("verdict"))
        names = [view.say(name) for name in ("clause", "summary", "verdict", "note")]
        for regulation, assessed in zip(view.regulations, assessment.regulations, strict=True):
            clauses = [
                (
                    verdict.verdict,
                    [
                        clause.number,
                        clause.summary,
                        clause.chip.word if clause.asks else "",
                        " ".join(filter(None, [clause.counts_with, clause.note])),
                    ],
                )
                for clause, verdict in zip(regulation.clauses, assessed.clauses, strict=True)
            ]
            add_sheet(regulation.id, names, (24, 90, 18, 60), clauses, 2)
    return content.getvalue()


def render_csv(assessment: Assessment, language: Language = "id") -> bytes:
    """The findings as UTF-8 values with commas; with a mark that spreadsheets need to know the encoding by."""
    view = View(language, assessment)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([view.say(f"column-{name}") for name in COLUMNS])
    for _, row in rows(assessment, language):
        writer.writerow([f"'{value}" if value.startswith(FORMULA_SIGNS) else value for value in row])
    return text.getvalue().encode("utf-8-sig")
