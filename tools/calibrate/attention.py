#!/usr/bin/python3
"""Fits [kernel.attention.PHASE] of the measured GPUs to the attention tables of tests/measured.

Forward and backward in one kernel: published figures of FlashAttention where there are some, else
an inference engine's prefill; decoding: an engine's decode steps. The formulas are those of
sim/hardware/kernel_times/tile.cpp. `--write` puts the result into topologies/gpus.
"""

import argparse

import numpy as np

import tables

FORWARD_STARTS = ((0.7, 200, 30, 5e-6), (0.6, 500, 10, 1e-5))
FORWARD_BOUNDS = ((0.1, 10, 1, 2e-6), (1.2, 3000, 200, 4e-5))
DECODE_STARTS = ((0.7, 20, 8e-6, 0.8), (0.5, 5, 8e-6, 0.8))
DECODE_BOUNDS = ((0.05, 1, 1e-6, 0.4), (0.75, 200, 4e-5, 1.0))
BANDWIDTH = 0.8  # training and prefill are bound by arithmetic: no row tells this share
FIGURE_LAUNCH = 4e-6  # the figures' kernels last too long to tell it


class Attention:
    """Causal or full self-attention of equal heads, priced by the tile model."""

    def __init__(self, gpu, batch, heads, kv_heads, length, width, causal):
        self.gpu, self.width = gpu, width
        diagonal = np.where(causal, 64.0, 0.0)
        self.keys = np.where(causal, (length + 1.0) / 2.0, length) + diagonal
        self.instances = batch * heads
        self.rows = self.instances * length
        self.bytes = 2.0 * batch * length * 2.0 * width * (heads + kv_heads)

    def seconds(self, constants, factor=4.0):
        efficiency, half_length, half_width, launch = constants
        busy = np.minimum(1.0, self.rows / 128.0 / self.gpu.sms)
        share = (
            efficiency
            * self.keys
            / (self.keys + half_length)
            * self.width
            / (self.width + half_width)
        )
        sm = factor * self.rows * self.keys * self.width / (self.gpu.peak["bf16"] * share * busy)
        memory = self.bytes * (1.0 if factor == 4.0 else 2.0) / (self.gpu.bandwidth * BANDWIDTH)
        return launch + np.maximum(sm, memory)


def figure(gpu, machine, kernel, kind):
    """A published figure as kernels and times: 16384 tokens, hidden size 2048, as its benchmark."""
    rows = [
        row
        for row in tables.read_rows("flash_attention.csv")
        if (row["gpu"], row["kernel"], row["pass"]) == (machine, kernel, kind)
    ]
    length, width = tables.column(rows, "seqlen"), tables.column(rows, "head_dim")
    causal = tables.column(rows, "causal") == 1
    batch, heads = 16384.0 / length, 2048.0 / width
    factor = {"fwd": 4.0, "fwd+bwd": 14.0}[kind]
    flops = factor * batch * heads * length * length * width * np.where(causal, 0.5, 1.0)
    return Attention(gpu, batch, heads, heads, length, width, causal), flops / (
        tables.column(rows, "tflops") * 1e12
    )


def prefill(gpu, library):
    rows = [
        row
        for row in tables.read_rows("attention.csv")
        if row["op"] == "attention_prefill"
        and row["gpu"] == gpu.name
        and library in row["library"]
        and row["type"] == row["kv_type"] == "bf16"
        and float(row["window"] or 0) == 0
    ]
    columns = [
        tables.column(rows, key)
        for key in ("batch", "heads", "kv_heads", "sequence_length", "head_dim")
    ]
    return Attention(gpu, *columns, np.full(len(rows), True)), tables.column(rows, "time_s")


def training(gpu, operation, widths):
    """Kernels of a training stack's calibration (SimuMax), causal; widths: (q·k, v).

    Its kernels never take less than about 90 us, whatever they do: below 150 us it timed its host.
    """
    rows = [
        row
        for row in tables.read_rows("kernels_other.csv")
        if row["gpu"] == gpu.name
        and row["op"] == operation
        and row["group"] == "SIMUMAX-OPS"
        and float(row["time_s"]) >= 150e-6
        and (float(row["head_dim"]), float(row["v_head_dim"])) == widths
    ]
    columns = [
        tables.column(rows, key) for key in ("batch", "heads", "kv_heads", "sequence_length")
    ]
    width = np.full(len(rows), sum(widths) / 2.0)
    return Attention(gpu, *columns, width, np.full(len(rows), True)), tables.column(rows, "time_s")


def forward_values(label, origin, attention, measured, launch=None, factor=4.0):
    bounds = FORWARD_BOUNDS
    if launch:
        bounds = tuple(side[:3] + (launch,) for side in FORWARD_BOUNDS)
    constants = tables.fit(lambda c: attention.seconds(c, factor), measured, FORWARD_STARTS, bounds)
    predicted = attention.seconds(constants, factor)
    tables.report(label, predicted, measured)
    return values_of(constants, origin, tables.spread(predicted, measured)), constants


def values_of(constants, origin, around):
    efficiency, half_length, half_width, launch = constants
    return {
        "source": f"tools/calibrate/attention.py on {origin}",
        "efficiency": efficiency,
        "half_length": half_length,
        "half_width": half_width,
        "launch": tables.microseconds(launch),
        "spread": around,
    }


def scaled(values, factor, origin):
    """The same curve at another height."""
    return values | {"source": origin, "efficiency": float(f"{values['efficiency'] * factor:.4g}")}


def backward_share(attention, measured, constants):
    """What backward reaches of the efficiency of forward, given the time of both together."""

    def both(share):
        slower = np.array([constants[0] * share[0], *constants[1:]])
        return attention.seconds(constants) + attention.seconds(slower, 10.0)

    share = tables.fit(both, measured, ((0.9,),), ((0.4,), (1.2,)))
    tables.report(
        f"{attention.gpu.name} forward and backward, share {share[0]:.3f}", both(share), measured
    )
    return float(share[0])


def h100(gpu):
    fa = "Dao-AILab/flash-attention"
    new, _ = forward_values(
        "h100-sxm forward",
        f"{fa} flash3_fp16_fwd.png",
        *figure(gpu, "H100 SXM", "FA3", "fwd"),
        FIGURE_LAUNCH,
    )
    old, constants = forward_values(
        "h100-sxm forward_flash2",
        f"{fa} figures",
        *figure(gpu, "H100 SXM", "FA2", "fwd"),
        FIGURE_LAUNCH,
    )
    share = backward_share(*figure(gpu, "H100 SXM", "FA2", "fwd+bwd"), constants)
    # 4 layers of DeepSeek-V3: 4.95 ms forward, 15.12 ms backward, of 2.5 times the arithmetic.
    profile = scaled(
        new, 2.5 * 4.95 / 15.12, "forward times 0.82: deepseek-ai/profile-data, attention kernels"
    )
    yield "forward", new
    yield "forward_flash2", old
    yield "backward", profile
    yield "backward_flash2", scaled(old, share, f"forward_flash2 times {share:.2f}: {fa} figures")


def a100(gpu):
    # Forward alone was not published: it shares the curve of both together.
    attention, measured = figure(gpu, "A100 SXM 80GB", "FA2", "fwd+bwd")
    values, _ = forward_values(
        "a100-sxm-80g forward and backward",
        "Dao-AILab/flash-attention figures",
        attention,
        measured,
        FIGURE_LAUNCH,
        14.0,
    )
    # Both together at the rate r, backward at 0.9 of forward, as FlashAttention-2 on an H100.
    share = 0.9
    forward = (4.0 + 10.0 / share) / 14.0
    yield "forward", scaled(values, forward, values["source"])
    yield "backward", scaled(values, forward * share, values["source"])


def b200(gpu):
    origin = "MooreThreads/SimuMax b200_bf16_ceperm.json"
    for phase, operation, factor in (
        ("forward", "attention_prefill", 4.0),
        ("backward", "attention_backward", 10.0),
    ):
        attention, measured = training(gpu, operation, (128.0, 128.0))
        values, constants = forward_values(
            f"b200 {phase}", origin, attention, measured, FIGURE_LAUNCH, factor
        )
        mixed, times = training(gpu, operation, (192.0, 128.0))
        values["unequal"] = float(f"{np.median(mixed.seconds(constants, factor) / times):.3f}")
        yield phase, values


def l40s(gpu):
    values, _ = forward_values(
        "l40s forward", "ai-dynamo/aiconfigurator@095f58a, trtllm rows", *prefill(gpu, "trtllm")
    )
    yield "forward", values
    yield "backward", scaled(values, 0.9, "forward times 0.9, as FlashAttention-2 on an H100")


def decode(gpu, library):
    """Grouped queries and absorbed latent attention, cache in bf16."""
    rows = [
        row
        for row in tables.read_rows("attention.csv")
        if row["gpu"] == gpu.name
        and row["kv_type"] == "bf16"
        and library in row["library"]
        and row["op"] in ("attention_decode", "mla_decode")
    ]
    latent = np.array([row["op"] == "mla_decode" for row in rows])
    batch, heads, length, width, measured = (
        tables.column(rows, key)
        for key in ("batch", "heads", "context_length", "head_dim", "time_s")
    )
    kv_heads = np.where(latent, 1.0, np.maximum(1.0, tables.column(rows, "kv_heads")))
    both = np.where(latent, 576.0 + 512.0, 2.0 * width)
    cached = np.where(latent, 576.0, 2.0 * width)
    moved = 2.0 * (batch * kv_heads * length * cached + batch * heads * both)
    flops, shared = 2.0 * batch * heads * length * both, heads / kv_heads

    def seconds(constants):
        efficiency, half_rows, launch, bandwidth = constants
        sm = flops / (gpu.peak["bf16"] * efficiency * shared / (shared + half_rows))
        return launch + np.maximum(sm, moved / (gpu.bandwidth * bandwidth))

    constants = tables.fit(seconds, measured, DECODE_STARTS, DECODE_BOUNDS)
    predicted = seconds(constants)
    tables.report(f"{gpu.name} decode", predicted, measured)
    efficiency, half_rows, launch, bandwidth = constants
    return {
        "source": "tools/calibrate/attention.py on ai-dynamo/aiconfigurator@095f58a, "
        + f"{library} rows",
        "efficiency": efficiency,
        "half_rows": half_rows,
        "launch": tables.microseconds(launch),
        "bandwidth": bandwidth,
        "spread": tables.spread(predicted, measured),
    }


PHASES = {"a100-sxm-80g": a100, "h100-sxm": h100, "b200": b200, "l40s": l40s}
# An A100's latent decoding was measured with a kernel that does not use its tensor cores well.
DECODES = {
    "a100-sxm-80g": "vllm",
    "h100-sxm": "trtllm 1.3",
    "h200-sxm": "trtllm 1.3",
    "b200": "trtllm 1.3",
    "gb200": "trtllm 1.3",
    "l40s": "trtllm 1.3",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the result into topologies/gpus")
    options = parser.parse_args()
    results = []
    for name, phases in PHASES.items():
        gpu = tables.Gpu(name)
        results += [(gpu, phase, values) for phase, values in phases(gpu)]
    for name, library in DECODES.items():
        gpu = tables.Gpu(name)
        results.append((gpu, "decode", decode(gpu, library)))
    if options.write:
        for gpu, phase, values in results:
            tables.write_table(gpu.path, f"kernel.attention.{phase}", values)


if __name__ == "__main__":
    main()
