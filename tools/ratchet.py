#!/usr/bin/python3
"""Keeps predictions from getting worse: the errors of today against those recorded.

    tools/ratchet.py             validates every table; exits with 1 if a group got worse
    tools/ratchet.py --accept    records the errors of today; the commit says why they changed

tests/measured/expected.csv holds, per table, group of rows and metric, how many rows could be
predicted and their mean absolute error in percent. A group got worse when its error grew by more
than 0.3 points, or when fewer of its rows can be predicted than before.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "build/release/bin/orrery"
TABLES = ("training", "layers", "collectives", "gemm", "attention", "kernels_other", "moe_kernels")
SLACK = 0.3  # points
COLUMNS = ("table", "group", "metric", "rows", "mean_absolute_error_percent")


@dataclass(frozen=True, order=True)
class Key:
    """What an error is of."""

    table: str
    group: str
    metric: str


@dataclass(frozen=True)
class Found:
    """How many rows, and how far off in the mean."""

    rows: int
    percent: float


def validate(orrery: Path, root: Path, table: str) -> dict[Key, Found]:
    words = [orrery, "validate", f"tests/measured/{table}.csv", "--json"]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise SystemExit(f"ratchet: {table}.csv cannot be validated\n{done.stderr}")
    return {
        Key(table, group["group"], group["metric"]): Found(
            group["rows"], round(100.0 * group["mean_absolute_error"], 2)
        )
        for group in json.loads(done.stdout)["groups"]
    }


def recorded(file: Path) -> dict[Key, Found]:
    with open(file, newline="", encoding="utf-8") as lines:
        return {
            Key(row["table"], row["group"], row["metric"]): Found(
                int(row["rows"]), float(row["mean_absolute_error_percent"])
            )
            for row in csv.DictReader(lines)
        }


def record(file: Path, found: dict[Key, Found]) -> None:
    with open(file, "w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        for key in sorted(found):
            writer.writerow([*astuple(key), *astuple(found[key])])


def complaint(key: Key, before: Found, now: Found | None) -> str | None:
    """Why this group got worse; nothing if it did not."""
    name = f"{key.table}.csv, {key.group}, {key.metric}"
    if now is None:
        return f"{name}: none of {before.rows} rows is predicted any more"
    if now.rows < before.rows:
        return f"{name}: {now.rows} rows are predicted, not {before.rows}"
    if now.percent > before.percent + SLACK:
        return f"{name}: mean absolute error {now.percent:.2f} %, not {before.percent:.2f} %"
    return None


def worse(before: dict[Key, Found], now: dict[Key, Found]) -> list[str]:
    complaints = [complaint(key, before[key], now.get(key)) for key in sorted(before)]
    unknown = [f"{astuple(key)} is not recorded yet" for key in sorted(now) if key not in before]
    return [one for one in complaints if one] + unknown


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accept", action="store_true", help="record the errors of today")
    parser.add_argument("--orrery", type=Path, default=BUILT, help="the program to run")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    options = parser.parse_args(arguments)
    orrery, root = options.orrery.resolve(), options.root.resolve()
    file = root / "tests/measured/expected.csv"
    now = {}
    for table in TABLES:
        if (root / f"tests/measured/{table}.csv").exists():
            now |= validate(orrery, root, table)
    if options.accept:
        record(file, now)
        return 0
    found = worse(recorded(file), now)
    for text in found:
        print(text)
    if found:
        print("ratchet: if this is right, tools/ratchet.py --accept, and say why in the commit")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
