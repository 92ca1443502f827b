"""How long it takes to check a log of 10,000 rows, against reading it with Python's csv module alone.

    .venv/bin/python -m tests.benchmarks.records [ROWS]

The floor reads every row into a dictionary and turns its figures into numbers, without looking at anything. Ours reads,
checks every value, and runs the rules over room climate. Both in one process, the best of five. Prints both and their
ratio.
"""

from __future__ import annotations

import csv
import datetime
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from compliance import fleet
from compliance.catalogue import default_catalogue
from compliance.evidence import consistency, store
from compliance.evidence.judging import Evidence, assess
from compliance.evidence.kinds import RoomClimate

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = ("room.temperature", "room.humidity", "room.climate-log", "room.climate-correction", "room.climate-escalation")
NOW = datetime.datetime(2026, 11, 21, 12)


def best_of_five(what: Callable[[], object]) -> float:
    """Seconds of the quickest of five runs."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        what()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    loaded = fleet.load(REPOSITORY / "inventory" / "lab", default_catalogue())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        path = folder / RoomClimate.kind.file
        with path.open("w", encoding="utf-8") as log:
            log.write("waktu,suhu_c,kelembapan_pct,petugas\n")
            for number in range(rows):
                at = NOW - datetime.timedelta(minutes=50 * number)
                log.write(f"{at:%Y-%m-%d %H:%M},{20 + number % 20 / 10:.1f},{40 + number % 20},petugas-a\n")

        def floor() -> object:
            with path.open(encoding="utf-8", newline="") as log:
                return [
                    {**row, "t": float(row["suhu_c"]), "h": float(row["kelembapan_pct"])} for row in csv.DictReader(log)
                ]

        def ours() -> object:
            records = consistency.check(store.load(folder), loaded.fleet, default_catalogue(), NOW)
            assert not records.all_problems()
            evidence = Evidence(records, loaded.fleet, loaded.parameters, NOW)
            return [assess(control, evidence) for control in RULES]

        least, taken = best_of_five(floor), best_of_five(ours)
    print(f"{rows} rows: csv alone {least:.3f} s, checked and judged {taken:.3f} s, ratio {taken / least:.0f}")


if __name__ == "__main__":
    main()
