"""Plots count right, and the command line draws them."""

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from analysis import plots
from analysis.__main__ import main, parse_ranks, parse_time


def test_bin_means_are_exact_averages():
    edges = np.array([0.0, 1.0, 2.0, 4.0])
    begin, end = np.array([0.5, 0.0]), np.array([3.0, 1.0])
    means = plots.bin_means(edges, begin, end, np.array([1.0, 0.25]))
    assert means == pytest.approx([0.5 + 0.25, 1.0, 0.5])


def test_gpus_compute_as_long_as_their_spans_last(run):
    spans = run.spans(range(run.ranks))
    busy = spans[(spans["lane"] == 0) & (spans["action"] == "compute")]["duration_s"].sum()
    mean = plots.gpu_utilisation(run, np.linspace(0, run.end_s, 33)).mean()
    assert mean == pytest.approx(busy / run.end_s / run.ranks)


def test_links_are_never_more_than_full(run):
    used = plots.link_utilisation(run, np.linspace(0, run.end_s, 101))
    assert set(used) == {"nvlink", "nic"}
    assert all(0 <= share.min() and share.max() <= 1 + 1e-9 for share in used.values())
    assert used["nic"].max() > 0.9


def test_the_fullest_rank_is_in_the_first_stage(run):
    assert plots.fullest_rank(run, list(range(16))) == 0


def test_backward_and_forward_differ_in_looks(run):
    spans = run.spans(rank=0)
    look = dict(zip(spans["name"].astype(str), plots.looks(spans)))
    assert (look["mlp.forward"], look["mlp.backward"]) == ("compute", "backward")
    assert look["optimizer.step"] == "optimizer"


def test_products_of_a_backward_look_like_it():
    names = ["qkv.input_gradient", "qkv.weight_gradient", "qkv.forward.recomputed"]
    spans = pd.DataFrame(
        {"component": ["compute"] * 3, "name": names, "recomputed": [False, False, True]}
    )
    assert list(plots.looks(spans)) == ["backward", "backward", "recomputed"]


def test_one_page_shows_everything(files, tmp_path, capsys):
    assert main([str(files[0]), "-o", str(tmp_path / "run.png")]) == 0
    picture = matplotlib.image.imread(tmp_path / "run.png")
    assert picture.shape[1] > 2_000
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 50
    assert capsys.readouterr().out.strip().endswith("run.png")


def test_a_folder_gets_a_picture_per_plot(files, tmp_path):
    arguments = ["--ranks", "3,5-6", "--from", "20 ms", "--to", "70 ms"]
    assert main([str(files[0]), "-o", str(tmp_path / "plots"), *arguments]) == 0
    names = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert names == ["memory.png", "timeline.png", "utilisation.png"]


def test_the_same_run_is_the_same_picture(files, tmp_path):
    for name in ("a.svg", "b.svg"):
        main([str(files[0]), "-o", str(tmp_path / name)])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.h5"], "there is no such file"),
        (["RUN", "--ranks", "99"], "there is no rank 99; the last is 15"),
        (["RUN", "--from", "5"], "no time with a unit"),
        (["RUN", "--from", "9 s"], "nothing lies between"),
        (["RUN", "-o", "missing/run.png"], "No such file or directory"),
    ],
)
def test_mistakes_are_sentences_and_status_2(files, capsys, arguments, words):
    given = [str(files[0]) if argument == "RUN" else argument for argument in arguments]
    assert main(given) == 2
    assert words in capsys.readouterr().err


def test_ranks_and_times_are_read_as_written():
    assert parse_ranks("9,0,8-10", 11) == [0, 8, 9, 10]
    assert parse_time("12 ms") == pytest.approx(0.012)
