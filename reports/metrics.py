"""The assessment as metrics for Prometheus, such as by the node exporter's textfile collector."""

from __future__ import annotations

from collections import Counter

from compliance.assessment import Assessment, Status


def render(assessment: Assessment) -> bytes:
    """Text in Prometheus' exposition format 0.0.4."""
    fleet = {"fleet": assessment.fleet}
    found = Counter((finding.host, finding.status) for finding in assessment.findings)
    families: list[tuple[str, str, list[tuple[dict[str, str], float]]]] = [
        (
            "patuh_assessment_timestamp_seconds",
            "When the assessment was made.",
            [(fleet, assessment.created.timestamp())],
        ),
        (
            "patuh_assessment_complete",
            "Whether the assessment came to its end.",
            [(fleet, float(assessment.complete))],
        ),
        (
            "patuh_observations_left_out",
            "Observations that were too many to be shown.",
            [(fleet, sum(finding.left_out for finding in assessment.findings))],
        ),
        (
            "patuh_findings",
            "Findings by status.",
            [({**fleet, "status": str(status)}, count) for status, count in assessment.score.tally.items()],
        ),
        (
            "patuh_score_ratio",
            "Findings that hold among those that apply.",
            [(fleet, assessment.score.held / assessment.score.assessed if assessment.score.assessed else 0.0)],
        ),
        (
            "patuh_clauses",
            "Clauses by regulation and verdict.",
            [
                ({**fleet, "regulation": regulation.id, "status": str(status)}, count)
                for regulation in assessment.regulations
                for status, count in regulation.tally.items()
            ],
        ),
        (
            "patuh_clauses_by",
            "Clauses that ask for something, by who looked at them.",
            [
                ({**fleet, "looked": who}, getattr(assessment.coverage, who))
                for who in ("by_machine", "by_record", "nobody")
            ],
        ),
        (
            "patuh_host_answered",
            "Whether a host answered.",
            [({**fleet, "host": host.name}, float(host.answered)) for host in assessment.hosts],
        ),
        (
            "patuh_host_findings",
            "Findings of a host by status.",
            [
                ({**fleet, "host": host.name, "status": str(status)}, found[host.name, status])
                for host in assessment.hosts
                for status in (Status.PASS, Status.FAIL, Status.ERROR, Status.OVERDUE)
            ],
        ),
    ]
    lines = []
    for name, about, samples in families:
        lines += [f"# HELP {name} {about}", f"# TYPE {name} gauge"]
        for labels, value in samples:
            told = ",".join(f'{label}="{_escaped(word)}"' for label, word in labels.items())
            lines.append(f"{name}{{{told}}} {value:.17g}")
    return ("\n".join(lines) + "\n").encode()


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
