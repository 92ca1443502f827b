"""The report as one HTML file: no other file, no network, no JavaScript, both languages with one switch."""

from __future__ import annotations

from pathlib import Path

import jinja2

from compliance.assessment import Assessment
from reports.presentation import LANGUAGES, Language, View

TEMPLATES = Path(__file__).resolve().parent / "templates"


def render(assessment: Assessment, language: Language = "id") -> str:
    """The document; ``language`` is the one shown first."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    views = [View(one, assessment) for one in LANGUAGES]
    return environment.get_template("report.html.j2").render(views=views, first=language)
