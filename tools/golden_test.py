"""tools/golden.py on a checkout of one scenario and a program that prints what it is told to."""

from pathlib import Path

import pytest

import golden


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    tutorial = tmp_path / "scenarios/tutorial"
    tutorial.mkdir(parents=True)
    (tutorial / "01-one-gpu.toml").write_text('name = "One GPU"\n', encoding="utf-8")
    says(tmp_path, "step time  1.5 s")
    return tmp_path


def says(checkout: Path, text: str, status: int = 0) -> None:
    program = checkout / "orrery"
    program.write_text(f"#!/bin/sh\necho '{text}'\nexit {status}\n", encoding="utf-8")
    program.chmod(0o755)


def run(checkout: Path, *arguments: str) -> int:
    return golden.main(["--root", str(checkout), "--orrery", str(checkout / "orrery"), *arguments])


def test_an_accepted_output_is_the_command_the_words_and_the_status(checkout):
    run(checkout, "--accept")

    assert (checkout / "tests/golden/01-one-gpu.txt").read_text(encoding="utf-8") == (
        "$ orrery run --no-output scenarios/tutorial/01-one-gpu.toml\n"
        "step time  1.5 s\n"
        "exit status 0\n"
    )
    assert run(checkout) == 0


def test_another_output_is_shown_as_a_difference(checkout, capsys):
    run(checkout, "--accept")
    says(checkout, "step time  1.6 s")

    assert run(checkout) == 1
    shown = capsys.readouterr().out
    assert "-step time  1.5 s\n+step time  1.6 s\n" in shown


def test_another_exit_status_is_a_difference(checkout, capsys):
    run(checkout, "--accept")
    says(checkout, "step time  1.5 s", status=1)

    assert run(checkout) == 1
    assert "+exit status 1\n" in capsys.readouterr().out


def test_a_scenario_without_expectation_is_found(checkout, capsys):
    assert run(checkout) == 1
    assert "tests/golden/01-one-gpu.txt is not there" in capsys.readouterr().out


def test_an_expectation_without_scenario_is_found_and_deleted(checkout, capsys):
    run(checkout, "--accept")
    old = checkout / "tests/golden/00-gone.txt"
    old.write_text("", encoding="utf-8")

    assert run(checkout) == 1
    assert "00-gone.txt has no scenario" in capsys.readouterr().out
    run(checkout, "--accept")
    assert not old.exists()


def test_timelines_of_other_bytes_are_a_difference(checkout, capsys):
    (checkout / "scenarios/quickstart.toml").write_text("", encoding="utf-8")
    for name, word in [("orrery", "one"), ("alike", "one"), ("other", "two")]:
        program = checkout / name
        program.write_text(f'#!/bin/sh\n[ "$2" != -o ] || echo {word} > "$3"\n', encoding="utf-8")
        program.chmod(0o755)
    run(checkout, "--accept")

    assert run(checkout, "--like", str(checkout / "alike")) == 0
    assert run(checkout, "--like", str(checkout / "other")) == 1
    assert "scenarios/quickstart.toml" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("simulated in 0.12 s wall, 1,234 events", "simulated in # wall, # events"),
        ("peak RSS 45 MB", "peak RSS #"),
        ("wall 310 ms, RSS 1.2 GiB", "wall #, RSS #"),
        ("step time 1.5 s, peak 45 GB of 80 GB", "step time 1.5 s, peak 45 GB of 80 GB"),
    ],
)
def test_only_lines_about_the_run_itself_are_masked(line, masked):
    assert golden.mask(line) == masked + "\n"
