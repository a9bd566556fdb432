"""The Chrome trace shows the lanes and slices of the HDF5 file, exactly."""

import gzip
import json
from decimal import Decimal

import pytest

TRACED = [1, 9, 10]  # as fixture.cpp asks for


@pytest.fixture(scope="module")
def events(files):
    with gzip.open(files[1], "rt", encoding="utf-8") as file:
        return json.load(file, parse_float=Decimal)["traceEvents"]


def named(events, name):
    return [event for event in events if event["ph"] == "M" and event["name"] == name]


def test_there_is_a_group_of_lanes_for_each_rank_asked_for(events):
    names = {event["pid"]: event["args"]["name"] for event in named(events, "process_name")}
    stages = {1: "rank 1 · stage 0", 9: "rank 9 · stage 2", 10: "rank 10 · stage 2"}
    assert names == {**stages, 16: "links"}


def test_lanes_have_their_names(run, events):
    traced = {
        (event["pid"], event["tid"], event["args"]["name"])
        for event in named(events, "thread_name")
    }
    lanes = run.lanes.to_numpy()
    assert traced == {
        (rank, lane, name)
        for rank in TRACED
        for class_, lane, name in lanes
        if class_ == run.class_of_rank[rank]
    }


def test_slices_are_the_spans_to_the_picosecond(run, events):
    traced = sorted(
        (e["pid"], e["tid"], int(e["ts"] * 1_000_000), int(e["dur"] * 1_000_000), e["name"])
        for e in events
        if e["ph"] == "X"
    )
    spans = run.spans(TRACED)[["rank", "lane", "begin_ps", "duration_ps", "name"]]
    assert len(traced) > 500
    assert traced == sorted(spans.itertuples(index=False, name=None))


def test_slices_say_how_long_they_waited(run, events):
    traced = sum(e["args"].get("waited_us", 0) for e in events if e["ph"] == "X")
    assert traced == Decimal(int(run.spans(TRACED)["waited_ps"].sum())) / 1_000_000


def test_memory_counters_show_the_peak(run, events):
    counters = [e["args"] for e in events if e["ph"] == "C" and e["pid"] == 9]
    assert max(sum(held.values()) for held in counters) == run.memory_levels(9).sum(axis=1).max()


def test_link_counters_show_the_rates(run, events):
    counted = [e for e in events if e["ph"] == "C" and e["pid"] == run.ranks]
    assert {e["name"] for e in counted} == {
        "node[0].gpu[0] → nvswitch (1 of 16)",
        "node[0].nic[0] → leaf[0] (1 of 16)",
    }
    assert max(float(e["args"]["GB/s"]) for e in counted) == 450
