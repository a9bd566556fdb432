"""tools/ratchet.py on a checkout of one table and a program that validates it as it is told to."""

import json
from pathlib import Path

import pytest

import ratchet


def finds(checkout: Path, error: float, rows: int = 3, group: str = "KORTHIKANTI") -> None:
    group = {"group": group, "metric": "step_time_s", "rows": rows, "mean_absolute_error": error}
    text = json.dumps({"rows": [], "groups": [group], "skipped": []})
    program = checkout / "orrery"
    program.write_text(f"#!/bin/sh\necho '{text}'\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    measured = tmp_path / "tests/measured"
    measured.mkdir(parents=True)
    (measured / "training.csv").write_text("id\n", encoding="utf-8")
    finds(tmp_path, 0.04)
    run(tmp_path, "--accept")
    return tmp_path


def run(checkout: Path, *arguments: str) -> int:
    program = str(checkout / "orrery")
    return ratchet.main(["--root", str(checkout), "--orrery", program, *arguments])


def test_what_was_recorded_passes(checkout):
    assert run(checkout) == 0


def test_a_third_of_a_point_is_worse_and_a_fifth_is_not(checkout, capsys):
    finds(checkout, 0.042)
    assert run(checkout) == 0

    finds(checkout, 0.0434)
    assert run(checkout) == 1
    assert "training.csv, KORTHIKANTI, step_time_s: mean absolute error 4.34 %, not 4.00 %" in (
        capsys.readouterr().out
    )


def test_a_row_that_is_no_longer_predicted_is_worse(checkout, capsys):
    finds(checkout, 0.01, rows=2)

    assert run(checkout) == 1
    assert "2 rows are predicted, not 3" in capsys.readouterr().out


def test_a_group_that_was_never_recorded_wants_to_be(checkout, capsys):
    finds(checkout, 0.01, group="ELSEWHERE")

    assert run(checkout) == 1
    words = capsys.readouterr().out
    assert "none of 3 rows" in words
    assert "'ELSEWHERE', 'step_time_s') is not recorded yet" in words


def test_a_table_that_cannot_be_read_stops_it(checkout):
    (checkout / "orrery").write_text("#!/bin/sh\nexit 2\n", encoding="utf-8")

    with pytest.raises(SystemExit, match="training.csv cannot be validated"):
        run(checkout)
