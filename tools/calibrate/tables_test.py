"""What the fits write, and that they find what is there."""

import types

import numpy as np

import borrow
import gemm
import quantize
import tables


def test_a_table_takes_its_place_and_leaves_the_rest_alone(tmp_path):
    file = tmp_path / "gpu.toml"
    file.write_text('name = "x"\n\n[peak]\nbf16 = "1 TFLOP/s"\n\n[kernel.memory]\nstream = 0.9\n')

    tables.write_table(file, "kernel.gemm.bf16", {"ramp": 0.5, "m": [1, 2]})
    tables.write_table(file, "kernel", {"grouped": 1.0})

    assert file.read_text() == (
        'name = "x"\n\n[peak]\nbf16 = "1 TFLOP/s"\n\n[kernel]\ngrouped = 1\n\n'
        "[kernel.memory]\nstream = 0.9\n\n[kernel.gemm.bf16]\nramp = 0.5\nm    = [1, 2]\n"
    )


def test_writing_twice_changes_nothing(tmp_path):
    file = tmp_path / "gpu.toml"
    file.write_text('name = "x"\n')
    tables.write_table(file, "kernel", {"grouped": 0.9})
    once = file.read_text()

    tables.write_table(file, "kernel", tables.read_table(file, "kernel"))

    assert file.read_text() == once


def test_a_fit_finds_the_constants_that_made_the_times():
    gpu = types.SimpleNamespace(peak={"bf16": 1e15}, bandwidth=3e12, sms=132)
    sizes = [(m, n, k) for m in (16, 512, 4096) for n in (2048, 8192) for k in (2048, 8192)]
    products = gemm.Products(gpu, "bf16", tuple(np.array(sizes, dtype=float).T))
    made = products.seconds((0.8, 0.05, 100.0, 4e-6, 0.8, 2e-6))

    found = tables.fit(products.seconds, made, gemm.STARTS[1:2], gemm.BOUNDS)

    assert np.abs(products.seconds(found) / made - 1.0).max() < 0.03


def test_the_constants_that_ship_are_those_of_the_table():
    rows = [row for row in tables.read_rows("gemm.csv") if row["group"] == "AIC-GEMM"]
    rows = [row for row in rows if (row["gpu"], row["type"]) == ("h100-sxm", "bf16")]
    gpu = tables.Gpu("h100-sxm")
    shapes, measured, _ = gemm.shapes_and_times(rows, gpu)
    constants = gpu.kernel["gemm"]["bf16"]
    micro = [float(constants[key].split()[0]) * 1e-6 for key in ("launch", "split")]
    shares = [constants[key] for key in ("efficiency", "edge", "ramp", "bandwidth")]

    predicted = gemm.Products(gpu, "bf16", shapes).seconds(
        (*shares[:3], micro[0], shares[3], micro[1])
    )

    assert np.abs(predicted / measured - 1.0).mean() < 0.05


def test_a_list_of_ratios_is_written_a_pair_a_line(tmp_path):
    file = tmp_path / "gpu.toml"
    file.write_text('name = "x"\n')

    values = {"ratio_m": [1, 512], "ratios": [64.0, 128.0, 1.1, 0.9, 64.0, 256.0, 1.0, 0.95]}
    tables.write_table(file, "kernel.gemm.bf16", values)

    assert "ratios  = [\n  64, 128, 1.1, 0.9,\n  64, 256, 1, 0.95,\n]\n" in file.read_text()
    assert tables.read_table(file, "kernel.gemm.bf16") == values


def test_a_grid_with_gaps_gives_no_ratios():
    shapes = tuple(np.array(axis) for axis in ([1.0, 2.0, 1.0], [64.0, 64.0, 128.0], [8.0] * 3))

    assert not gemm.ratios(shapes, np.ones(3), np.ones(3))
    assert gemm.ratios(tuple(axis[:2] for axis in shapes), np.array([2.0, 1.0]), np.ones(2)) == {
        "ratio_m": [1, 2],
        "ratios": [64.0, 8.0, 2.0, 1.0],
    }


def test_the_quantisation_that_ships_is_that_of_the_tables():
    for name, values in quantize.all_values().items():
        shipped = tables.Gpu(name).kernel["quantize"]
        assert all(shipped[key] == values[key] for key in ("absmax", "cast_block", "cast_nvfp4"))


def test_tables_of_libraries_are_lent_with_those_of_their_type():
    kernel = {"relative": "x", "gemm": {"fp8": {"ramp": 1, "sglang": {"ramp": 2}}}}

    assert borrow.kernel_tables(kernel) == ["kernel.gemm.fp8", "kernel.gemm.fp8.sglang"]
