#!/usr/bin/python3
"""Gives GPUs that nobody measured the constants of a relative; `relative` in each table says so.

Efficiencies are shares of the peak and of the bandwidth, so they scale with the GPU's own. A table
that a GPU has of its own stays as it is. Run this after the fits: it writes topologies/gpus.
"""

import gemm
import tables

LENDERS = {
    "a100-sxm-40g": "a100-sxm-80g",
    "a100-pcie-40g": "a100-sxm-80g",
    "a100-pcie-80g": "a100-sxm-80g",
    "a800-sxm": "a100-sxm-80g",
    "a10": "a100-sxm-80g",
    "t4": "a100-sxm-80g",
    "v100-sxm2-16g": "a100-sxm-80g",
    "v100-sxm2-32g": "a100-sxm-80g",
    "v100-sxm3-32g": "a100-sxm-80g",
    "h100-pcie": "h100-sxm",
    "h100-nvl": "h100-sxm",
    "h100-96g-hbm2e": "h100-sxm",
    "h200-sxm": "h100-sxm",
    "gh200-96g": "h100-sxm",
    "gh200-144g": "h100-sxm",
    "h800-sxm": "h100-sxm",
    "h20": "h100-sxm",
    "gb200": "b200",
    "b300": "b200",
    "gb300": "b200",
    "l4": "l40s",
    "rtx-4090": "l40s",
    "rtx-6000-ada": "l40s",
    "rtx-pro-6000": "l40s",
}
# The chip whose linear layers tell how much of its rates is left under load.
LINEAR_LAYERS = ("b300", "gb300")
# The single keys of [kernel] that go along.
SHARES = ("grouped", "accumulating", "promoted", "sustained")


def kernel_tables(table, header="kernel"):
    """Headers of the tables below [kernel] that hold constants."""
    headers = []
    for key, inner in table.items():
        if not isinstance(inner, dict):
            continue
        below = f"{header}.{key}"
        holds = any(not isinstance(value, dict) for value in inner.values())
        headers += ([below] if holds else []) + kernel_tables(inner, below)
    return headers


def has_type(gpu, header):
    """Whether the GPU computes in the type of `[kernel.gemm.TYPE]`; blocks of fp8 are fp8."""
    if not header.startswith("kernel.gemm."):
        return True
    return header.split(".")[2].removesuffix("_block") in gpu.peak


def borrow(name, lender):
    """Copies the lender's tables that this GPU lacks or borrowed before."""
    borrower, source = tables.Gpu(name), tables.Gpu(lender)
    shares = {key: source.kernel[key] for key in SHARES if key in source.kernel}
    own = tables.read_table(borrower.path, "kernel")
    tables.write_table(borrower.path, "kernel", {"relative": lender} | shares | own)
    collectives = [f"collective.{kind}" for kind in source.collective]
    for header in kernel_tables(source.kernel) + collectives:
        target = header
        if header == "kernel.gemm.bf16" and "bf16" not in borrower.peak:
            target = "kernel.gemm.fp16"  # older parts: the same tensor cores under the other name
        if not has_type(borrower, target):
            continue
        kept = tables.read_table(borrower.path, target)
        if kept and "relative" not in kept:
            continue
        values = tables.read_table(source.path, header)
        # Where its products lie from the model of tiles is the lender's own.
        for key in ("source", "ratio_m", "ratios"):
            values.pop(key, None)
        tables.write_table(borrower.path, target, {"relative": lender} | values)
        kind = target.removeprefix("kernel.gemm.")
        if name in LINEAR_LAYERS and kind in gemm.LINEAR_LAYERS:
            left = gemm.load_of_linear_layers(tables.Gpu(name), kind)
            tables.update_table(borrower.path, target, {"sustained": left})
        print(f"{name}: [{target}] of {lender}")


def main():
    for name, lender in LENDERS.items():
        borrow(name, lender)


if __name__ == "__main__":
    main()
