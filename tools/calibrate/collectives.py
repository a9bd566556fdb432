#!/usr/bin/python3
"""Fits [collective.KIND] of the measured GPUs to single operations of collectives.csv.

What the library estimates comes from `orrery collective` itself, run on the cluster with a GPU
whose file has no [collective] tables; the fit says what the hardware reaches of it, by the formulas
that open sim/hardware/collective_constants.hpp. `--write` puts the result into topologies/gpus.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import tempfile

import numpy as np

import tables

ORRERY = os.environ.get("ORRERY", str(tables.ROOT / "build" / "release" / "bin" / "orrery"))
GROUP = "AIC-NCCL"
SOURCE = "tools/calibrate/collectives.py on ai-dynamo/aiconfigurator@095f58a, one node"

# What the table calls a machine: the GPU, and the cluster that stands for it.
MACHINES = {
    "A100": ("a100-sxm-80g", "dgx-a100-80g"),
    "H100": ("h100-sxm", "dgx-h100"),
    "B200": ("b200", "dgx-b200"),
    "GB200": ("gb200", "gb200-nvl72"),
}
KINDS = {"ring": "ring", "tree": "ring", "nvls": "nvls", "direct": "pairs"}

STARTS = ((1, 1, 0.95, 0.3, 0.3, 5e6), (1.3, 1.3, 0.9, 0.7, 0.1, 3e7))
BOUNDS = ((0.1, 0.1, 0.3, 1e-3, 1e-3, 1e4), (5, 5, 1, 3, 1.5, 3e8))


class Estimates:
    """The library's own estimates, asked of the program."""

    def __init__(self, gpu, cluster):
        self.folder = tempfile.TemporaryDirectory()
        place = pathlib.Path(self.folder.name)
        text = (tables.GPUS / f"{gpu}.toml").read_text(encoding="utf-8")
        neutral = [
            one for one in re.split(r"\n(?=\[)", text) if not re.match(r"\[collective[].]", one)
        ]
        (place / "gpu.toml").write_text("\n".join(neutral), encoding="utf-8")
        stated = tables.ROOT / "topologies" / "clusters" / f"{cluster}.toml"
        text = stated.read_text(encoding="utf-8")
        text = re.sub(r'^(gpu +)= .*$', r'\1= "gpu.toml"', text, flags=re.MULTILINE)
        self.cluster = place / "cluster.toml"
        self.cluster.write_text(text, encoding="utf-8")

    def of(self, row):
        """Algorithm, base latency, latency of hops and time of moving bytes, in seconds."""
        version = re.search(r"NCCL (\d+\.\d+)", row["library"])[1]
        words = [ORRERY, "collective", "--json", "--cluster", str(self.cluster)]
        words += ["--gpus", row["gpus"], "--op", row["op"], "--library", f"nccl-{version}"]
        words += ["--size", str(round(float(row["size_bytes"])))]
        found = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
        base, latency = found["base_latency_s"], found["latency_s"]
        return found["algorithm"], base, latency - base, found["time_s"] - latency


def steps(op, members):
    return 2 * (members - 1) if op == "all_reduce" else members - 1


class Operations:
    """Operations of one kind on one GPU, with what the library estimates of each."""

    def __init__(self, rows, estimates):
        self.measured = tables.column(rows, "time_s")
        self.size = tables.column(rows, "size_bytes")
        self.steps = np.array([steps(row["op"], int(row["gpus"])) for row in rows])
        self.base, self.hops, self.moving = np.array([one[1:] for one in estimates]).T

    def seconds(self, constants):
        base, hop, rate, ends, fill, fill_most = constants
        moving = self.moving * (1 + ends / self.steps) / rate
        filling = self.moving * np.minimum(fill, fill_most / self.size)
        return base * self.base + hop * self.hops + moving + filling


def operations_by_kind(machine):
    gpu, cluster = MACHINES[machine]
    rows = [
        row
        for row in tables.read_rows("collectives.csv")
        if row["group"] == GROUP and row["gpu"] == machine
    ]
    asked = Estimates(gpu, cluster)
    estimates = [asked.of(row) for row in rows]
    for kind in dict.fromkeys(KINDS.values()):
        chosen = [i for i, one in enumerate(estimates) if KINDS[one[0]] == kind]
        if chosen:
            yield kind, Operations([rows[i] for i in chosen], [estimates[i] for i in chosen])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write topologies/gpus")
    write = parser.parse_args().write
    names = ("base", "hop", "rate", "ends", "fill", "fill_most")
    for machine, (gpu, _) in MACHINES.items():
        for kind, operations in operations_by_kind(machine):
            found = tables.fit(operations.seconds, operations.measured, STARTS, BOUNDS)
            predicted = operations.seconds(found)
            large = operations.size >= 2**20
            tables.report(f"{gpu} {kind}", predicted, operations.measured, large, "1 MiB and more")
            values = {"source": SOURCE} | dict(zip(names, found))
            values["fill_most"] = f"{found[-1] / 1e6:.4g} MB"
            values["spread"] = tables.spread(predicted, operations.measured)
            if write:
                tables.write_table(tables.Gpu(gpu).path, f"collective.{kind}", values)


if __name__ == "__main__":
    main()
