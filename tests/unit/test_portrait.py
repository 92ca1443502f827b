"""What a report shows of a server besides verdicts: told when the server tells it, and left out when it does not."""

from __future__ import annotations

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import portrait
from compliance.assessment import Measure
from compliance.catalogue import default_catalogue
from compliance.checking import Context
from compliance.parameters import resolve
from compliance.probes import sysstat
from reports import charts
from reports.presentation import View, per_mille
from tests.unit.fakes import Host
from tests.unit.samples import sample

CONTEXT = Context(name="db01", parameters=resolve(default_catalogue(), ["jambi-31-2017"], {}))
# What sar 12.6 says of two days; of the second only the processors.
SAR = """Linux 6.1.0-38-amd64 (db01) \t2026-11-20 \t_x86_64_\t(2 CPU)
00:10:01        CPU     %user     %nice   %system   %iowait    %steal     %idle
Average:        all     98.16      0.00      1.67      0.00      0.00      0.17
00:10:01    kbmemfree   kbavail kbmemused  %memused kbbuffers  kbcached  kbcommit   %commit  kbactive   kbinact
Average:      8642817  20887965   3301627     13.38    222532  11511211   4445456     18.01   3799923  11075928
Linux 6.1.0-38-amd64 (db01) \t2026-11-21 \t_x86_64_\t(2 CPU)
00:10:01        CPU     %user     %nice   %system   %iowait    %steal     %idle
Average:        all      1.00      0.00      0.50      0.00      0.00     98.50
"""
ENTRY = {"when": "2026-11-21T03:00:00+00:00", "who": "admin-a", "what": "replaced a disk", "why": "it failed"}


def test_the_days_of_sar_are_read() -> None:
    assert sysstat.daily(Host({"command -v sar": "/usr/bin/sar", "sar -u -r": SAR})) == {
        "processor": {datetime.date(2026, 11, 20): 99.83, datetime.date(2026, 11, 21): 1.5},
        "memory": {datetime.date(2026, 11, 20): 13.38},
    }


def test_a_portrait_tells_what_the_server_tells() -> None:
    disk = "\n".join(
        json.dumps({"when": f"2026-11-{day}T{hour}:00:00+00:00", "highest_pct": pct})
        for day, hour, pct in ((20, "01", 40), (20, "13", 44), (21, "01", 41))
    )
    host = Host(
        {
            "uname": "6.1.0-38-amd64\n",
            "product_serial": "SN-1\n",
            "maintenance.jsonl": json.dumps(ENTRY) + "\nnot JSON\n" + json.dumps({"when": "today"}),
            "test -e": "",
            "disk-space.jsonl": disk,
            "command -v sar": "/usr/bin/sar",
            "sar -u -r": SAR,
        }
    )
    found = portrait.of_host(host, CONTEXT)
    assert found.facts == {"kernel": "6.1.0-38-amd64", "serial": "SN-1"}
    assert [(entry.who, entry.what, entry.why) for entry in found.log] == [("admin-a", "replaced a disk", "it failed")]
    assert {series.measure: series.days for series in found.series} == {
        Measure.DISK: [(datetime.date(2026, 11, 20), 40, 44), (datetime.date(2026, 11, 21), 41, 41)],
        Measure.PROCESSOR: [(datetime.date(2026, 11, 20), 99.83, 99.83), (datetime.date(2026, 11, 21), 1.5, 1.5)],
        Measure.MEMORY: [(datetime.date(2026, 11, 20), 13.38, 13.38)],
    }
    assert found.series[0].most == 90


@given(st.text(max_size=200))
def test_a_portrait_of_garbage_is_no_error(text: str) -> None:
    host = Host({"": text})
    found = portrait.of_host(host, CONTEXT)
    assert all(len(value) <= portrait.LETTERS_SHOWN for value in found.facts.values())


def test_a_silent_tool_leaves_an_empty_portrait() -> None:
    assert portrait.of_host(Host({}), CONTEXT) == portrait.Portrait()


@pytest.mark.parametrize(
    ("told", "shown"),
    [("3.9", "3,9"), ("2026-11-20 07:00:00", "20 November 2026"), ("2026-13-40 07:00:00",) * 2, ("6.1.0",) * 2],
)
def test_facts_are_in_the_readers_form(told: str, shown: str) -> None:
    assert View("id", sample()).fact(told) == shown


@given(
    st.lists(st.tuples(st.integers(0, 400), st.floats(-50, 200), st.floats(0, 50)), min_size=1, max_size=50),
    st.one_of(st.none(), st.integers(0, 50)),
    st.one_of(st.none(), st.integers(51, 100)),
)
def test_a_chart_holds_every_day_and_both_limits(
    drawn: list[tuple[int, float, float]], least: int | None, most: int | None
) -> None:
    first = datetime.date(2026, 1, 1)
    days = sorted((first + datetime.timedelta(days=day), low, low + more) for day, low, more in drawn)
    chart = charts.days(days, least, most)
    for end in (least, most, *(end for _, low, high in days for end in (low, high))):
        assert end is None or chart.bottom <= end <= chart.top
    assert (chart.first, chart.last) == (days[0][0], days[-1][0])
    assert chart.svg.count("M") == len(days)
    assert "nan" not in chart.svg and "inf" not in chart.svg


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_shares_sum_to_the_whole_and_nothing_disappears(counts: list[int]) -> None:
    shares = per_mille(counts)
    assert sum(shares) == (1000 if any(counts) else 0)
    assert [share > 0 for share in shares] == [count > 0 for count in counts]
    assert all(
        abs(share - 1000 * count / sum(counts)) <= 8 for share, count in zip(shares, counts, strict=True) if count
    )
