"""Predicted against measured, for people: a page that stands on its own, or tables in Markdown.

Reads what `orrery validate TABLE.csv --json` printed. The page is accuracy.html of this folder with
the rows put in; it asks nothing of a network. The same JSON gives the same bytes.
"""

import json
from pathlib import Path

TEMPLATE = Path(__file__).with_name("accuracy.html")
PLACE = "/*ROWS*/"
COMMAND = "orrery validate TABLE.csv --json > validated.json; python3 -m analysis validated.json"
KEPT = ("id", "group", "metric", "predicted", "measured", "error", "low", "high")
DEGREES = ("tp", "cp", "pp", "vpp", "ep", "etp", "dp")
METRICS = {
    "step_time_s": "step time",
    "model_tflops_per_gpu": "TFLOP/s",
    "mfu": "MFU",
    "peak_memory_bytes": "peak memory",
    "layer_forward_s": "layer forward",
    "layer_backward_s": "layer backward",
    "experts_forward_s": "experts forward",
    "experts_backward_s": "experts backward",
}


class UnreadableValidation(Exception):
    """The file is not what `orrery validate --json` prints."""


def read(path: Path) -> dict:
    try:
        validation = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UnreadableValidation(f"{path} is not JSON: {error}") from error
    if not isinstance(validation, dict) or not {"rows", "groups", "skipped"} <= validation.keys():
        raise UnreadableValidation(
            f"{path} is not what `orrery validate TABLE.csv --json` prints: "
            "it has no rows, groups and skipped"
        )
    if not validation["rows"]:
        raise UnreadableValidation(f"no row of {path} was predicted: there is nothing to show")
    return validation


def page(validation: dict) -> str:
    rows = [shown_row(row) for row in validation["rows"]]
    content = {
        "lead": lead(validation),
        "command": COMMAND,
        "rows": rows,
        "skipped": validation["skipped"],
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Inside a script element nothing may look like its end.
    return TEMPLATE.read_text(encoding="utf-8").replace(PLACE, text.replace("<", "\\u003c"))


def lead(validation: dict) -> str:
    rows = len({row["id"] for row in validation["rows"]})
    sources = len({row["group"] for row in validation["rows"]})
    measured = f"{count(rows, 'measured row')} of {count(sources, 'source')}"
    return f"{measured}, each predicted from what its source states of it."


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def shown_row(row: dict) -> dict:
    kept = {key: rounded(row[key]) for key in KEPT if key in row}
    columns = row.get("columns")
    if columns:
        named = {key: columns[key] for key in ("cluster", "gpus") if key in columns}
        kept["columns"] = {"model": model_of(columns)} | named | {"plan": plan_of(columns)}
    return kept


def rounded(value):
    """Six digits are more than a screen shows."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def model_of(columns: dict) -> str:
    """ "models/gpt3-5b.toml" as "gpt3-5b"."""
    return Path(columns.get("model", "")).stem


def plan_of(columns: dict) -> str:
    words = [columns.get("workload.precision", "")]
    for key in DEGREES:
        degree = columns.get(f"strategy.{key}", "")
        words.append(f"{key} {degree}" if degree not in ("", "1") else "")
    batch, length = columns.get("workload.micro_batch"), columns.get("workload.sequence_length")
    words.append(f"{batch} × {length} tokens" if batch and length else "")
    return " · ".join(word for word in words if word)


def markdown(validation: dict, worst: int = 5) -> str:
    """The tables of sources, the most accurate first, and the rows furthest off of each metric."""
    lines = [
        "| source | what | rows | mean absolute error | median | bias | worst | in 10–90 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [group_line(group) for group in main_groups(validation)]
    lines += ["", "| worst rows | what | measured | predicted | error |", "|---|---|---|---|---|"]
    judged = {(group["group"], group["metric"]) for group in main_groups(validation)}
    rows = [row for row in validation["rows"] if (row["group"], row["metric"]) in judged]
    rows.sort(key=lambda row: (-abs(row["error"]), row["id"]))
    lines += [row_line(row) for row in rows[:worst]]
    return "\n".join(lines) + "\n"


def main_groups(validation: dict) -> list[dict]:
    """Of time and the figures that are so much a time, the one with most rows of each source."""
    best = {}
    for group in validation["groups"]:
        memory = group["metric"].endswith("_bytes")
        key = (memory, group["group"])
        before = best.get(key)
        if before is None or weight(group) > weight(before):
            best[key] = group
    return [best[key] for key in sorted(best, key=lambda k: (k[0], best[k]["mean_absolute_error"]))]


def weight(group: dict) -> tuple[int, bool]:
    """Of equally many rows the time tells more than rates that follow from it."""
    return group["rows"], is_time(group)


def is_time(group: dict) -> bool:
    return group["metric"].endswith("_s") and not group["metric"].endswith("per_s")


def group_line(group: dict) -> str:
    inside = group.get("inside_interval")
    cells = [
        group["group"],
        METRICS.get(group["metric"], group["metric"]),
        str(group["rows"]),
        percent(group["mean_absolute_error"]),
        percent(group["median_absolute_error"]),
        signed(group["bias"]),
        signed(group["worst"]),
        "" if inside is None else f"{100 * inside:.0f} %",
    ]
    return f"| {' | '.join(cells)} |"


def row_line(row: dict) -> str:
    columns = row.get("columns", {})
    run = " · ".join(word for word in (model_of(columns), plan_of(columns)) if word)
    cells = [
        f"{row['id']} of {row['group']}" + (f": {run}" if run else ""),
        METRICS.get(row["metric"], row["metric"]),
        f"{row['measured']:.4g}",
        f"{row['predicted']:.4g}",
        signed(row["error"]),
    ]
    return f"| {' | '.join(cells)} |"


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def signed(value: float) -> str:
    return f"{100 * value:+.1f} %"
