"""Backups and restores as people keep them (Jambi H.2.g, H.2.h; Tegal 7; Jateng backup, restore)."""

from __future__ import annotations

import datetime
import itertools

from compliance.checking import Saw
from compliance.evidence.judging import YEAR, Evidence, decides, fresh, in_order, noted, place
from compliance.evidence.kinds import (
    BackupMedium,
    BackupRecap,
    Colocation,
    Condition,
    MediaReview,
    Purge,
    RecoveryPlan,
    RecoverySite,
    Restore,
)


@decides("backup.portable-offsite", BackupMedium)
def copies_are_kept_elsewhere(evidence: Evidence, saw: Saw) -> None:
    """Of every server, a medium was brought out of the room in time."""
    media = evidence.of(BackupMedium)
    for host in evidence.fleet.hosts:
        days = [one.on for one in media if host in one.servers and one.outside_the_room]
        fresh(evidence, saw, host, days, "offsite_days_max")


@decides("backup.media-review", MediaReview)
def media_are_reviewed(evidence: Evidence, saw: Saw) -> None:
    """Media are checked in time, and each one's last check was good."""
    reviews = evidence.of(MediaReview)
    fresh(evidence, saw, MediaReview.kind.file, [one.on for one in reviews], "media_review_days_max")
    for review in {one.medium: one for one in reviews}.values():
        noted(saw, review, "condition", expected="baik", holds=review.condition is Condition.GOOD)


@decides("backup.semester-recap", BackupRecap)
def backups_are_summed_up(evidence: Evidence, saw: Saw) -> None:
    """Summaries follow each other within half a year, and leave no days out."""
    recaps = evidence.of(BackupRecap)
    fresh(evidence, saw, BackupRecap.kind.file, [one.on for one in recaps], "backup_recap_days_max")
    for earlier, later in itertools.pairwise(recaps):
        if later.on > evidence.today - YEAR:
            expected = earlier.last + datetime.timedelta(days=1)
            noted(saw, later, "first", expected=f"<= {expected}", holds=later.first <= expected)


@decides("backup.purge-report", Purge)
def purges_are_reported(evidence: Evidence, saw: Saw) -> None:
    """Every backup that was deleted is listed with its owner and why."""
    for purge in evidence.cases(evidence.year(Purge)):
        noted(saw, purge, "remarks")


# --- Restores -------------------------------------------------------------------------------------------------------


def _ended(evidence: Evidence) -> list[Restore]:
    return [one for one in evidence.year(Restore) if one.ended is not None]


@decides("restore.tested", Restore)
def restores_are_tested(evidence: Evidence, saw: Saw) -> None:
    """Restores that succeeded and were verified follow each other within the interval in force."""
    good = [one.day for one in evidence.of(Restore) if one.succeeded and one.verified]
    fresh(evidence, saw, Restore.kind.file, good, "restore_test_days_max")
    for restore in _ended(evidence):
        noted(saw, restore, "succeeded", expected="ya | tidak", holds=restore.succeeded is not None)
        if restore.succeeded:
            noted(saw, restore, "verified")


@decides("restore.fallback-plan", RecoveryPlan, Restore)
def failed_restores_follow_a_plan(evidence: Evidence, saw: Saw) -> None:
    """There is a plan, and after every restore that failed its steps were taken."""
    plans = evidence.of(RecoveryPlan)
    saw(RecoveryPlan.kind.file, expected=">= 1", observed=len(plans), holds=bool(plans))
    covered = {service for plan in plans for service in plan.services}
    for service in evidence.fleet.critical_services:
        named = service.name in covered
        saw(service.name, expected=RecoveryPlan.kind.file, observed=service.name if named else "—", holds=named)
    for restore in _ended(evidence):
        if restore.succeeded is False:
            noted(saw, restore, "fallback")


@decides("restore.request-approved", Restore)
def restores_are_approved(evidence: Evidence, saw: Saw) -> None:
    """Every restore in earnest was requested and approved before it began."""
    for restore in evidence.cases([one for one in evidence.year(Restore) if not one.drill]):
        noted(saw, restore, "request")
        noted(saw, restore, "approved_by")
        approved = restore.approved is not None and restore.approved <= restore.day
        noted(saw, restore, "approved", expected=f"<= {restore.day}", holds=approved)


@decides("restore.media-ready", Restore)
def media_were_readable(evidence: Evidence, saw: Saw) -> None:
    """The medium of every restore was seen to be readable first."""
    for restore in evidence.cases(evidence.year(Restore)):
        noted(saw, restore, "medium_read")


@decides("restore.report", Restore)
def restores_are_reported(evidence: Evidence, saw: Saw) -> None:
    """Every restore was reported, with its size and source."""
    for restore in evidence.cases(_ended(evidence)):
        noted(saw, restore, "size")
        noted(saw, restore, "source")
        in_order(saw, restore, "ended", "reported")


@decides("availability.drc-visited", RecoverySite)
def the_recovery_site_was_seen(evidence: Evidence, saw: Saw) -> None:
    """The recovery site was visited in time, and holds a copy of every critical service."""
    sites = [one for one in evidence.of(RecoverySite) if one.site == evidence.fleet.recovery_site]
    fresh(evidence, saw, str(evidence.fleet.recovery_site), [one.visited for one in sites], "recovery_site_days_max")
    if sites:
        noted(saw, sites[-1], "copies_seen")
        for service in evidence.fleet.critical_services:
            there = service.name in sites[-1].services
            saw(f"{place(sites[-1])}: {service.name}", expected="✓", observed="✓" if there else "—", holds=there)


# --- Backups for agencies (Jateng) ----------------------------------------------------------------------------------


def _agreed(evidence: Evidence) -> list[Colocation]:
    return evidence.cases([one for one in evidence.of(Colocation) if one.backup is not None])


@decides("backup.request", Colocation)
def backups_are_requested(evidence: Evidence, saw: Saw) -> None:
    """Every agency's backup goes back to a request."""
    for one in _agreed(evidence):
        assert one.backup
        saw(
            place(one),
            expected="permohonan",
            observed=one.backup.requested,
            holds=one.backup.requested <= evidence.today,
        )


@decides("backup.plan", Colocation)
def backups_are_planned(evidence: Evidence, saw: Saw) -> None:
    """Every request led to a plan with a schedule, before the first run; whether it goes on was decided."""
    for one in _agreed(evidence):
        plan = one.backup
        assert plan
        planned = plan.planned is not None and plan.requested <= plan.planned
        saw(f"{place(one)}: direncanakan", expected=f">= {plan.requested}", observed=plan.planned or "—", holds=planned)
        saw(
            f"{place(one)}: jadwal",
            expected="noted",
            observed=plan.schedule or "—",
            holds=bool(plan.schedule and plan.days),
        )
        if plan.runs:
            first = min(plan.runs)
            before = plan.planned is not None and plan.planned <= first
            saw(f"{place(one)}: pelaksanaan", expected=f">= {plan.planned}", observed=first, holds=before)
            decided = "—" if plan.goes_on is None else "ya" if plan.goes_on else "tidak"
            saw(f"{place(one)}: dilanjutkan", expected="ya | tidak", observed=decided, holds=plan.goes_on is not None)


@decides("backup.executed-to-plan", Colocation)
def backups_run_to_plan(evidence: Evidence, saw: Saw) -> None:
    """Between the plan and the end, runs follow each other as scheduled."""
    for one in _agreed(evidence):
        plan = one.backup
        assert plan
        if plan.planned is None or plan.days is None:
            saw(f"{place(one)}: jadwal", expected="noted", observed="—", holds=False)
            continue
        limit = int(plan.days)
        end = plan.stopped or evidence.today
        points = [plan.planned, *sorted(min(run, end) for run in plan.runs), end]
        gaps = [(later - earlier).days for earlier, later in itertools.pairwise(points)]
        saw(f"{place(one)}: pelaksanaan", expected=f"<= {limit} d", observed=f"{max(gaps)} d", holds=max(gaps) <= limit)


@decides("backup.termination", Colocation)
def backups_end_in_good_order(evidence: Evidence, saw: Saw) -> None:
    """Where an agency asked to stop, backups stopped afterwards, none ran later, and it was told."""
    ending = [
        one for one in evidence.of(Colocation) if one.backup and (one.backup.stop_requested or one.backup.stopped)
    ]
    for one in evidence.cases(ending):
        plan = one.backup
        assert plan
        asked, stopped, told = plan.stop_requested, plan.stopped, plan.stop_notice
        subject = place(one)
        in_turn = asked is not None and stopped is not None and asked <= stopped
        saw(f"{subject}: dihentikan", expected=f">= {asked}", observed=stopped or "—", holds=in_turn)
        notified = told is not None and stopped is not None and told >= stopped
        saw(f"{subject}: surat_penghentian", expected=f">= {stopped}", observed=told or "—", holds=notified)
        later = [run for run in plan.runs if stopped is not None and run > stopped]
        saw(f"{subject}: pelaksanaan", expected=f"<= {stopped}", observed=later, holds=not later)
