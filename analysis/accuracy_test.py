"""The page and the tables of predicted against measured."""

import json
import re

import pytest

from analysis import accuracy
from analysis.__main__ import main

STATISTICS = {
    "mean_absolute_error": 0.1,
    "median_absolute_error": 0.08,
    "p90_absolute_error": 0.2,
    "worst": -0.3,
    "bias": -0.05,
}


def row(name, group="LAB", metric="step_time_s", error=-0.1, **more):
    return {
        "id": name,
        "group": group,
        "metric": metric,
        "predicted": 1.0 + error,
        "measured": 1.0,
        "error": error,
    } | more


def group(name="LAB", metric="step_time_s", rows=1, **more):
    return {"group": name, "metric": metric, "rows": rows} | STATISTICS | more


def validation(rows, groups=None):
    return {"rows": rows, "groups": groups or [group()], "overall": [], "skipped": []}


def rows_of(page):
    found = re.search(r'<script id="rows" type="application/json">(.*?)</script>', page, re.S)
    return json.loads(found[1])["rows"]


def test_page_holds_every_row_and_what_its_run_is():
    columns = {
        "model": "models/gpt3-5b.toml",
        "cluster": "dgx-h100",
        "gpus": "64",
        "workload.precision": "fp8",
        "workload.micro_batch": "2",
        "workload.sequence_length": "2048",
        "strategy.tp": "8",
        "strategy.pp": "1",
    }
    page = accuracy.page(validation([row("A", low=0.8, high=1.0, columns=columns), row("B")]))
    first, second = rows_of(page)
    assert first["id"] == "A" and first["low"] == 0.8
    assert first["columns"] == {
        "model": "gpt3-5b",
        "cluster": "dgx-h100",
        "gpus": "64",
        "plan": "fp8 · tp 8 · 2 × 2048 tokens",
    }
    assert "columns" not in second and "low" not in second


def test_page_asks_nothing_of_a_network():
    page = accuracy.page(validation([row("A")]))
    assert not re.search(r"(src|href)\s*=|https?://|@import|url\(", page)


def test_page_cannot_be_broken_by_what_a_table_says():
    page = accuracy.page(validation([row("</script><script>alert(1)</script>")]))
    assert page.count("</script>") == accuracy.TEMPLATE.read_text().count("</script>")
    assert rows_of(page)[0]["id"] == "</script><script>alert(1)</script>"


def test_same_validation_gives_the_same_page():
    rows = [row("A"), row("B", error=0.2)]
    assert accuracy.page(validation(rows)) == accuracy.page(validation(rows))


def test_tables_tell_each_source_once_by_its_time_and_its_memory_apart():
    groups = [
        group("SLOW", mean_absolute_error=0.2),
        group("SLOW", "model_tflops_per_gpu"),
        group("SLOW", "peak_memory_bytes", rows=3, mean_absolute_error=0.01),
        group("RATES", "mfu", rows=50, mean_absolute_error=0.03, inside_interval=0.8),
        group("RATES", "step_time_s", rows=1),
    ]
    lines = accuracy.markdown(validation([row("A", "SLOW")], groups)).splitlines()
    assert [line.split(" | ")[:3] for line in lines[2:5]] == [
        ["| RATES", "MFU", "50"],
        ["| SLOW", "step time", "1"],
        ["| SLOW", "peak memory", "3"],
    ]
    assert lines[2].endswith("| 80 % |")


def test_tables_name_the_rows_furthest_off_first():
    rows = [row(name, error=error) for name, error in (("A", 0.1), ("B", -0.5), ("C", 0.3))]
    lines = accuracy.markdown(validation(rows), worst=2).splitlines()[-2:]
    assert [line.split(" of ")[0] for line in lines] == ["| B", "| C"]


def test_command_writes_a_page_or_tables(tmp_path, capsys):
    source = tmp_path / "validated.json"
    source.write_text(json.dumps(validation([row("A")])))
    assert main([str(source)]) == 0
    assert (tmp_path / "validated.html").read_text() == accuracy.page(validation([row("A")]))
    assert main([str(source), "-o", str(tmp_path / "tables.md")]) == 0
    assert (tmp_path / "tables.md").read_text() == accuracy.markdown(validation([row("A")]))
    assert "validated.html" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "[]", '{"rows": []}', json.dumps(validation([]))])
def test_command_says_what_is_wrong_with_a_file(tmp_path, capsys, text):
    source = tmp_path / "validated.json"
    source.write_text(text)
    assert main([str(source)]) == 2
    assert str(source) in capsys.readouterr().err


def test_command_takes_no_ranks_of_a_validation(tmp_path, capsys):
    source = tmp_path / "validated.json"
    source.write_text(json.dumps(validation([row("A")])))
    assert main([str(source), "--ranks", "0"]) == 2
    assert "--ranks" in capsys.readouterr().err
