"""The report as one HTML file: no other file, no network, both languages with one switch.

It reads without JavaScript. With it, clauses and controls can be searched and filtered, and tables sorted; the one
script is named by its hash in the page's own policy, so that no words of a server can run beside it.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2

from compliance.assessment import Assessment
from reports.presentation import LANGUAGES, Language, View

TEMPLATES = Path(__file__).resolve().parent / "templates"


def render(assessment: Assessment, language: Language = "id") -> str:
    """The document; ``language`` is the one shown first."""
    views = [View(one, assessment) for one in LANGUAGES]
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        environment()
        .get_template("report.html.j2")
        .render(views=views, first=language, script=script, script_hash=f"sha256-{digest}")
    )


def environment() -> jinja2.Environment:
    """Where the templates of pages are, and how they are filled: what they do not know is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
