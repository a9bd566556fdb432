#!/usr/bin/python3
"""Fits [kernel.gemm.TYPE], and what is left of it under load, to tests/measured/gemm.csv.

The formula is that of sim/hardware/kernel_times/tile.cpp, whose opening says what the six numbers
mean; a test holds the two against each other. `--write` puts the result into topologies/gpus.
"""

import argparse

import numpy as np

import quantize
import tables

TILES = ((256, 128), (128, 256), (128, 128), (64, 64))
SPLITS = (1, 2, 3, 4, 6, 8, 12, 16)
BYTES = {
    "bf16": 2.0,
    "fp8": 1.0,
    "fp8_block": 1.0 + 4.0 / 128.0,
    "mxfp8": 1.0 + 1.0 / 32.0,
    "nvfp4": 0.5 + 1.0 / 16.0,
}

STARTS = (
    (0.8, 0.05, 100, 4e-6, 0.8, 2e-6),
    (0.9, 0.15, 300, 2e-6, 0.9, 1e-6),
    (0.7, 0.02, 30, 6e-6, 0.75, 5e-6),
)
BOUNDS = ((0.3, 1e-4, 0.1, 5e-7, 0.4, 1e-7), (1.0, 0.5, 1000, 2e-5, 1.0, 2e-5))

# Bytes an element of what sources.toml names as timed around a product, and whose share and floor
# of [kernel.quantize] it has; as sim/validation/kernel_rows.cpp has them.
AROUND = {
    "absmax": (2.0, "absmax", "absmax_launch"),
    "cast": (3.0, "cast", "launch"),
    "cast_block": (2.0 + 1.0 + 4.0 / 128.0, "cast_block", "launch"),
    "cast_mxfp8": (2.0 + 1.0 + 1.0 / 32.0, "cast_mxfp8", "launch"),
    "cast_nvfp4": (2.0 + 0.5 + 1.0 / 16.0, "cast_nvfp4", "launch"),
    "pack_scales": (2.0 / 32.0, "absmax", "absmax_launch"),
}


def quantisation(word, elements, gpu):
    """Seconds that casting so many elements of the left operand takes around a product."""
    seconds = 0.0
    for name in (word or {}).get("around", []):
        width, share, floor = AROUND[name]
        constants = gpu.kernel["quantize"]
        seconds += float(constants[floor].split()[0]) * 1e-6
        seconds += width * elements / (gpu.bandwidth * constants[share])
    return seconds


class Products:
    """Products of one type on one GPU, priced by the tile model."""

    def __init__(self, gpu, kind, shapes, around=0.0):
        self.gpu, self.kind = gpu, kind
        self.m, self.n, self.k = shapes
        self.peak = gpu.peak["fp8" if kind == "fp8_block" else kind]
        self.bytes = (self.m + self.n) * self.k * BYTES[kind] + self.m * self.n * 2.0
        self.around = around
        self.choices = [self.choice(tile, split) for tile in TILES for split in SPLITS]

    def choice(self, tile, split):
        k = np.ceil(self.k / split / 64.0) * 64.0
        count = np.ceil(self.m / tile[0]) * np.ceil(self.n / tile[1]) * split
        allowed = (split == 1) | (self.k >= split * 256.0)
        return tile, split, k, np.ceil(count / self.gpu.sms), allowed

    def seconds(self, constants):
        efficiency, edge, ramp, launch, bandwidth, split_cost = constants
        memory = self.bytes / (self.gpu.bandwidth * bandwidth)
        best = np.full(len(self.m), np.inf)
        for (bm, bn), split, k, waves, allowed in self.choices:
            share = efficiency / (1.0 + edge * (128.0 / bm + 128.0 / bn))
            sm = (
                waves
                * 2.0
                * bm
                * bn
                * (k + ramp)
                / (self.peak / self.gpu.sms * share)
            )
            partial = split * self.m * self.n * 8.0
            adding = 0.0 if split == 1 else split_cost + partial / (self.gpu.bandwidth * bandwidth)
            best = np.minimum(best, np.where(allowed, np.maximum(sm, memory) + adding, np.inf))
        return launch + best + self.around


def shapes_and_times(rows, gpu):
    """m, n, k; the time of the product with what was timed around it, and that surrounding's.

    Where two engines measured a shape with the same kernels, the geometric mean of their times.
    """
    times, around = {}, {}
    for row in rows:
        key = tuple(float(row[axis]) for axis in "mnk")
        times.setdefault(key, []).append(float(row["time_s"]))
        around[key] = quantisation(tables.type_word(row), key[0] * key[2], gpu)
    keys = sorted(times)
    shapes = tuple(np.array([key[i] for key in keys]) for i in range(3))
    means = np.array([np.exp(np.mean(np.log(times[key]))) for key in keys])
    return shapes, means, np.array([around[key] for key in keys])


# GPU, type here (and the library whose own kernels these are), type in the table, group, part of
# the library's name. TensorRT-LLM runs NVIDIA's kernels, as Transformer Engine does. In bf16 both
# engines do.
AIC = "AIC-GEMM"
FITS = (
    ("a100-sxm-80g", "bf16", "bf16", AIC, ""),
    ("h100-sxm", "bf16", "bf16", AIC, ""),
    ("h100-sxm", "fp8", "fp8", AIC, "trtllm"),
    ("h100-sxm", "fp8.sglang", "fp8", AIC, "sglang"),
    ("h100-sxm", "fp8_block", "fp8-block", AIC, "trtllm"),
    ("h100-sxm", "fp8_block.sglang", "fp8-block", AIC, "sglang"),
    ("h800-sxm", "fp8_block", "fp8-block", "INFERSIM", "DeepGEMM"),
    ("b200", "bf16", "bf16", AIC, ""),
    ("b200", "fp8", "fp8", AIC, "trtllm"),
    ("b200", "fp8.sglang", "fp8", AIC, "sglang"),
    ("b200", "mxfp8", "fp8-block", AIC, "trtllm"),
    ("b200", "mxfp8.sglang", "fp8-block", AIC, "sglang"),
    ("b200", "nvfp4", "nvfp4", AIC, "trtllm"),
    ("b200", "nvfp4.sglang", "nvfp4", AIC, "sglang"),
    ("gb200", "bf16", "bf16", AIC, ""),
    ("gb200", "fp8", "fp8", AIC, "trtllm"),
    ("gb200", "fp8.sglang", "fp8", AIC, "sglang"),
    ("gb200", "mxfp8", "fp8-block", AIC, "trtllm"),
    ("gb200", "mxfp8.sglang", "fp8-block", AIC, "sglang"),
    ("gb200", "nvfp4", "nvfp4", AIC, "trtllm"),
    ("gb200", "nvfp4.sglang", "nvfp4", AIC, "sglang"),
    ("l40s", "bf16", "bf16", AIC, ""),
    ("l40s", "fp8", "fp8", AIC, ""),
    ("l40s", "fp8_block", "fp8-block", AIC, ""),
)


def source(group, library):
    origin = {
        "AIC-GEMM": "ai-dynamo/aiconfigurator@095f58a",
        "INFERSIM": "alibaba/InferSim@f2293da",
    }[group]
    return f"tools/calibrate/gemm.py on {origin}" + (f", {library} rows" if library else "")


def rows_of(all_rows, name, table_kind, group, library=""):
    """In the order of their shapes, whatever that of the table is."""
    kept = [
        row
        for row in all_rows
        if (row["gpu"], row["type"], row["group"]) == (name, table_kind, group)
        and library in row["library"]
    ]
    return sorted(kept, key=lambda row: [float(row[axis]) for axis in "mnk"] + [row["library"]])


def ratios(shapes, measured, predicted):
    """Measured / modelled times as a grid of m by pairs of n and k, or none where it has gaps.

    What quantisation around a product is assumed to take may be more than all that was measured;
    such a ratio is held above a half.
    """
    found = {}
    for m, n, k, own, model in zip(*shapes, measured, predicted):
        found.setdefault((n, k), {}).setdefault(m, []).append(max(0.5, own / model))
    sizes = sorted({m for pair in found.values() for m in pair})
    if any(sorted(pair) != sizes for pair in found.values()):
        return {}
    rows = []
    for (n, k), pair in sorted(found.items()):
        rows += [n, k] + [float(f"{np.exp(np.mean(np.log(pair[m]))):.3f}") for m in sizes]
    return {"ratio_m": [int(m) for m in sizes], "ratios": rows}


def fitted(all_rows, task):
    name, kind, table_kind, group, library = task
    gpu = tables.Gpu(name)
    rows = rows_of(all_rows, name, table_kind, group, library)
    shapes, measured, around = shapes_and_times(rows, gpu)
    products = Products(gpu, kind.split(".")[0], shapes, around)
    large = shapes[0] >= 512
    constants = tables.fit(products.seconds, measured, STARTS, BOUNDS, np.where(large, 2.0, 1.0))
    predicted = products.seconds(constants)
    tables.report(f"{name} {kind}", predicted, measured, large)
    efficiency, edge, ramp, launch, bandwidth, split = constants
    values = {
        "source": source(group, library),
        "efficiency": efficiency,
        "edge": edge,
        "ramp": ramp,
        "launch": tables.microseconds(launch),
        "bandwidth": bandwidth,
        "split": tables.microseconds(split),
        "spread": tables.spread(predicted, measured),
    }
    for axis, sizes in zip("mnk", shapes):
        values[axis] = [int(sizes.min()), int(sizes.max())]
    values |= ratios(shapes, measured - around, predicted - around)
    return gpu, f"kernel.gemm.{kind}", values, constants


def load_of_long_rows(rows, gpu, constants):
    """Share of the rate that products of 3 ms and more keep: the clock falls while they run."""
    shapes, measured, _ = shapes_and_times(rows_of(rows, gpu.name, "bf16", AIC), gpu)
    long = (measured >= 3e-3) & (shapes[0] >= 1024)
    ratio = Products(gpu, "bf16", shapes).seconds(constants)[long] / measured[long]
    return {"sustained": float(f"{np.median(ratio):.3g}")}


def load_of_training(rows, gpu, constants):
    """The same from a training stack's calibration, and what adding to an fp32 output costs."""
    kept = [row for row in rows if row["group"] == "SIMUMAX-OPS"]
    shapes = tuple(tables.column(kept, axis) for axis in "mnk")
    weight = np.array(["accumulate=True out=fp32" in row["notes"] for row in kept])
    plain = np.array(["accumulate=False" in row["notes"] for row in kept])
    large = shapes[0] * shapes[1] * shapes[2] >= 0.5e12
    ratio = Products(gpu, "bf16", shapes).seconds(constants) / tables.column(kept, "time_s")
    sustained = np.median(ratio[plain & large])
    adding = np.median(ratio[weight & large]) / sustained
    return {"sustained": float(f"{sustained:.3g}"), "accumulating": float(f"{adding:.3g}")}


# The type in quantize_b300.csv whose products tell of a type here.
LINEAR_LAYERS = {"bf16": "bf16", "fp8": "fp8_block", "mxfp8": "mxfp8", "nvfp4": "nvfp4"}


def load_of_linear_layers(gpu, kind):
    """The same by type, from the products of Transformer Engine's linear layers on a B300.

    Nothing is left out of a rate that the GPU's model does not reach.
    """
    constants = gpu.kernel["gemm"][kind]
    keys = ("efficiency", "edge", "ramp", "launch", "bandwidth", "split")
    numbers = [constants[key] for key in keys]
    numbers = [float(one.split()[0]) * 1e-6 if isinstance(one, str) else one for one in numbers]
    tokens = quantize.TOKENS
    predicted = 0.0
    for order in (
        lambda k, n: (tokens, n, k),
        lambda k, n: (tokens, k, n),
        lambda k, n: (k, n, tokens),
    ):
        shapes = tuple(np.array(axis) for axis in zip(*(order(k, n) for k, n in quantize.LAYERS)))
        predicted += np.sum(Products(gpu, kind, shapes).seconds(numbers))
    rows = tables.read_rows("quantize_b300.csv")
    rows = [row for row in rows if row["type"] == LINEAR_LAYERS[kind]]
    measured = np.sum(tables.column(rows, "product_alone_s"))
    return min(1.0, float(f"{predicted / measured:.3g}"))


LOADS = {"a100-sxm-80g": load_of_long_rows, "h100-sxm": load_of_long_rows, "b200": load_of_training}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the result into topologies/gpus")
    parser.add_argument("--only", default="", help="a GPU")
    options = parser.parse_args()
    rows = tables.read_rows("gemm.csv")
    for task in FITS:
        if options.only in ("", task[0]):
            gpu, header, values, constants = fitted(rows, task)
            load = (
                LOADS[gpu.name](rows, gpu, constants)
                if task[1] == "bf16" and gpu.name in LOADS
                else {}
            )
            if load:
                print(f"{gpu.name} under load", load)
            if options.write:
                tables.write_table(gpu.path, header, values)
                tables.update_table(gpu.path, "kernel", load)
    if options.only in ("", "b200", "gb200"):
        linear_layers(options.write)


def linear_layers(write):
    """What is left of the 8 and 4 bit rates of B200 and GB200, whose relative the B300 is.

    In 16 bits the GB200 of 1200 W lies between a B200 of 1000 W and the B300 of 1400 W, which
    differ by a quarter: the geometric mean.
    """
    share = load_of_linear_layers(tables.Gpu("b200"), "bf16")
    middle = float(f"{np.sqrt(share * tables.Gpu('b200').kernel['sustained']):.3g}")
    print("b300 bf16 under load", share, "gb200", middle)
    if write:
        tables.update_table(tables.Gpu("gb200").path, "kernel.gemm.bf16", {"sustained": middle})
    for kind in ("fp8", "mxfp8", "nvfp4"):
        share = load_of_linear_layers(tables.Gpu("b200"), kind)
        print(f"b200 and gb200 {kind} under load", share)
        if write:
            for name in ("b200", "gb200"):
                path = tables.Gpu(name).path
                tables.update_table(path, f"kernel.gemm.{kind}", {"sustained": share})


if __name__ == "__main__":
    main()
