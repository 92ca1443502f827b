"""Agencies' servers in the data centre, from application to withdrawal (Jateng 067/798)."""

from __future__ import annotations

from compliance.checking import Saw
from compliance.evidence.judging import Evidence, decides, in_order, noted, place
from compliance.evidence.kinds import Colocation, Decision

VAULT = ("vault:", "keepass:", "bitwarden:", "brankas:")


def _all(evidence: Evidence) -> list[Colocation]:
    return evidence.cases(evidence.of(Colocation))


def _there(evidence: Evidence) -> list[Colocation]:
    """Those that were handed over and are still there."""
    found = [one for one in evidence.of(Colocation) if one.handed_over is not None and one.withdrawn is None]
    return evidence.cases(found)


@decides("colocation.tenant-register", Colocation)
def tenants_are_known(evidence: Evidence, saw: Saw) -> None:
    """Every server that is there names its agency, whom to call, and which server it is."""
    for one in _there(evidence):
        noted(saw, one, "contact")
        noted(saw, one, "server", expected="hosts.yml", holds=one.server in evidence.fleet.hosts)


@decides("colocation.request", Colocation)
def applications_are_complete(evidence: Evidence, saw: Saw) -> None:
    """Every application names the domain, from when, for how long, and was passed on."""
    for one in _all(evidence):
        noted(saw, one, "domain")
        noted(saw, one, "active_from")
        noted(saw, one, "permanent", expected="ya | tidak", holds=one.permanent is not None)
        in_order(saw, one, "applied", "disposed")


@decides("colocation.clarification", Colocation)
def needs_are_clarified(evidence: Evidence, saw: Saw) -> None:
    """Before capacity was checked, the agency's needs were clarified."""
    for one in evidence.cases([one for one in evidence.of(Colocation) if one.capacity_checked or one.decided]):
        in_order(saw, one, "applied", "clarified", "capacity_checked")


@decides("colocation.approval", Colocation)
def colocation_is_decided(evidence: Evidence, saw: Saw) -> None:
    """Somebody decided, with reasons where refused, and before anything was handed over."""
    for one in evidence.cases([one for one in evidence.of(Colocation) if one.decided or one.handed_over]):
        noted(saw, one, "decided_by")
        noted(saw, one, "decision")
        if one.decision is Decision.REFUSED:
            noted(saw, one, "reasons")
            noted(saw, one, "handed_over", expected="—", holds=one.handed_over is None)
        elif one.handed_over:
            in_order(saw, one, "decided", "handed_over")


@decides("colocation.decision-notice", Colocation)
def decisions_are_notified(evidence: Evidence, saw: Saw) -> None:
    """The agency was told what was decided, also where there was no capacity."""
    for one in evidence.cases([one for one in evidence.of(Colocation) if one.decided or one.capacity is False]):
        if one.decided:
            in_order(saw, one, "decided", "notified")
        else:
            in_order(saw, one, "capacity_checked", "notified")


@decides("colocation.handover", Colocation)
def handovers_are_signed(evidence: Evidence, saw: Saw) -> None:
    """Both sides are named in every handover, and the specification was checked."""
    for one in evidence.cases([one for one in evidence.of(Colocation) if one.handed_over is not None]):
        noted(saw, one, "handed_over_by")
        noted(saw, one, "received_by")
        noted(saw, one, "specification_checked")
        noted(saw, one, "attachment")


@decides("colocation.tenure", Colocation)
def terms_are_kept(evidence: Evidence, saw: Saw) -> None:
    """No server stays past its term."""
    for one in _there(evidence):
        if one.permanent:
            saw(f"{place(one)}: tetap", expected="ya", observed="ya")
            continue
        good = one.valid_until is not None and one.valid_until >= evidence.today
        noted(saw, one, "valid_until", expected=f">= {evidence.today}", holds=good)
        if one.valid_until:
            saw.due(one.valid_until, f"{Colocation.kind.file}: {one.agency}")


@decides("colocation.withdrawal", Colocation)
def withdrawals_are_approved(evidence: Evidence, saw: Saw) -> None:
    """Every withdrawal was approved before, and the server is no longer in the inventory."""
    for one in evidence.cases([one for one in evidence.of(Colocation) if one.withdrawn is not None]):
        in_order(saw, one, "withdrawal_approved", "withdrawn")
        listed = one.server in evidence.fleet.hosts
        noted(saw, one, "server", expected="∉ hosts.yml", holds=not listed)


@decides("accounts.no-secrets-in-forms", Colocation)
def forms_hold_no_passwords(evidence: Evidence, saw: Saw) -> None:
    """Instead of the password that the form asks for, there is a reference to a vault."""
    for one in evidence.cases([one for one in evidence.of(Colocation) if one.handed_over is not None]):
        reference = one.admin_secret
        good = reference is not None and reference.casefold().startswith(VAULT)
        # What is no reference may be the password itself: it is not repeated.
        observed = "—" if reference is None else "✓" if good else "?"
        saw(f"{Colocation.kind.file}: {one.agency}", expected=" | ".join(VAULT), observed=observed, holds=good)
