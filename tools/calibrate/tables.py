"""Measured tables in, fitted tables of a GPU's file out: what every fit of this folder shares."""

import csv
import functools
import pathlib
import re
import tomllib

import numpy as np
from scipy.optimize import minimize

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEASURED = ROOT / "tests" / "measured"
GPUS = ROOT / "topologies" / "gpus"

RATE = {"TFLOP/s": 1e12, "GB/s": 1e9}


def read_rows(name):
    """Rows of tests/measured/NAME as dictionaries; `kernel.m` is called `m`."""
    with open(MEASURED / name, newline="", encoding="utf-8") as file:
        return [
            {key.split(".")[-1]: value for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def column(rows, key):
    """One column as numbers; an empty cell is 0."""
    return np.array([float(row[key] or 0) for row in rows])


@functools.cache
def type_words():
    """How the number types of the kernel tables were timed: [[type]] of sources.toml."""
    text = (MEASURED / "sources.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["type"]


def type_word(row):
    """The first entry whose words all match the row; None where the type stands for itself."""
    for word in type_words():
        columns = {key.split(".")[-1]: value for key, value in word.get("columns", {}).items()}
        if word["name"] == row["type"] and all(row[key] == columns[key] for key in columns):
            return word
    return None


def rate(text):
    """ "989 TFLOP/s" as a number per second."""
    number, unit = text.split()
    return float(number) * RATE[unit]


class Gpu:
    """What a fit needs to know of a GPU."""

    def __init__(self, name):
        self.name = name
        self.path = GPUS / f"{name}.toml"
        tree = tomllib.loads(self.path.read_text(encoding="utf-8"))
        self.peak = {kind: rate(text) for kind, text in tree["peak"].items()}
        self.bandwidth = rate(tree["memory"]["bandwidth"])
        self.sms = tree["streaming_multiprocessors"]
        self.kernel = tree.get("kernel", {})
        self.collective = tree.get("collective", {})


def fit(predict, measured, starts, bounds, weights=None):
    """Parameters that make the mean absolute logarithm of predicted / measured least.

    Nelder-Mead on logarithms from each start, restarted where it stopped, kept inside the bounds by
    a steep wall. No randomness: the same tables give the same numbers.
    """
    low, high = (np.log(np.array(side)) for side in bounds)
    weights = np.ones(len(measured)) if weights is None else weights

    def loss(x):
        wall = np.sum(np.maximum(0, low - x) ** 2 + np.maximum(0, x - high) ** 2)
        ratio = np.log(predict(np.exp(np.clip(x, low, high))) / measured)
        return np.sum(weights * np.sqrt(ratio * ratio + 1e-4)) / np.sum(weights) + 10.0 * wall

    best = None
    for start in starts:
        x = np.log(np.array(start))
        for _ in range(3):
            found = minimize(
                loss,
                x,
                method="Nelder-Mead",
                options={"maxiter": 800, "maxfev": 800, "xatol": 1e-4, "fatol": 1e-6},
            )
            x = found.x
        if best is None or found.fun < best.fun:
            best = found
    # What is written is what was judged: four significant digits.
    return np.array([float(f"{value:.4g}") for value in np.exp(np.clip(best.x, low, high))])


def spread(predicted, measured):
    """10th and 90th percentile of measured / predicted."""
    return [float(f"{q:.3f}") for q in np.quantile(measured / predicted, (0.1, 0.9))]


def report(label, predicted, measured, large=None, meaning="m >= 512"):
    """One line: how far the model is from what was measured, of all and of the large ones."""
    error = predicted / measured - 1.0
    line = f"{label:44s} {len(measured):4d} rows  "
    line += f"mean |error| {np.abs(error).mean():6.1%}  bias {error.mean():+6.1%}"
    if large is not None:
        line += f"  {meaning}: {np.abs(error[large]).mean():6.1%} {error[large].mean():+6.1%}"
    print(line)


def microseconds(seconds):
    return f'"{float(f"{seconds * 1e6:.4g}"):g} us"'


def in_lines(numbers, width):
    """A list of numbers as TOML, so many a line."""
    rows = [numbers[i : i + width] for i in range(0, len(numbers), width)]
    return "[\n" + "".join("  " + ", ".join(f"{x:g}" for x in row) + ",\n" for row in rows) + "]"


def value_text(value, width=0):
    if isinstance(value, str):
        return value if value.startswith('"') else f'"{value}"'
    if width and isinstance(value, (list, tuple)):
        return in_lines(value, width)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(value_text(one) for one in value) + "]"
    return f"{value:g}"


def table_text(header, values):
    """A TOML table with its equal signs below each other."""
    width = max(len(key) for key in values)
    row = 2 + len(values.get("ratio_m", ()))
    lines = [f"[{header}]"] + [
        f"{key:<{width}} = {value_text(value, row if key == 'ratios' else 0)}"
        for key, value in values.items()
    ]
    return "\n".join(lines) + "\n"


def read_table(path, header):
    """The keys of `[header]` in a GPU's file, sub-tables left out; empty if there is none."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for part in header.split("."):
        table = table.get(part, {})
    return {key: value for key, value in table.items() if not isinstance(value, dict)}


def update_table(path, header, values):
    """Changes some keys of `[header]`."""
    if values:
        write_table(path, header, read_table(path, header) | values)


def write_table(path, header, values):
    """Puts `[header]`, one of the fitted tables, into a GPU's file, at whose end they stand."""
    text = path.read_text(encoding="utf-8")
    start = re.search(r"^\[(kernel|collective)[].]", text, re.MULTILINE)
    head, tail = (text[: start.start()], text[start.start() :]) if start else (text, "")
    kernel = {
        re.match(r"\[(.*)\]", one)[1]: one.strip()
        for one in re.split(r"\n(?=\[(?:kernel|collective)[].])", tail)
        if one.strip()
    }
    kernel[header] = table_text(header, values).strip()
    ordered = [kernel[one] for one in sorted(kernel, key=place)]
    path.write_text("\n\n".join([head.strip(), *ordered]) + "\n", encoding="utf-8")


def place(header):
    """Where a table stands: kernels first, in them memory, products by width, attention."""
    order = (
        "kernel",
        "memory",
        "quantize",
        "gemm",
        "bf16",
        "fp16",
        "fp8",
        "fp8_block",
        "mxfp8",
        "nvfp4",
        "attention",
        "forward",
        "forward_flash2",
        "backward",
        "backward_flash2",
        "decode",
        "sglang",
        "collective",
        "ring",
        "nvls",
        "pairs",
    )
    return [order.index(part) for part in header.split(".")]
