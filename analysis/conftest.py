"""A run and a trace of it for the tests, written by the program that CMake builds for them."""

import os
import subprocess

import pytest

from analysis import Run


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Paths of a run and of its Chrome trace; see fixture.cpp for what is in it."""
    writer = os.environ.get("ORRERY_FIXTURE")
    if not writer:
        pytest.skip("ORRERY_FIXTURE does not name the program that writes the run; use ctest")
    folder = tmp_path_factory.mktemp("run")
    run, trace = folder / "run.h5", folder / "trace.json.gz"
    subprocess.run([writer, run, trace], check=True)
    return run, trace


@pytest.fixture()
def run(files):
    with Run(files[0]) as opened:
        yield opened
