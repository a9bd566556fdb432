#!/usr/bin/python3
"""Turns what nccl-tests prints into rows of collectives.csv, which tools/calibrate reads.

    mpirun -np 8 all_reduce_perf -b 512 -e 1G -f 2 | tools/measure/collectives.py \\
        --op all_reduce --gpu H100 --gpus 8 --library "NCCL 2.29.2" --group MINE >> collectives.csv

Times are those out of place. Sizes are as nccl-tests counts them. `--header` prints the columns
first. Lines that are not results are passed over; a run without results is an error.
"""

import argparse
import csv
import sys

COLUMNS = (
    "id group source library collective.gpu collective.gpus collective.nodes "
    "collective.gpus_per_node collective.intranode collective.internode collective.op "
    "collective.type collective.size_bytes measured.time_s"
).split()
TYPES = {"float": "fp32", "half": "fp16", "bfloat16": "bf16", "int8": "int8"}


def results(lines):
    """(bytes, type, seconds) of each line that holds a result."""
    for line in lines:
        words = line.split()
        if len(words) < 8 or not words[0].isdigit() or not words[1].isdigit():
            continue
        # size, count, type, redop, root, then time, algbw, busbw out of place
        yield int(words[0]), TYPES.get(words[2], words[2]), float(words[5]) * 1e-6


def rows(lines, options):
    for number, (size, kind, seconds) in enumerate(results(lines)):
        yield {
            "id": f"{options.group}-{options.op}-{number:04d}",
            "group": options.group,
            "source": options.source,
            "library": options.library,
            "collective.gpu": options.gpu,
            "collective.gpus": options.gpus,
            "collective.nodes": options.nodes,
            "collective.gpus_per_node": options.gpus // options.nodes,
            "collective.intranode": options.intranode,
            "collective.internode": options.internode,
            "collective.op": options.op,
            "collective.type": kind,
            "collective.size_bytes": size,
            "measured.time_s": f"{seconds:.6g}",
        }


def main(arguments, lines, out) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--op", required=True, help="all_reduce, all_gather, all_to_all, ...")
    parser.add_argument("--gpu", required=True, help="as sources.toml calls the machine")
    parser.add_argument("--gpus", required=True, type=int)
    parser.add_argument("--nodes", default=1, type=int)
    parser.add_argument("--intranode", default="", help="as sources.toml calls the machine")
    parser.add_argument("--internode", default="")
    parser.add_argument("--library", required=True, help='"NCCL 2.29.2"')
    parser.add_argument("--group", default="OWN", help="what the table calls this source")
    parser.add_argument("--source", default="", help="where it was measured")
    parser.add_argument("--header", action="store_true", help="print the columns first")
    options = parser.parse_args(arguments)
    found = list(rows(lines, options))
    if not found:
        print("collectives: no line of the input is a result of nccl-tests", file=sys.stderr)
        return 2
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    if options.header:
        writer.writeheader()
    writer.writerows(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin, sys.stdout))
