#!/usr/bin/python3
"""How far one source of measured kernels lies from another: what no residual of a fit tells.

The residuals of a fit are those of the rows it was fitted on, whose mean is nothing. Another lab,
engine or machine times the same kernels a little faster or slower, all of them alike, and a step is
run on a machine that nobody fitted. Per kind of work this prints two numbers, both of the logarithm
of measured / predicted: `shared`, the root mean square over sources of a source's mean; `own`, the
10th and 90th percentile around that mean, for kinds whose constants keep no spread of their own.

A source is one table's rows of one library on one GPU, of kernels as large as a training step's
(rows enough for a mean, sizes at which latency does not count). Asks the built orrery. The table of
sim/report/interval.cpp is what it prints.
"""

import collections
import json
import subprocess

import numpy as np

import tables

ORRERY = tables.ROOT / "build/release/bin/orrery"
FEWEST = 5  # rows that make a source
RING = ("all_reduce", "all_gather", "reduce_scatter", "broadcast")


def product(row):
    return "product" if row["op"] == "gemm" and number(row, "m") >= 1024 else None


def attention(row):
    long = number(row, "sequence_length") >= 2048 and number(row, "window") == 0
    return "attention" if long and row["op"].endswith(("prefill", "attention_backward")) else None


def other(row):
    """Engines' fused layers (moe_kernels.csv) are more than grouped products."""
    if row["op"] == "grouped_gemm":
        return "grouped_product" if number(row, "m") >= 256 else None
    return attention(row)


def collective(row):
    if row["op"].startswith("deepep_normal"):
        return "tokens"
    if number(row, "size_bytes") < 2**20 or "deepep" in row["op"]:
        return None
    return "ring" if row["op"] in RING else "pairs"


KINDS = {
    "gemm": product,
    "attention": attention,
    "kernels_other": other,
    "collectives": collective,
}


def number(row, key):
    return float(row.get(key) or 0)


def residuals():
    """Logarithms of measured / predicted, by kind of work and source."""
    found = collections.defaultdict(list)
    for table, kind_of in KINDS.items():
        rows = {row["id"]: row for row in tables.read_rows(f"{table}.csv")}
        words = [ORRERY, "validate", tables.MEASURED / f"{table}.csv", "--json"]
        done = subprocess.run(words, capture_output=True, check=False)
        predicted = json.loads(done.stdout)["rows"]
        if not predicted:
            raise SystemExit(f"sources: no row of {table}.csv is predicted\n{done.stderr.decode()}")
        for one in predicted:
            row = rows[one["id"]]
            kind = kind_of(row)
            if kind and one["metric"] == "time_s":
                source = (row["group"], row["library"], row["gpu"], row["op"], row["type"])
                found[kind, source].append(np.log(one["measured"] / one["predicted"]))
    return found


def main():
    by_kind = collections.defaultdict(list)
    for (kind, _), values in residuals().items():
        if len(values) >= FEWEST:
            by_kind[kind].append(np.array(values))
    for kind, sources in by_kind.items():
        shared = np.sqrt(np.mean([source.mean() ** 2 for source in sources]))
        around = np.concatenate([source - source.mean() for source in sources])
        low, high = np.exp(np.quantile(around, (0.1, 0.9)))
        print(f"{kind:16s} {len(sources):3d} sources {len(around):5d} rows", end="  ")
        print(f"shared {shared:.3f}  own {low:.3f} {high:.3f}")


if __name__ == "__main__":
    main()
