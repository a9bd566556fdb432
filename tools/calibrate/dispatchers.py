#!/usr/bin/python3
"""Fits what the libraries that carry tokens to experts cost beyond what crosses the links.

Single kernels of tests/measured/collectives.csv, by library, generation of GPU and direction; the
formulas are those of sim/collective/expert_exchange.cpp, whose table this prints. Links are taken
at what topologies/clusters says they carry.
"""

import numpy as np

import tables

NIC = 48.5e9  # bytes/s a member: 400 Gb/s, 97 % of it payload (topologies/clusters/dgx-h100.toml)
NVLINK = {"H100": 370.8e9, "B200": 721.8e9, "GB200": 721.8e9}
KERNEL = 15e-6  # seconds: Hybrid-EP's rows have one size; one-sided puts of one token, GB200


class Work:
    """What the rows of one table ask for, per member."""

    def __init__(self, rows):
        members, nodes = tables.column(rows, "gpus"), tables.column(rows, "nodes")
        domains = np.where([row["intranode"].find("NVL72") < 0 for row in rows], nodes, 1.0)
        picks, experts = tables.column(rows, "top_k"), tables.column(rows, "experts")
        tokens, hidden = tables.column(rows, "tokens_per_rank"), tables.column(rows, "hidden")
        narrow = np.array([is_narrow(row) for row in rows])
        row = np.where(narrow, hidden * (1.0 + 4.0 / 128.0), 2.0 * hidden)
        self.members = members * chance(1.0 / members, experts, picks)
        self.domains = domains * chance(1.0 / domains, experts, picks)
        self.far = (domains - 1.0) / domains
        self.bytes, self.picks = tokens * row, picks
        self.link = np.array([NVLINK[row["gpu"]] for row in rows])
        self.beside = 1.0 - np.minimum(1.0, domains / members)
        self.sms = tables.column(rows, "sms")
        self.seconds = np.array([seconds(row, self, i) for i, row in enumerate(rows)])

    def rows_to_deliver(self):
        return self.members * self.bytes


def is_narrow(row):
    """The type that travels: DeepEP's tests send bytes with a scale for 128 of them."""
    if row["group"] == "HYBRID-EP":
        return row["type"] == "fp8"
    return "dispatch" in row["op"]


def seconds(row, work, index):
    """Measured; bandwidths count every row that a member gets, its own among them."""
    if row["time_s"]:
        return float(row["time_s"])
    counted = work.domains if "RDMA" in row["bandwidth_kind"] else work.members
    return counted[index] * work.bytes[index] / float(row["busbw_bytes_per_s"])


def chance(share, experts, picks):
    """That a token picks any expert of a part with `share` of them, none twice."""
    missed = np.ones_like(share)
    for i in range(int(picks.max())):
        left = np.maximum(0.0, (1.0 - share) * experts - i) / np.maximum(1.0, experts - i)
        missed *= np.where(i < picks, left, 1.0)
    return 1.0 - missed


def normal(work, constants, payload=0.985):
    """latency + the longest of: rows by SMs, rows between domains by adapters, inside by links."""
    latency, per_sm, ceiling = constants
    rate = np.minimum(work.sms * per_sm, ceiling)
    network = work.domains * work.far * work.bytes / (NIC * payload)
    inside = work.rows_to_deliver() * work.beside / (work.link * payload)
    return latency + np.maximum(work.rows_to_deliver() / rate, np.maximum(network, inside))


def low_latency(work, constants):
    """Every pick by itself."""
    latency, ceiling = constants
    copies = work.picks * work.bytes
    network = np.where(work.far > 0.0, copies * work.far / NIC, 0.0)
    return latency + np.maximum(copies / ceiling, network)


def chosen(rows, machines, word, spans):
    """Rows of some machines whose operation holds the word, on one node or on several."""
    far = {"inside": (1, 1), "between": (2, 99)}[spans]
    return [
        row
        for row in rows
        if row["gpu"] in machines
        and word in row["op"]
        and far[0] <= float(row["nodes"]) <= far[1]
        and float(row["top_k"]) > 1.0
    ]


def report(name, predicted, work, constants):
    error = predicted / work.seconds - 1.0
    print(
        f"{name:46} {len(error):4} rows  "
        + "  ".join(f"{value:9.4g}" for value in constants)
        + f"   mean {100 * np.abs(error).mean():5.1f} %"
        + f"  median {100 * np.median(np.abs(error)):5.1f} %  bias {100 * error.mean():+5.1f} %"
    )


def fit(name, rows, model, starts, bounds):
    if not rows:
        return
    work = Work(rows)
    constants = tables.fit(lambda x: model(work, x), work.seconds, starts, bounds)
    report(name, model(work, constants), work, constants)


def fit_deepep(rows):
    normals = [row for row in rows if row["group"] == "AIC-DEEPEP" and "normal" in row["op"]]
    starts = ((3e-5, 15e9, 4e11), (5e-5, 10e9, 3e11))
    bounds = ((1e-6, 1e9, 5e10), (2e-4, 1e11, 2e12))
    for machines in (("H100",), ("B200", "GB200")):
        for spans in ("inside", "between"):
            for word in ("dispatch", "combine"):
                name = f"deepep {'/'.join(machines)} {spans} {word}"
                fit(name, chosen(normals, machines, word, spans), normal, starts, bounds)


def fit_low_latency(rows):
    direct = [row for row in rows if row["group"] == "AIC-DEEPEP" and "_ll_" in row["op"]]
    starts, bounds = ((2e-5, 3e11), (1e-5, 6e11)), ((1e-6, 5e10), (1e-4, 2e12))
    for machines in (("H100",), ("B200", "GB200")):
        for spans in ("inside", "between"):
            for word in ("dispatch", "combine"):
                name = f"deepep_low_latency {'/'.join(machines)} {spans} {word}"
                fit(name, chosen(direct, machines, word, spans), low_latency, starts, bounds)


def fit_hybridep(rows):
    hybrid = [row for row in rows if row["group"] == "HYBRID-EP"]
    starts, bounds = ((4e10, 0.9), (3e10, 0.8)), ((5e9, 0.5), (2e11, 1.0))
    model = lambda work, x: normal(work, (KERNEL, x[0], 1e13), x[1])
    fit("hybridep Blackwell", [r for r in hybrid if r["gpu"] != "H100"], model, starts, bounds)
    fit("hybridep H100", [r for r in hybrid if r["gpu"] == "H100"], model, starts, bounds)


def main():
    rows = tables.read_rows("collectives.csv")
    print(f"{'':46} {'':9}  latency s, bytes/s of an SM, of all SMs (share of the wire: Hybrid-EP)")
    fit_deepep(rows)
    fit_low_latency(rows)
    fit_hybridep(rows)


if __name__ == "__main__":
    main()
