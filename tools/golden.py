#!/usr/bin/python3
"""Holds what the tutorial prints against what it printed when somebody last read it.

    tools/golden.py             runs every scenarios/tutorial/*.toml; exits with 1 on a difference
    tools/golden.py --accept    makes what they print now the expectation; read `git diff` then

An expectation, tests/golden/<name>.txt, is the command, what it wrote to stdout and its exit
status. Lines about the run itself (wall-clock time, memory of the simulator, events) have their
numbers masked: they differ from machine to machine.

    tools/golden.py --like PROGRAM   also: both write timelines of the same bytes

So an instrumented program is held to the optimised one, byte for byte.
"""

import argparse
import difflib
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "build/release/bin/orrery"

# Scenarios whose timelines are held byte for byte: stages and experts, a pipeline, slow links.
TIMELINES = ["quickstart.toml", "tutorial/06-pipeline.toml", "tutorial/11-a-slow-link.toml"]

ABOUT_THE_RUN = re.compile(r"\b(wall|wall-clock|RSS|resident|events?)\b", re.IGNORECASE)
NUMBER = re.compile(r"\d[\d,. ]*\d|\d")
UNIT_OF_SIZE_OR_TIME = re.compile(r"# ?([kMGT]i?)?B\b|# ?([pnumµ]?s|min|h)\b")


def mask(text: str) -> str:
    """The text with the numbers of the lines about the run itself replaced by #, units included."""
    lines = []
    for line in text.splitlines():
        if ABOUT_THE_RUN.search(line):
            line = UNIT_OF_SIZE_OR_TIME.sub("#", NUMBER.sub("#", line))
        lines.append(line)
    return "".join(line.rstrip() + "\n" for line in lines)


def transcript(orrery: Path, scenario: Path, root: Path) -> str:
    """What a person would see who ran the scenario from the root of the checkout."""
    arguments = ["run", "--no-output", str(scenario.relative_to(root))]
    environment = {**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [orrery, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    complaint = done.stderr if done.returncode > 1 else ""
    command = " ".join(["$ orrery", *arguments])
    return f"{command}\n{mask(done.stdout)}{complaint}exit status {done.returncode}\n"


def checksums(orrery: Path, root: Path) -> str:
    """A line per timeline, as sha256sum prints it; none for a scenario that is not there."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "timeline.h5"
        for name in TIMELINES:
            scenario = root / "scenarios" / name
            if not scenario.exists():
                continue
            command = [orrery, "run", "-o", file, str(scenario.relative_to(root))]
            subprocess.run(command, cwd=root, capture_output=True, check=False)
            digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "no file"
            file.unlink(missing_ok=True)
            lines.append(f"{digest}  scenarios/{name}\n")
    return "".join(lines)


def difference(expected: str, got: str, name: str) -> str:
    lines = difflib.unified_diff(
        expected.splitlines(keepends=True),
        got.splitlines(keepends=True),
        fromfile=name,
        tofile="now",
    )
    return "".join(lines)


def compare(orrery: Path, root: Path) -> list[str]:
    """What differs, a text per scenario; empty when everything is as it was."""
    scenarios = {path.stem: path for path in (root / "scenarios/tutorial").glob("*.toml")}
    expectations = {path.stem: path for path in (root / "tests/golden").glob("*.txt")}
    found = []
    for name in sorted(scenarios.keys() | expectations.keys()):
        if name not in scenarios:
            found.append(f"tests/golden/{name}.txt has no scenario; --accept deletes it\n")
        elif name not in expectations:
            found.append(f"tests/golden/{name}.txt is not there; --accept writes it\n")
        else:
            expected = expectations[name].read_text(encoding="utf-8")
            got = transcript(orrery, scenarios[name], root)
            if expected != got:
                found.append(difference(expected, got, f"tests/golden/{name}.txt"))
    return found


def accept(orrery: Path, root: Path) -> None:
    folder = root / "tests/golden"
    folder.mkdir(parents=True, exist_ok=True)
    scenarios = sorted((root / "scenarios/tutorial").glob("*.toml"))
    for path in set(folder.glob("*.txt")) - {folder / f"{s.stem}.txt" for s in scenarios}:
        path.unlink()
    for scenario in scenarios:
        text = transcript(orrery, scenario, root)
        (folder / f"{scenario.stem}.txt").write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accept", action="store_true", help="write the expectations anew")
    parser.add_argument("--orrery", type=Path, default=BUILT, help="the program to run")
    parser.add_argument("--like", type=Path, help="a program to write the same timelines as")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    options = parser.parse_args(arguments)
    orrery, root = options.orrery.resolve(), options.root.resolve()
    if options.accept:
        accept(orrery, root)
        return 0
    found = compare(orrery, root)
    if options.like and not options.like.exists():
        print(f"golden: {options.like} is not built; timelines are held against nothing")
    elif options.like and options.like.resolve() != orrery:
        theirs, ours = checksums(options.like.resolve(), root), checksums(orrery, root)
        if theirs != ours:
            found.append(difference(theirs, ours, str(options.like)))
    for text in found:
        print(text, end="")
    if found:
        print(f"golden: {len(found)} differ; if that is right: tools/golden.py --accept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
