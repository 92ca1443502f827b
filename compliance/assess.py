"""Running the plan: every control that the regulations ask for, on every host, reconciled into an assessment."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import re
import time
import tomllib
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

import testinfra.host

from compliance import host_keys, portrait
from compliance.assessment import (
    TROUBLE,
    AssessedClause,
    AssessedControl,
    AssessedHost,
    AssessedRegulation,
    AssessedWaiver,
    Assessment,
    Coverage,
    Finding,
    Reason,
    Score,
    Series,
    Status,
    Waived,
    tally,
    worst,
)
from compliance.breaking import last_proved
from compliance.catalogue import Assessed, Catalogue, Control, Severity
from compliance.checking import CannotTell, Check, Context, Saw, all_checks, judge, within_budget
from compliance.connection import HOST_SECONDS_MAX, CannotRun, Shell, Unreachable, local_host, remote_host
from compliance.evidence import consistency, judging, store
from compliance.evidence.judging import Evidence
from compliance.evidence.kinds import Waiver
from compliance.fleet import Fleet, LoadedFleet, Signatory
from compliance.fleet_rules import SeenHosts, all_rules
from compliance.parameters import ResolvedParameter, resolve
from compliance.portrait import Portrait
from compliance.probes import facts
from compliance.probes.facts import Seen

HOSTS_AT_ONCE = 20
# What one server may put into the reports, so that a flood of one spoils nobody's: an honest one has 330 observations
# of 12,000 characters in all. Laying out a page costs more than filling it, so both are counted.
HOST_OBSERVATIONS_MAX = 2_000
HOST_CHARACTERS_MAX = 100_000
FIRST_TO_DO = 5
SILENCE_MAX = 300
WAIVABLE = frozenset({Status.FAIL, Status.OVERDUE, Status.MISSING})
_URGENCY = {Severity.HIGH: 0, Severity.MEDIUM: 1, Severity.LOW: 2}
Progress = Callable[[str, int, int], None]


def _nobody_watches(host: str, done: int, of: int) -> None:
    pass


def version() -> str:
    """The suite's version, from its one place."""
    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def assess_fleet(
    loaded: LoadedFleet,
    catalogue: Catalogue,
    only: list[str] | None = None,
    progress: Progress = _nobody_watches,
    connect: Callable[[dict[str, Any], str], testinfra.host.Host] = remote_host,
    began: datetime.datetime | None = None,
) -> Assessment:
    """Assess all hosts of a fleet side by side, or those in ``only``; and the fleet by what it declares.

    Interrupted (SIGINT), it gives at once what is known by then, marked as incomplete.

    :param connect: gives a Testinfra host for Ansible's connection variables and a name.
    :param began: the time by which the records are judged, in UTC: now, unless a trial moved the servers' clocks.
    """
    began, start = began or datetime.datetime.now(datetime.UTC), time.monotonic()
    fleet = loaded.fleet
    names = [name for name in fleet.hosts if only is None or name in only]
    wanted = catalogue.controls_for(fleet.regulations)
    evidence = gather(loaded, catalogue, wanted, began)

    seen: SeenHosts = {}

    proved = last_proved()  # now, so that nothing slow is left to do when it is interrupted
    stop = Interruption()
    contexts = {name: Context.of(loaded, name, evidence.records) for name in names}

    def one(name: str) -> tuple[AssessedHost, list[Finding], list[Series]]:
        return _assess_host(
            lambda: connect(loaded.connections[name], name), contexts[name], wanted, progress, seen, stop
        )

    with concurrent.futures.ThreadPoolExecutor(max_workers=HOSTS_AT_ONCE) as pool:
        running = [pool.submit(one, name) for name in names]
        try:
            concurrent.futures.wait(running)
        except KeyboardInterrupt:
            stop()
        results = [each.result() for each in running]
    findings = [finding for _, found, _ in results for finding in found]
    findings += _fleet_findings(loaded, wanted, seen)
    findings += evidence_findings(wanted, evidence)
    waivers = evidence.of(Waiver)
    findings = [_waived(finding, waivers, evidence.today) for finding in findings]
    return _assemble(
        catalogue,
        fleet.regulations,
        wanted,
        [host for host, _, _ in results],
        findings,
        loaded.parameters,
        fleet=fleet.fleet_name,
        timezone=fleet.timezone,
        began=began,
        seconds=time.monotonic() - start,
        local=False,
        complete=not stop.happened,
        proved=proved,
        waivers=[
            AssessedWaiver(
                control=waiver.control,
                hosts=list(waiver.hosts),
                reason=waiver.reason,
                approver=waiver.approver,
                first=waiver.first,
                last=waiver.last,
            )
            for waiver in waivers
        ],
        in_charge=fleet.in_charge,
        series=[
            *portrait.of_room(evidence, loaded.parameters),
            *(series for _, _, those in results for series in those),
        ],
        letterhead=fleet.letterhead,
        signatory=fleet.signatory,
    )


def assess_local(catalogue: Catalogue, regulations: list[str], progress: Progress = _nobody_watches) -> Assessment:
    """Assess the computer this runs on, only looking; what needs a declared fleet says so."""
    began, start = datetime.datetime.now(datetime.UTC), time.monotonic()
    parameters = resolve(catalogue, regulations, {})
    wanted = catalogue.controls_for(regulations)
    context = Context(name="localhost", parameters=parameters)
    stop = Interruption()
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(_assess_host, local_host, context, wanted, progress, {}, stop)
        try:
            concurrent.futures.wait([running])
        except KeyboardInterrupt:
            stop()
        assessed, findings, series = running.result()
    findings += [
        Finding(control=control.id, host=None, status=Status.ERROR, reason=Reason(message="undeclared-fleet"))
        for control in wanted
        if control.assessed is Assessed.FLEET
    ]
    findings += [
        Finding(control=control.id, host=None, status=Status.MISSING, reason=Reason(message="undeclared-fleet"))
        for control in wanted
        if control.assessed is Assessed.EVIDENCE
    ]
    return _assemble(
        catalogue,
        regulations,
        wanted,
        [assessed],
        findings,
        parameters,
        fleet="localhost",
        timezone="Asia/Jakarta",
        began=began,
        seconds=time.monotonic() - start,
        local=True,
        complete=not stop.happened,
        series=series,
    )


class Interruption:
    """Ends the shells of all hosts, also of those that are yet to be reached."""

    def __init__(self) -> None:
        self.happened = False
        self.shells: list[Shell] = []

    def watch(self, shell: Shell) -> None:
        """Know of a shell to be ended."""
        self.shells.append(shell)
        if self.happened:
            shell.interrupt()

    def __call__(self) -> None:
        """Interrupt them all."""
        self.happened = True
        for shell in list(self.shells):
            shell.interrupt()


def _assess_host(
    reach: Callable[[], testinfra.host.Host],
    context: Context,
    wanted: list[Control],
    progress: Progress,
    seen: SeenHosts,
    stop: Interruption,
) -> tuple[AssessedHost, list[Finding], list[Series]]:
    """One host's assessment; whatever goes wrong makes this host silent, and costs no other anything."""
    checks = all_checks()
    planned = [control for control in wanted if control.assessed is Assessed.HOST]
    findings: list[Finding] = []
    silence: str | None = None
    why = "host-silent"
    system: str | None = None
    shown = Portrait()
    host: testinfra.host.Host | None = None
    try:
        host = reach()
        host.backend.shell.begin(HOST_SECONDS_MAX)
        stop.watch(host.backend.shell)
        said = host.run("cat /etc/os-release")
        name = re.search(r'^PRETTY_NAME="?([^"\n]*)"?$', str(said.stdout), re.MULTILINE)
        system = name.group(1)[:80] if name else None
        for number, control in enumerate(planned, 1):
            check: Check | None = checks.get(control.id)
            if check is None:
                reason = Reason(message="no-check")
                findings.append(Finding(control=control.id, host=context.name, status=Status.ERROR, reason=reason))
            else:
                findings.append(judge(control.id, check, host, context))
            progress(context.name, number, len(planned))
        if context.fleet is not None:
            seen[context.name] = _look(host, context.name, context.fleet)
        shown = portrait.of_host(host, context)
    except Exception as error:
        silence = _silence(error)
        if host_keys.refused(str(error)):
            why = "host-key-refused"
        seen[context.name] = CannotTell(f"{context.name}: {silence}")
    finally:
        with contextlib.suppress(Exception):
            if host is not None:
                host.backend.shell.close()
    interrupted = silence is not None and stop.happened
    # Whatever the plan expected and nobody answered is an error, not a gap.
    answered = {finding.control for finding in findings}
    findings += [
        Finding(
            control=control.id,
            host=context.name,
            status=Status.ERROR,
            reason=Reason(message="interrupted")
            if interrupted
            else Reason(message=why, values={"detail": silence or "", "host": context.name}),
        )
        for control in planned
        if control.id not in answered
    ]
    declared = context.host
    return (
        AssessedHost(
            name=context.name,
            role=declared.role.value if declared else None,
            zone=declared.zone.value if declared else None,
            machine=declared.machine if declared else None,
            owner=declared.owner if declared else None,
            answered=silence is None or (interrupted and bool(answered)),
            silence=None if interrupted else silence,
            system=system,
            facts=shown.facts,
            log=shown.log,
        ),
        within_budget(findings, HOST_OBSERVATIONS_MAX, HOST_CHARACTERS_MAX),
        shown.series,
    )


def _silence(error: Exception) -> str:
    """What ends an assessment in one line: ssh's last words, for a warning may stand before them, or of a host key."""
    words = str(error)
    lines = [line.strip() for line in words.splitlines() if line.strip()] or ["no answer"]
    if not isinstance(error, (Unreachable, CannotRun)):
        return f"{type(error).__name__}: {lines[-1]}"[:SILENCE_MAX]
    offered = re.search(r"SHA256:[A-Za-z0-9+/]{43}", words)
    if "IDENTIFICATION HAS CHANGED" in words and offered:
        return f"Host key verification failed: the server offers another key, {offered[0]}"
    told = [line for line in lines if "host key is known for" in line]
    return (told or lines)[-1][:SILENCE_MAX]


def _look(host: testinfra.host.Host, name: str, fleet: Fleet) -> Seen | CannotTell:
    try:
        return facts.look(host, name, fleet)
    except (CannotTell, CannotRun) as error:
        return CannotTell(str(error))


def _fleet_findings(loaded: LoadedFleet, wanted: list[Control], seen: SeenHosts) -> list[Finding]:
    rules = all_rules()
    found = []
    for control in wanted:
        if control.assessed is not Assessed.FLEET:
            continue
        rule = rules.get(control.id)
        if rule is None:
            found.append(Finding(control=control.id, host=None, status=Status.ERROR, reason=Reason(message="no-check")))
            continue

        def as_check(_host: testinfra.host.Host, _context: Context, saw: Saw, rule=rule) -> None:  # type: ignore[no-untyped-def]
            rule(loaded.fleet, loaded.parameters, seen, saw)

        finding = judge(control.id, as_check, None, Context(name="", parameters=loaded.parameters))
        found.append(finding.model_copy(update={"host": None}))
    return within_budget(found, HOST_OBSERVATIONS_MAX, HOST_CHARACTERS_MAX)


def gather(loaded: LoadedFleet, catalogue: Catalogue, wanted: list[Control], at: datetime.datetime) -> Evidence:
    """The records beside an inventory, with what they are judged by, at a moment."""
    now = at.astimezone(zoneinfo.ZoneInfo(loaded.fleet.timezone)).replace(tzinfo=None)
    records = consistency.check(store.load(store.folder_of(loaded.source)), loaded.fleet, catalogue, now)
    controls = tuple(control.id for control in wanted if control.assessed is Assessed.EVIDENCE)
    return Evidence(records, loaded.fleet, loaded.parameters, now, controls)


def evidence_findings(wanted: list[Control], evidence: Evidence) -> list[Finding]:
    """What the records say of every control that they decide."""
    return [judging.assess(control.id, evidence) for control in wanted if control.assessed is Assessed.EVIDENCE]


def _waived(finding: Finding, waivers: list[Waiver], today: datetime.date) -> Finding:
    """The finding, shown as accepted where a waiver in force covers it; what could not be told cannot be accepted."""
    if finding.status not in WAIVABLE:
        return finding
    for waiver in waivers:
        covers = waiver.control == finding.control and (not waiver.hosts or finding.host in waiver.hosts)
        if covers and waiver.first <= today <= waiver.last:
            accepted = Waived(reason=waiver.reason, approver=waiver.approver, until=waiver.last, status=finding.status)
            return finding.model_copy(update={"status": Status.WAIVED, "waived": accepted})
    return finding


def _assemble(
    catalogue: Catalogue,
    regulations: list[str],
    wanted: list[Control],
    hosts: list[AssessedHost],
    findings: list[Finding],
    parameters: dict[str, ResolvedParameter],
    *,
    fleet: str,
    timezone: str,
    began: datetime.datetime,
    seconds: float,
    local: bool,
    complete: bool = True,
    proved: dict[str, datetime.date] | None = None,
    waivers: list[AssessedWaiver] | None = None,
    in_charge: dict[str, str] | None = None,
    series: list[Series] | None = None,
    letterhead: list[str] | None = None,
    signatory: Signatory | None = None,
) -> Assessment:
    by_control: dict[str, list[Status]] = {}
    for finding in findings:
        by_control.setdefault(finding.control, []).append(finding.status)
    kinds = {control.id: control.assessed for control in wanted}
    known = last_proved() if proved is None else proved
    served: dict[str, list[str]] = {}
    assessed, machine, record, nobody = [], 0, 0, 0
    for identifier in regulations:
        regulation = catalogue.regulations[identifier]
        clauses = []
        for clause in regulation.clauses:
            controls = [control.id for control in catalogue.controls_of(clause)]
            for one in dict.fromkeys(controls):
                served.setdefault(one, []).append(f"{regulation.id} {clause.clause}")
            if clause.kind.asks:
                verdict = worst([status for control in controls for status in by_control.get(control, [])])
                looked = {
                    kinds[control]
                    for control in controls
                    if any(status is not Status.MISSING for status in by_control.get(control, []))
                }
                if clause.counts_with is not None:
                    pass
                elif looked & {Assessed.HOST, Assessed.FLEET}:
                    machine += 1
                elif looked:
                    record += 1
                else:
                    nobody += 1
            else:
                verdict, controls = Status.INFORMATION, []
            clauses.append(
                AssessedClause(
                    clause=clause.clause,
                    parent=clause.parent,
                    counts_with=clause.counts_with,
                    kind=clause.kind,
                    summary=clause.summary,
                    note=clause.note,
                    controls=controls,
                    verdict=verdict,
                )
            )
        assessed.append(
            AssessedRegulation(
                id=regulation.id,
                title=regulation.title,
                citation=regulation.citation,
                clauses=clauses,
                tally=tally([clause.verdict for clause in clauses if clause.counts_with is None]),
            )
        )
    looked_at = [finding.status for finding in findings if finding.status is not Status.MISSING]
    held = looked_at.count(Status.PASS)
    scored = [status for status in looked_at if status not in (Status.NOT_APPLICABLE, Status.WAIVED)]
    urgent = [control for control in wanted if TROUBLE & set(by_control.get(control.id, []))]
    urgent.sort(
        key=lambda control: (
            Status.FAIL not in by_control[control.id],
            _URGENCY[control.severity],
            -sum(status is Status.FAIL for status in by_control[control.id]),
        )
    )
    return Assessment(
        created=began,
        duration_seconds=round(seconds, 2),
        version=version(),
        fleet=fleet,
        timezone=timezone,
        local=local,
        complete=complete,
        parameters=parameters,
        hosts=hosts,
        controls=[
            AssessedControl(
                id=control.id,
                title=control.title,
                rationale=control.rationale,
                severity=control.severity,
                assessed=control.assessed.value,
                role=control.role,
                clauses=served.get(control.id, []),
                proved=known.get(control.id),
            )
            for control in wanted
        ],
        findings=findings,
        regulations=assessed,
        score=Score(held=held, assessed=len(scored), tally=tally([finding.status for finding in findings])),
        coverage=Coverage(by_machine=machine, by_record=record, nobody=nobody),
        first_to_do=[control.id for control in urgent[:FIRST_TO_DO]],
        waivers=waivers or [],
        in_charge=in_charge or {},
        series=series or [],
        letterhead=letterhead or [],
        signatory=signatory,
    )
