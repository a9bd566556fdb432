#!/usr/bin/python3
"""Builds and runs the benchmarks, and prints what README and tests/bench/README.md say of them.

  tools/bench.py             build the bench preset, run, print Markdown tables
  tools/bench.py --no-build FOLDER   run the programs that lie in FOLDER

Whatever has a limit runs in a process of its own, so that its peak memory is its own. Every
benchmark checks its answer and ends its program when it is wrong; here that is an error. Times are
CPU time of one core; peers' figures are those of tests/bench/README.md, measured on a like machine.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What a user waits for: benchmark, words, limit in seconds, limit in MiB.
SCENARIOS = [
    ("quickstart", "quickstart (Mixtral 8x7B, 16 H100), timeline written", 0.2, None),
    ("deepseek_v3/16384/iterations:1", "DeepSeek-V3 step, 16,384 H800, timeline written", 2, 1024),
    ("deepseek_v3_straggler/iterations:1", "the same with one slow rank", 10, None),
    ("deepseek_v3_drawn/iterations:1", "the same with tokens drawn, not forced", 2, 1024),
    ("deepseek_v3/131072/iterations:1", "131,072 H800", 10, None),
    ("deepseek_v3/1048576/iterations:1", "1,048,576 H800", 10, None),
    ("experts_folded/64", "16 expert layers over 64 GPUs", 0.02, None),
    ("experts_folded/512", "over 512", 0.02, None),
    ("experts_folded/1024", "over 1,024", 0.02, None),
    ("experts_one_by_one/64", "over 64, `fold = off`", 0.1, None),
    ("experts_one_by_one/512", "over 512, `fold = off`", 1, None),
    ("experts_one_by_one/1024", "over 1,024, `fold = off`", 3, None),
]

# Seconds that peers need for the same work (None: not run or did not end), by N.
AWARE = "ASTRA-sim congestion-aware"
UNAWARE = "ASTRA-sim congestion-unaware"
PEERS = [
    ("experts/net_1d", "MOE, NET-1D, folded", AWARE, {64: 2.50, 512: 466.0, 1024: None}),
    ("experts/net_1d_one_by_one", "MOE, NET-1D, every rank", AWARE,
     {64: 2.50, 512: 466.0, 1024: None}),
    ("experts/net_2d", "MOE, NET-2D, folded", UNAWARE, {64: 0.26, 512: 25.1, 1024: 186.7}),
    ("experts/net_2d_one_by_one", "MOE, NET-2D, every rank", UNAWARE,
     {64: 0.26, 512: 25.1, 1024: 186.7}),
    ("all_to_all/net_1d", "all-to-all 64 MB, bundled", AWARE, {64: 0.05, 512: 9.4, 1024: 74.8}),
    ("all_to_all/net_1d_explicit", "all-to-all 64 MB, every transfer", AWARE,
     {64: 0.05, 256: 1.58, 512: 9.4}),
    ("all_to_all/net_2d", "all-to-all 64 MB, NET-2D, bundled", UNAWARE,
     {64: 0.01, 512: 0.58, 1024: 3.69}),
    ("ring/all_reduce", "ring all-reduce 64 MB, bundled", AWARE, {64: 0.04, 512: 2.80, 1024: 13.8}),
    ("ring/all_reduce_explicit", "ring all-reduce 64 MB, every transfer", AWARE,
     {64: 0.04, 512: 2.80, 1024: 13.8}),
    ("ring/all_gather", "ring all-gather 64 MB each, bundled", AWARE,
     {64: 0.03, 512: 1.45, 1024: 9.2}),
    ("ring/all_gather_explicit", "ring all-gather 64 MB each, every transfer", AWARE,
     {64: 0.03, 512: 1.45, 1024: 9.2}),
]
SIMGRID = {  # run only, best of four drivers
    "run_peer/all_to_all": ("all-to-all 64 MB, nodes of 8, every transfer",
                            {64: 0.021, 256: 1.63, 512: 38.7}),
    "run_peer/ring": ("ring all-reduce 64 MB, nodes of 8, every transfer",
                      {64: 0.012, 256: 0.23, 512: 1.46}),
}
# Million holds per second of other event queues, by events pending.
HOLD = [("std::priority_queue, 24-byte events",
         {1000: 16.7, 10000: 12.2, 100000: 8.2, 1000000: 3.0}),
        ("ns-3, default scheduler", {1000: 5.9, 10000: 4.5, 100000: 2.0, 1000000: 0.72}),
        ("SimGrid, actors asleep", {1000: 1.1, 10000: 0.42})]

GROWTH = [("grow_gpus", "GPUs"), ("grow_layers", "layers"), ("grow_micro_batches", "micro-batches")]


class Bench:
    """Runs benchmark programs of one folder."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, program, name_filter):
        """Results by benchmark name, and the peak memory of the program in MiB."""
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            command = [str(self.folder / f"{program}_bench"), f"--benchmark_filter={name_filter}",
                       "--benchmark_min_time=0.1", f"--benchmark_out={out.name}"]
            child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, text=True)
            words = child.stderr.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                sys.exit(f"bench: {program} {name_filter} failed:\n{words}")
            rows = json.load(open(out.name, encoding="utf-8"))["benchmarks"]
        return {row["name"]: row for row in rows}, usage.ru_maxrss / 1024


def seconds(row, clock="cpu_time"):
    return row[clock] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}[row["time_unit"]]


def in_words(value):
    if value is None:
        return "–"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def scenarios(bench):
    rows = []
    for name, words, limit, most in SCENARIOS:
        results, peak = bench.run("scenarios", f"^{name}$")
        row = results[name]
        rows.append([words, in_words(seconds(row)), in_words(seconds(row, "real_time")),
                     f"{limit} s", f"{peak:.0f} MiB" + (f" of {most}" if most else "")])
    table(["scenario", "CPU", "wall", "aim", "peak memory"], rows)


def peers(bench):
    results, _ = bench.run("peers", ".")
    rows = []
    for name, words, peer, times in PEERS:
        for size, theirs in times.items():
            ours = seconds(results[f"{name}/{size}"])
            ratio = f"{theirs / ours:,.0f}" if theirs else "–"
            rows.append([words, str(size), in_words(ours), in_words(theirs), ratio, peer])
    results, _ = bench.run("engine", "run_peer")
    for name, (words, times) in SIMGRID.items():
        for size, theirs in times.items():
            row = next(r for key, r in results.items() if key.startswith(f"{name}/{size}/"))
            ours = seconds(row)
            rows.append([words, str(size), in_words(ours), in_words(theirs),
                         f"{theirs / ours:,.0f}", "SimGrid 3.32"])
    table(["work", "N", "ours", "peer", "ratio", "peer is"], rows)


def rates(bench):
    results, _ = bench.run("event_queue", "hold")
    pending = [1000, 10000, 100000, 1000000]
    ours = [results[f"hold/{n}"]["items_per_second"] / 1e6 for n in pending]
    rows = [["ours", *(f"{rate:.3g}" for rate in ours)]]
    for words, theirs in HOLD:
        rows.append([words, *(str(theirs.get(n, "–")) for n in pending)])
    table(["million holds per second, events pending", *(f"{n:,}" for n in pending)], rows)
    results, _ = bench.run("engine", "run_tasks/woven")
    rows = [[name.rsplit("/", 1)[1], f"{row['items_per_second'] / 1e6:.3g}"]
            for name, row in results.items()]
    table(["classes", "million task events per second"], rows)


def slope(points):
    """The exponent of a power law through points, least squares of logarithms."""
    xs = [math.log(x) for x, _ in points]
    ys = [math.log(y) for _, y in points]
    x0, y0 = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x0) * (y - y0) for x, y in zip(xs, ys)) / sum((x - x0) ** 2 for x in xs)


def growth(bench):
    rows = []
    for name, words in GROWTH:
        results, _ = bench.run("scenarios", f"^{name}/")
        points = [(int(key.split("/")[1]), seconds(row)) for key, row in results.items()]
        rows.append([words, ", ".join(f"{x:,}: {in_words(y)}" for x, y in points),
                     f"{slope(points):.2f}", f"{slope(points[-2:]):.2f}"])
    table(["grows with", "DeepSeek-V3 step, no output", "exponent", "of the last two"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--no-build", metavar="FOLDER", type=Path, help="where the programs lie")
    parser.add_argument("--only", choices=["scenarios", "peers", "rates", "growth"])
    chosen = parser.parse_args()
    folder = chosen.no_build
    if folder is None:
        subprocess.run([ROOT / "tools" / "build.sh", "bench", "bench"], check=True)
        folder = ROOT / "build" / "bench" / "bin"
    bench = Bench(folder.resolve())
    for part in (scenarios, peers, rates, growth):
        if chosen.only in (None, part.__name__):
            part(bench)


if __name__ == "__main__":
    main()
