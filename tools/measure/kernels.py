#!/usr/bin/python3
"""Measures a GPU's kernels with PyTorch, in the columns that tools/calibrate reads.

    tools/measure/kernels.py --gpu h200-sxm --group MINE --source "my cluster, torch 2.9" -o FOLDER

writes FOLDER/gemm.csv and FOLDER/kernels_other.csv: matrix products, products of experts and
attention, forward and backward. `--gpu` is the name of the GPU's file in
topologies/gpus. Each kernel runs on operands that rotate through more memory than the caches hold,
and counts with the median of its repetitions; `--seconds` goes on for so long to reach the clock
that lasts. Needs torch with CUDA; `--list` prints what would be measured and needs nothing.
"""

import argparse
import csv
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

CACHE = 256 << 20  # bytes, more than the last cache of any GPU here
REPETITIONS = 20
ELEMENT = {"bf16": 2, "fp16": 2, "fp8": 1}

GEMM_COLUMNS = (
    "id group source library kernel.gpu kernel.op kernel.type kernel.stage kernel.layout "
    "kernel.m kernel.n kernel.k kernel.batch measured.time_s notes"
).split()
OTHER_COLUMNS = (
    "id group source library kernel.gpu kernel.op kernel.type kernel.stage kernel.m kernel.n "
    "kernel.k kernel.groups kernel.batch kernel.sequence_length kernel.context_length kernel.heads "
    "kernel.kv_heads kernel.head_dim kernel.v_head_dim measured.time_s notes"
).split()

# The widths of current models, from a thousandth of a GPU's work to many waves of it.
ROWS = (1, 16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
WIDTHS = ((4096, 4096), (6144, 4096), (14336, 4096), (4096, 14336), (8192, 8192), (28672, 8192))
EXPERTS = ((8, 14336, 4096), (8, 4096, 14336), (32, 4096, 7168), (32, 7168, 2048))
EXPERT_ROWS = (16, 64, 256, 1024, 4096)
SEQUENCES = (512, 1024, 2048, 4096, 8192, 16384)
HEADS = ((32, 8, 128), (64, 8, 128), (32, 32, 64))


@dataclass(frozen=True)
class Kernel:
    """One thing to measure: its columns, and what it needs to be made of."""

    op: str
    type: str
    columns: dict = field(hash=False, default_factory=dict)

    def name(self) -> str:
        sizes = " ".join(f"{key} {value}" for key, value in self.columns.items())
        return f"{self.op} {self.type} {sizes}"


def products(kinds) -> list[Kernel]:
    return [
        Kernel("gemm", kind, {"m": m, "n": n, "k": k})
        for kind in kinds
        for n, k in WIDTHS
        for m in ROWS
    ]


def grouped_products() -> list[Kernel]:
    return [
        Kernel("grouped_gemm", "bf16", {"groups": groups, "m": m, "n": n, "k": k})
        for groups, n, k in EXPERTS
        for m in EXPERT_ROWS
    ]


def attentions() -> list[Kernel]:
    sizes = [
        {
            "batch": max(1, 16384 // length),
            "sequence_length": length,
            "heads": heads,
            "kv_heads": kv_heads,
            "head_dim": width,
        }
        for heads, kv_heads, width in HEADS
        for length in SEQUENCES
    ]
    ops = ("attention_prefill", "attention_backward")
    return [Kernel(op, "bf16", size) for op in ops for size in sizes]


def plan(kinds) -> dict[str, list[Kernel]]:
    """What goes into which file."""
    return {"gemm.csv": products(kinds), "kernels_other.csv": grouped_products() + attentions()}


def row(kernel: Kernel, number: int, seconds: float, options) -> dict[str, str]:
    """A measured kernel as a row of its table."""
    sizes = {f"kernel.{key}": str(value) for key, value in kernel.columns.items()}
    return sizes | {
        "id": f"{options.group}-{number:05d}",
        "group": options.group,
        "source": options.source,
        "library": options.library,
        "kernel.gpu": options.gpu,
        "kernel.op": kernel.op,
        "kernel.type": kernel.type,
        "measured.time_s": f"{seconds:.6g}",
    }


def write(file: Path, columns, rows) -> None:
    with open(file, "w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


class TorchBench:
    """Runs kernels on the GPU and times them by its own events."""

    def __init__(self, seconds: float):
        import torch  # here, so that --list needs none

        if not torch.cuda.is_available():
            raise SystemExit("kernels: torch sees no GPU")
        self.torch, self.seconds = torch, seconds
        self.library = f"torch {torch.__version__}"
        self.types = {"bf16": torch.bfloat16, "fp16": torch.float16}

    def random(self, *sizes, kind="bf16"):
        return self.torch.randn(*sizes, device="cuda", dtype=self.types[kind])

    def call_of(self, kernel: Kernel):
        """A list of calls that do the same on different memory."""
        size = kernel.columns
        if kernel.op == "gemm":
            return self.gemm_calls(kernel.type, size["m"], size["n"], size["k"])
        if kernel.op == "grouped_gemm":
            return self.grouped_calls(size["groups"], size["m"], size["n"], size["k"])
        return self.attention_calls(size, backward=kernel.op == "attention_backward")

    def copies(self, size_bytes: int) -> int:
        return max(2, min(64, CACHE // max(1, size_bytes) + 1))

    def gemm_calls(self, kind, m, n, k):
        if kind == "fp8":
            return self.scaled_calls(m, n, k)
        count = self.copies(ELEMENT[kind] * n * k)
        rows = self.random(m, k, kind=kind)
        weights = [self.random(n, k, kind=kind) for _ in range(count)]
        return [lambda w=w: self.torch.nn.functional.linear(rows, w) for w in weights]

    def scaled_calls(self, m, n, k):
        """Bare products of fp8 with a scale per tensor: nothing is quantised while timed."""
        torch = self.torch
        one = torch.ones((), device="cuda")
        rows = self.random(max(m, 16), k).to(torch.float8_e4m3fn)
        count = self.copies(n * k)
        weights = [self.random(n, k).to(torch.float8_e4m3fn).t() for _ in range(count)]
        scales = {"scale_a": one, "scale_b": one, "out_dtype": torch.bfloat16}
        return [lambda w=w: torch._scaled_mm(rows, w, **scales) for w in weights]

    def grouped_calls(self, groups, m, n, k):
        torch = self.torch
        rows = self.random(groups * m, k)
        ends = torch.arange(m, groups * m + 1, m, device="cuda", dtype=torch.int32)
        count = self.copies(2 * groups * n * k)
        weights = [self.random(groups, n, k) for _ in range(count)]
        return [lambda w=w: torch._grouped_mm(rows, w.transpose(1, 2), offs=ends) for w in weights]

    def attention_calls(self, size, backward):
        torch = self.torch
        shape = lambda heads: (size["batch"], heads, size["sequence_length"], size["head_dim"])
        q = self.random(*shape(size["heads"])).requires_grad_(backward)
        k, v = (self.random(*shape(size["kv_heads"])).requires_grad_(backward) for _ in range(2))
        attend = lambda: torch.nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=True, enable_gqa=size["heads"] != size["kv_heads"]
        )
        if not backward:
            return [attend]
        out = attend()
        gradient = torch.randn_like(out)
        return [lambda: torch.autograd.grad(out, (q, k, v), gradient, retain_graph=True)]

    def time(self, kernel: Kernel) -> float:
        """Median seconds of one execution."""
        calls = self.call_of(kernel)
        for call in calls[:3]:
            call()
        event = lambda: self.torch.cuda.Event(enable_timing=True)
        spent, times, turn = 0.0, [], 0
        while len(times) < REPETITIONS or spent < self.seconds:
            begin, end = event(), event()
            begin.record()
            calls[turn % len(calls)]()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end) * 1e-3)
            spent, turn = spent + times[-1], turn + 1
        return statistics.median(times[-REPETITIONS:])


def measure(bench, kernels, options):
    """Rows of all kernels that the GPU can run; what it cannot is said and left out."""
    rows = []
    for kernel in kernels:
        try:
            seconds = bench.time(kernel)
        except RuntimeError as failure:
            print(f"kernels: {kernel.name()}: {str(failure).splitlines()[0]}", file=sys.stderr)
            continue
        rows.append(row(kernel, len(rows), seconds, options))
    return rows


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gpu", help="name of a file in topologies/gpus")
    parser.add_argument("--group", default="OWN", help="what the table calls this source")
    parser.add_argument("--source", default="", help="where and with what it was measured")
    parser.add_argument("--types", nargs="+", default=["bf16"], choices=sorted(ELEMENT))
    parser.add_argument("--seconds", type=float, default=0.0, help="at least so long per kernel")
    parser.add_argument("-o", "--output", type=Path, default=Path("."), help="a folder")
    parser.add_argument("--list", action="store_true", help="print the kernels and stop")
    options = parser.parse_args(arguments)
    if not options.list and not options.gpu:
        parser.error("--gpu is missing: the name of the GPU's file in topologies/gpus")
    return options


def main(arguments, make_bench=TorchBench) -> int:
    options = parse(arguments)
    planned = plan(options.types)
    if options.list:
        for kernels in planned.values():
            for kernel in kernels:
                print(kernel.name())
        return 0
    bench = make_bench(options.seconds)
    options.library = bench.library
    options.output.mkdir(parents=True, exist_ok=True)
    for file, kernels in planned.items():
        columns = GEMM_COLUMNS if file == "gemm.csv" else OTHER_COLUMNS
        write(options.output / file, columns, measure(bench, kernels, options))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
