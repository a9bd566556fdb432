"""What tools/measure writes, with a bench that needs no GPU and an output of nccl-tests."""

import csv
import io
from pathlib import Path

import collectives
import kernels

ROOT = Path(__file__).resolve().parents[2]

# Two results and the words around them, as nccl-tests lays them out.
PRINTED = """\
# nThread 1 nGpus 8 minBytes 512 maxBytes 1024 step: 2(factor) warmup iters: 5 iters: 20
#       size         count      type   redop    root     time   algbw   busbw #wrong     time
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)
         512           128     float     sum      -1    15.60    0.03    0.06      0    15.41
        1024           256     float     sum      -1    15.72    0.07    0.11      0    15.55
# Avg bus bandwidth    : 0.0867
"""


class Clock:
    """Says that a product takes a nanosecond per row, and that this GPU has no experts."""

    library = "clock"

    def __init__(self, seconds):
        self.seconds = seconds

    def time(self, kernel):
        if kernel.op == "grouped_gemm":
            raise RuntimeError("not on this GPU\nand a stack of calls")
        return 1e-9 * kernel.columns.get("m", 1)


def columns_of(name):
    with open(ROOT / "tests/measured" / name, newline="", encoding="utf-8") as lines:
        return next(csv.reader(lines))


def test_the_tables_have_the_columns_of_those_that_ship():
    assert kernels.GEMM_COLUMNS == columns_of("gemm.csv")
    assert kernels.OTHER_COLUMNS == columns_of("kernels_other.csv")
    assert set(collectives.COLUMNS) <= set(columns_of("collectives.csv"))


def test_every_planned_product_becomes_a_row(tmp_path):
    kernels.main(["--gpu", "h200-sxm", "--group", "MINE", "-o", str(tmp_path)], Clock)

    with open(tmp_path / "gemm.csv", newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == len(kernels.products(["bf16"]))
    assert rows[1]["kernel.gpu"] == "h200-sxm"
    assert rows[1]["id"] == "MINE-00001"
    assert float(rows[1]["measured.time_s"]) == 1e-9 * float(rows[1]["kernel.m"])


def test_what_the_gpu_cannot_run_is_said_and_left_out(tmp_path, capsys):
    kernels.main(["--gpu", "h200-sxm", "-o", str(tmp_path)], Clock)

    text = (tmp_path / "kernels_other.csv").read_text(encoding="utf-8")
    assert "grouped_gemm" not in text and "attention_backward" in text
    assert "grouped_gemm bf16 groups 8 m 16" in capsys.readouterr().err


def test_the_list_needs_no_gpu(capsys):
    assert kernels.main(["--list", "--types", "bf16", "fp8"]) == 0

    assert "gemm fp8 m 1 n 4096 k 4096" in capsys.readouterr().out


def test_results_of_nccl_tests_become_rows():
    out = io.StringIO()
    words = ["--op", "all_reduce", "--gpu", "H100", "--gpus", "8", "--library", "NCCL 2.29.2"]

    assert collectives.main([*words, "--header"], PRINTED.splitlines(), out) == 0

    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["collective.size_bytes"] for row in rows] == ["512", "1024"]
    assert rows[0]["measured.time_s"] == "1.56e-05"
    assert rows[0]["collective.type"] == "fp32"


def test_an_output_without_results_is_an_error(capsys):
    words = ["--op", "all_reduce", "--gpu", "H100", "--gpus", "8", "--library", "NCCL 2.29.2"]

    assert collectives.main(words, ["# nothing"], io.StringIO()) == 2
    assert "no line of the input" in capsys.readouterr().err
