#!/usr/bin/python3
"""Fits [kernel.quantize]: what the kernels cost that cast operands to 8 and 4 bits.

An H100 tells finding the largest value and casting with a known scale, each by itself
(quantize_h100.csv); a B300 what casting adds to the linear layers of Transformer Engine by recipe
(quantize_b300.csv). Shares of the bandwidth: other GPUs take over what was not measured on them.
`--write` puts the result into topologies/gpus. Run it before gemm.py, which prices what was timed
around products with it.
"""

import argparse

import numpy as np

import tables

LARGE = 50e6  # bytes from which a kernel's rate no longer depends on its size, or on the L2
TRANSPOSE = 0.80  # NVIDIA/TransformerEngine#998: share of an H100's bandwidth

# The linear layers of quantize_b300.csv.
TOKENS, HIDDEN, QKV, INNER = 15872.0, 4096.0, 12288.0, 16384.0
LAYERS = ((HIDDEN, QKV), (HIDDEN, HIDDEN), (HIDDEN, INNER), (INNER, HIDDEN))
# Bytes written per element: both ways round, scaling factors included.
WRITTEN = {
    "fp8_block": 2.0 * (1.0 + 4.0 / 128.0),
    "mxfp8": 2.0 * (1.0 + 1.0 / 32.0),
    "nvfp4": 2.0 * (0.5 + 1.0 / 16.0),
}


def line(sizes, seconds):
    """Floor in seconds and bytes per second: the median of small kernels, and of large ones."""
    floor = np.median(seconds[sizes < 0.5e6])
    large = sizes >= LARGE
    return floor, np.median(sizes[large] / (seconds[large] - floor))


def h100(gpu):
    """Rows count 3 bytes an element for casting, 2 for finding the largest value."""
    rows = tables.read_rows("quantize_h100.csv")
    values = {}
    for operation in sorted({row["op"] for row in rows}):
        kept = [row for row in rows if row["op"] == operation]
        values[operation] = line(
            tables.column(kept, "bytes_assumed"), tables.column(kept, "latency_us") * 1e-6
        )
    find, cast = values["compute_scale_absmax"], values["scale_matrix_bf16_to_fp8"]
    return {
        "absmax": float(f"{find[1] / gpu.bandwidth:.3g}"),
        "cast": float(f"{cast[1] / gpu.bandwidth:.3g}"),
        "absmax_launch": tables.microseconds(find[0]),
        "launch": tables.microseconds(cast[0]),
        "spread": spread_of(rows, values),
    }


def spread_of(rows, lines):
    """Of kernels that are too large for the L2, as those of a training step are."""
    size, measured = tables.column(rows, "bytes_assumed"), tables.column(rows, "latency_us") * 1e-6
    floor, rate = np.array([lines[row["op"]] for row in rows]).T
    large = size >= LARGE
    return tables.spread((floor + size / rate)[large], measured[large])


def elements(which):
    """Of the operands that are cast for the four products of a pass."""
    if which == "fprop":
        return sum(TOKENS * k + k * n for k, n in LAYERS)
    if which == "dgrad":
        return sum(TOKENS * n + n * k for k, n in LAYERS)
    return sum(TOKENS * k + TOKENS * n for k, n in LAYERS)


def b300(gpu, absmax):
    """Shares of the three recipes that scale blocks.

    A product that runs alone is hotter and slower: it is brought to the clock of the other run by
    what bf16, which is never cast, loses. Of nvfp4 finding the largest value is taken off.
    """
    rows = {(row["pass"], row["type"]): row for row in tables.read_rows("quantize_b300.csv")}
    shares, around = {}, []
    for kind, written in WRITTEN.items():
        found = []
        for which in ("fprop", "dgrad", "wgrad"):
            plain, own = rows[which, "bf16"], rows[which, kind]
            clock = float(plain["with_casts_s"]) / float(plain["product_alone_s"])
            casting = float(own["with_casts_s"]) - float(own["product_alone_s"]) * clock
            if kind == "nvfp4":
                casting -= 2.0 * elements(which) / (absmax * gpu.bandwidth)
            found.append((2.0 + written) * elements(which) / casting / gpu.bandwidth)
        share = float(np.mean(found))
        print(f"b300 {kind}: {share:.3f} of the bandwidth, {min(found):.3f} to {max(found):.3f}")
        shares[kind] = float(f"{share:.3g}")
        around += [share / one for one in found]
    return shares, tables.spread(1.0, np.array(around))


def all_values():
    """[kernel.quantize] of every GPU that is fitted, by name."""
    one = h100(tables.Gpu("h100-sxm"))
    print("h100-sxm", one)
    blocks, around = b300(tables.Gpu("b300"), one["absmax"])
    around = [min(around[0], one["spread"][0]), max(around[1], one["spread"][1])]
    lines = {
        "absmax": one["absmax"],
        "cast": one["cast"],
        "cast_block": blocks["fp8_block"],
        "cast_mxfp8": blocks["mxfp8"],
        "cast_nvfp4": blocks["nvfp4"],
        "transpose": TRANSPOSE,
        "absmax_launch": one["absmax_launch"],
        "launch": one["launch"],
        "spread": around,
    }
    program = "tools/calibrate/quantize.py on"
    engine = "NVIDIA/TransformerEngine, gemm_profiling"
    kernels = "ai-dynamo/aiconfigurator quantize rows"
    turning = "transpose: NVIDIA/TransformerEngine#998"
    return {
        "h100-sxm": {"source": f"{program} {kernels}; {turning}; blocks as b300"} | lines,
        "b300": {"source": f"{program} {engine}; cast as cast_mxfp8, the rest as h100-sxm"}
        | lines
        | {"cast": blocks["mxfp8"]},
        "b200": {"relative": "b300"} | lines | {"cast": blocks["mxfp8"]},
        "l40s": {"relative": "h100-sxm"} | lines,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the result into topologies/gpus")
    options = parser.parse_args()
    for name, values in all_values().items():
        if options.write:
            tables.write_table(tables.Gpu(name).path, "kernel.quantize", values)


if __name__ == "__main__":
    main()
