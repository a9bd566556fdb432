"""The reader gives back what the simulator wrote, by name and by rank."""

import h5py
import numpy as np
import pytest

from analysis import Run, UnreadableRun


def test_a_run_says_what_it_is(run):
    assert (run.name, run.version, run.seed, run.ranks) == ("Four stages", "0.1.0", 1, 16)
    assert "seed = 1" in run.scenario_normalised
    assert run.summary["step_time_s"] == pytest.approx(run.end_s, abs=1e-6)


def test_classes_count_the_ranks_they_stand_for(run):
    assert run.classes["multiplicity"].sum() == run.ranks
    assert list(run.classes["script"]) == ["stage 0", "stage 1", "stage 2", "stage 3"]
    assert run.classes["slowdown"][2] == 1.05
    assert run.representatives() == [0, 4, 8, 12]


def test_spans_carry_the_names_of_their_tasks(run):
    first = run.spans(rank=5).iloc[0]
    assert (first["class"], first["lane_name"]) == (1, "pipeline_forward_in")
    assert first["component"] == "pp"
    layer = run.spans(rank=5).query("name == 'attention.forward'").iloc[0]
    assert (layer["micro_batch"], layer["layer"]) == (0, 3)


def test_a_task_without_micro_batch_has_none(run):
    step = run.spans(rank=0).query("component == 'optimizer'").iloc[0]
    assert step.isna()["micro_batch"]
    assert step["duration_ps"] == 3_000_000_000


def test_alike_ranks_did_the_same_at_the_same_time(run):
    both = run.spans(rank=[4, 7])
    four, seven = (both[both["rank"] == rank].drop(columns="rank") for rank in (4, 7))
    assert len(four) > 100
    assert four.reset_index(drop=True).equals(seven.reset_index(drop=True))


def test_without_ranks_each_class_appears_once(run):
    by_class = run.spans().groupby("class").size()
    by_rank = run.spans(range(run.ranks)).groupby("rank").size()
    assert list(by_class) == [by_rank[rank] for rank in run.representatives()]
    assert by_rank.sum() == 4 * by_class.sum()


def test_every_span_lies_within_the_run_and_waits_no_longer_than_it_lasts(run):
    spans = run.spans()
    assert spans["begin_ps"].min() == 0
    assert spans["end_s"].max() == run.end_s
    assert (spans["waited_ps"] <= spans["duration_ps"]).all()


def test_memory_begins_and_ends_with_what_is_resident(run):
    levels = run.memory_levels(rank=0)
    assert levels.iloc[-1]["optimizer"] == 36_000_000_000
    assert levels.iloc[-1]["activations"] == 0
    # Stage 0 of four holds four micro-batches at once under 1F1B.
    assert levels["activations"].max() == 4 * 900 * 2**20
    assert run.memory_levels(rank=12)["activations"].max() == 900 * 2**20


def test_links_never_carry_more_than_they_can(run):
    links = run.links()
    assert set(links["kind"]) == {"nvlink", "nic"}
    assert links["utilisation"].max() == pytest.approx(1.0)
    assert (np.diff(links["at_ps"]) >= 0).all()


def test_a_rank_that_does_not_exist_is_an_error(run):
    with pytest.raises(IndexError, match="there is no rank 16; the last is 15"):
        run.spans(rank=16)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.h5", None, "there is no such file"),
        ("text.h5", b"name = 'a scenario'", "no HDF5 file"),
        ("empty.h5", b"", "no HDF5 file"),
    ],
)
def test_what_is_no_run_is_refused_with_a_sentence(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableRun, match=words):
        Run(tmp_path / name)


def test_a_cut_file_is_refused(files, tmp_path):
    whole = files[0].read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableRun, match="cut off"):
        Run(tmp_path / "cut.h5")


def test_another_format_version_is_refused(tmp_path):
    with h5py.File(tmp_path / "new.h5", "w") as file:
        file.attrs["format"] = np.bytes_("orrery timeline")
        file.attrs["format_version"] = 2
    with pytest.raises(UnreadableRun, match="format version 2, this reader knows version 1"):
        Run(tmp_path / "new.h5")
