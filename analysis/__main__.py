"""Draws a run: python3 -m analysis RESULT.h5 -o run.png

Or what a table of measured runs was validated to: python3 -m analysis validated.json -o page.html
"""

import argparse
import re
import sys
from pathlib import Path

from . import accuracy, plots, style
from .reader import Run, UnreadableRun

TIME_SIZES = {"ps": 1e-12, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        if options.run.suffix == ".json":
            print(show_accuracy(options))
            return 0
        with Run(options.run) as run:
            for path in draw(run, options):
                print(path)
    except (UnreadableRun, accuracy.UnreadableValidation, IndexError, ValueError, OSError) as error:
        print(f"analysis: {error}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m analysis",
        description="Draws what ranks did, what memory held and how busy GPUs and links were; "
        "or, of what `orrery validate --json` printed, predicted against measured.",
    )
    parser.add_argument("run", metavar="RESULT.h5|VALIDATED.json", type=Path)
    parser.add_argument(
        "-o",
        dest="output",
        type=Path,
        help="a picture (.png .svg .pdf) for one page, or a folder for a picture per plot; "
        "by default a .png beside the result. Of a validation: a page (.html) or tables (.md)",
    )
    parser.add_argument("--ranks", help="such as 0,8-15; by default one of each class, at most 8")
    parser.add_argument("--from", dest="begin", metavar="T", help='such as "12 ms"')
    parser.add_argument("--to", dest="end", metavar="T")
    return parser


def show_accuracy(options: argparse.Namespace) -> Path:
    of_runs = {"--ranks": options.ranks, "--from": options.begin, "--to": options.end}
    for name, value in of_runs.items():
        if value:
            raise ValueError(f"{name} speaks of a run, {options.run} is a validation")
    validation = accuracy.read(options.run)
    output = options.output or options.run.with_suffix(".html")
    writers = {".html": accuracy.page, ".md": accuracy.markdown}
    if output.suffix not in writers:
        raise ValueError(f"{output} is neither a page (.html) nor tables (.md)")
    output.write_text(writers[output.suffix](validation), encoding="utf-8")
    return output


def draw(run: Run, options: argparse.Namespace) -> list[Path]:
    ranks = parse_ranks(options.ranks, run.ranks) if options.ranks else None
    begin, end = plots.whole(run)
    window = (
        parse_time(options.begin) if options.begin else begin,
        parse_time(options.end) if options.end else end,
    )
    if window[0] >= window[1]:
        raise ValueError(f"nothing lies between {window[0]:g} s and {window[1]:g} s")
    output = options.output or options.run.with_suffix(".png")
    if output.suffix.lower() in (".png", ".svg", ".pdf"):
        pages = {output: plots.overview(run, ranks, window)}
    else:
        output.mkdir(exist_ok=True)
        pages = {
            output / "timeline.png": plots.timeline_page(run, ranks, window),
            output / "memory.png": plots.memory_page(run, ranks, window),
            output / "utilisation.png": plots.utilisation_page(run, window),
        }
    for path, page in pages.items():
        style.save(page, path)
    return list(pages)


def parse_ranks(text: str, count: int) -> list[int]:
    """ "0,8-10" as [0, 8, 9, 10]."""
    ranks = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if not match:
            raise ValueError(f"--ranks: '{part}' is no rank and no range; write 0,8-15")
        first, last = int(match[1]), int(match[2] or match[1])
        if last >= count:
            raise ValueError(f"--ranks: there is no rank {last}; the last is {count - 1}")
        ranks.update(range(first, last + 1))
    return sorted(ranks)


def parse_time(text: str) -> float:
    """ "12 ms" as 0.012."""
    match = re.fullmatch(r"\s*([\d.]+(?:e[+-]?\d+)?)\s*(ps|ns|us|ms|s)\s*", text)
    if not match:
        raise ValueError(f"'{text}' is no time with a unit (s, ms, us, ns, ps), such as \"12 ms\"")
    return float(match[1]) * TIME_SIZES[match[2]]


if __name__ == "__main__":
    sys.exit(main())
