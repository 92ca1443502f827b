"""The report as JUnit XML, for continuous integration: a test case per control and host."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from compliance.assessment import Assessment, Status
from reports.presentation import Language, View

KINDS = {
    Status.FAIL: "failure",
    Status.OVERDUE: "failure",
    Status.ERROR: "error",
    Status.NOT_APPLICABLE: "skipped",
    Status.MISSING: "skipped",
    Status.WAIVED: "skipped",
}


def render(assessment: Assessment, language: Language = "en") -> bytes:
    """The document."""
    view = View(language, assessment)
    suites = ElementTree.Element("testsuites", name=view.say("title"))
    titles = {control.id: view.text(control.title) for control in assessment.controls}
    for host in [None, *(host.name for host in assessment.hosts)]:
        findings = [finding for finding in assessment.findings if finding.host == host]
        statuses = [finding.status for finding in findings]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=host or view.say("whole-fleet"),
            tests=str(len(findings)),
            failures=str(statuses.count(Status.FAIL) + statuses.count(Status.OVERDUE)),
            errors=str(statuses.count(Status.ERROR)),
            skipped=str(sum(KINDS.get(status) == "skipped" for status in statuses)),
            timestamp=assessment.created.replace(tzinfo=None).isoformat(timespec="seconds"),
        )
        for finding in findings:
            worded = view.finding(finding)
            case = ElementTree.SubElement(suite, "testcase", classname=finding.control, name=titles[finding.control])
            seen = "\n".join(
                f"{subject}: {view.say('expected')} {expected}, {view.say('observed')} {observed}"
                for subject, expected, observed, holds in worded.observations
                if not holds or finding.status is Status.PASS
            )
            kind = KINDS.get(finding.status)
            if kind:
                message = worded.reason or seen.partition("\n")[0]
                ElementTree.SubElement(case, kind, message=message).text = seen
            elif seen:
                ElementTree.SubElement(case, "system-out").text = seen
        if host is None and view.cautions:
            ElementTree.SubElement(suite, "system-err").text = "\n".join(view.cautions)
    ElementTree.indent(suites)
    return bytes(ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True))
