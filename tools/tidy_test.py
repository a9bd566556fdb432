"""Each rule of tools/tidy.py once kept and once broken, on trees of a few lines."""

from pathlib import Path

import pytest

import tidy
import tidy_cpp


@pytest.fixture
def findings(tmp_path: Path):
    """findings(rule, {path: text}) is what the rule says of a tree of these files."""

    def of(rule, files: dict[str, str]) -> list[str]:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        return [str(finding) for finding in rule(tidy.Tree(tmp_path))]

    return of


def lines(count: int) -> str:
    return "//\n" * count


# --- what may include what -----------------------------------------------------------------------


def test_a_folder_may_include_what_lies_below_it(findings):
    text = '#include "base/ids.hpp"\n#include "cluster/cluster.hpp"\n#include "network/a.hpp"\n'
    assert findings(tidy.layers, {"sim/network/network.cpp": text}) == []


def test_the_back_end_may_not_include_the_front_end(findings):
    assert findings(tidy.layers, {"sim/engine/engine.cpp": '\n#include "parallel/plan.hpp"\n'}) == [
        'sim/engine/engine.cpp:2: layers: engine includes "parallel/plan.hpp", '
        "it may know only base, cluster, memory, network, program, timeline"
    ]


def test_a_standard_header_named_like_a_folder_is_no_layer(findings):
    assert findings(tidy.layers, {"sim/base/ids.hpp": "#include <memory>\n"}) == []


def test_an_include_in_a_comment_is_none(findings):
    text = '// #include "cli/run.hpp"\n/*\n#include "cli/run.hpp"\n*/\n'
    assert findings(tidy.layers, {"sim/base/ids.hpp": text}) == []


def test_a_folder_without_a_row_is_found(findings):
    assert findings(tidy.layers, {"sim/weather/rain.cpp": ""}) == [
        "sim/weather/rain.cpp:1: layers: weather has no row in LAYERS of tools/tidy.py"
    ]


def test_the_layers_have_no_cycle_below_the_drivers():
    drivers = {"search", "serving"}
    seen: set[str] = set()

    def visit(folder: str, above: tuple[str, ...]) -> None:
        assert folder not in above, f"{folder} includes itself by way of {above}"
        if folder not in seen | drivers:
            for below in tidy.LAYERS[folder].split():
                visit(below, (*above, folder))
            seen.add(folder)

    for folder in tidy.LAYERS:
        visit(folder, ())


def test_a_third_party_may_enter_through_its_door(findings):
    files = {
        "sim/cluster/builder.cpp": "#include <boost/graph/adjacency_list.hpp>\n",
        "sim/scenario/toml_settings.cpp": "#include <toml++/toml.h>\n",
        "sim/timeline/hdf5.hpp": "#include <hdf5.h>\n",
        "sim/report/json.cpp": "#include <nlohmann/json.hpp>\n",
    }
    assert findings(tidy.doors, files) == []


@pytest.mark.parametrize(
    ("path", "include"),
    [
        ("sim/network/network.cpp", "<boost/graph/adjacency_list.hpp>"),
        ("sim/scenario/load.cpp", "<toml++/toml.h>"),
        ("sim/timeline/timeline_file.cpp", "<hdf5.h>"),
        ("sim/cli/run.cpp", "<boost/program_options.hpp>"),
        ("sim/report/json.hpp", "<nlohmann/json.hpp>"),
    ],
)
def test_a_third_party_may_not_enter_elsewhere(findings, path, include):
    (finding,) = findings(tidy.doors, {path: f"#include {include}\n"})
    assert finding.startswith(f"{path}:1: doors: {include} is included")


# --- sizes ---------------------------------------------------------------------------------------


def test_files_may_be_as_long_as_their_limit(findings):
    files = {"sim/base/ids.hpp": lines(300), "sim/base/ids.cpp": lines(600)}
    assert findings(tidy.file_length, files) == []


def test_files_may_not_be_longer(findings):
    files = {"sim/base/ids.hpp": lines(301), "sim/base/ids.cpp": lines(601)}
    assert findings(tidy.file_length, files) == [
        "sim/base/ids.cpp:601: file_length: 601 lines, at most 600: split it by what it speaks of",
        "sim/base/ids.hpp:301: file_length: 301 lines, at most 300: split it by what it speaks of",
    ]


def test_a_function_of_seventy_lines_may_be(findings):
    text = "int f() {\n" + "  g();\n" * 68 + "}\n"
    assert findings(tidy.function_length, {"sim/base/f.cpp": text}) == []


def test_a_function_of_seventy_one_lines_may_not_be(findings):
    text = "namespace orrery {\n\nint f() {\n" + "  g();\n" * 69 + "}\n}\n"
    assert findings(tidy.function_length, {"sim/base/f.cpp": text}) == [
        "sim/base/f.cpp:3: function_length: a function of 71 lines, at most 70: name its parts"
    ]


def test_a_python_function_has_the_same_limit(findings):
    (finding,) = findings(tidy.function_length, {"tools/f.py": "def f():\n" + "    g()\n" * 70})
    assert "a function of 71 lines" in finding
    assert findings(tidy.function_length, {"tools/f.py": "def f():\n" + "    g()\n" * 69}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int f() { return 1; }", [(1, 1)]),
        ("struct A {\n  int f() const {\n    return 1;\n  }\n};", [(2, 4)]),
        ("A::A(int x)\n    : x_{x}, y_{x} {\n  g();\n}", [(1, 4)]),
        ("template <class T>\nauto f(T x) -> int {\n  return x;\n}", [(1, 4)]),
        ("void f() {\n  for (;;) {\n  }\n  auto g = [](int) {\n  };\n}", [(1, 6)]),
        ("const Ring ring{\n    1,\n};\nenum class A { b };\nint x = 3;", []),
        ('extern "C" {\nint f(int x) {\n  return x;\n}\n}', [(2, 4)]),
        ("#define CHECK(x) \\\n  do {             \\\n  } while (false)\nint f() {\n}", [(4, 5)]),
        ('void f() {\n  g("}}}", \'}\', R"({{{)");  // }\n}\nvoid h() {\n}', [(1, 3), (4, 5)]),
        ("TEST(Ring, IsRound) {\n  EXPECT_EQ((A{1, 2}), b);\n}", [(1, 3)]),
        ("int million() {\n  return 1'000'000;\n}", [(1, 3)]),
    ],
)
def test_functions_are_found_where_they_lie(text, expected):
    assert list(tidy_cpp.functions(text)) == expected


def test_a_line_may_have_a_hundred_columns_and_no_more(findings):
    files = {"sim/base/a.cpp": "x" * 100 + "\n" + "é" * 100 + "\n" + "x" * 101}
    assert findings(tidy.columns, files) == ["sim/base/a.cpp:3: columns: 101 columns, at most 100"]


def test_columns_count_in_scripts_and_not_in_prose(findings):
    files = {"tools/run": "#!/bin/sh\n" + "x" * 101, "README.md": "x" * 500}
    assert findings(tidy.columns, files) == ["tools/run:2: columns: 101 columns, at most 100"]


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["GpuInfo", "gpu_info", "GPUInfo", "info_", "InfoOfGpu"])
def test_a_banned_word_is_found_in_any_spelling(name):
    assert "info" in tidy.words_of(name)


def test_words_that_only_contain_a_banned_one_may_be(findings):
    text = "int information, subprocess, utilization, managers;  // a manager\n"
    assert findings(tidy.identifiers, {"sim/base/a.cpp": text}) == []


def test_banned_words_in_identifiers_are_found(findings):
    files = {"sim/base/a.cpp": "\nclass EventHandler;\n", "tools/a.py": "def process(x): pass\n"}
    assert findings(tidy.identifiers, files) == [
        "sim/base/a.cpp:2: identifiers: 'handler' in EventHandler says nothing, "
        "name what it does or holds",
        "tools/a.py:1: identifiers: 'process' in process says nothing, name what it does or holds",
    ]


def test_python_may_use_what_others_named(findings):
    assert findings(tidy.identifiers, {"tools/a.py": "import sys\nsys.exc_info()\n"}) == []


def test_banned_words_in_file_names_are_found(findings):
    files = {"sim/base/string_utils.hpp": "", "sim/base/text.hpp": ""}
    assert findings(tidy.file_names, files) == [
        "sim/base/string_utils.hpp:1: file_names: 'utils' says nothing, "
        "the name should say what is in the file"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "std::uniform_int_distribution<int> d;",
        "std::mt19937 engine;",
        "for (auto x : std::views::iota(0, 3)) {}",
        "std::shared_ptr<Rank> rank;",
        "auto* rank = new Rank;",
        "using namespace std;",
        "#define SQUARE(x) ((x) * (x))",
    ],
)
def test_forbidden_constructs_are_found_in_the_program(findings, line):
    (finding,) = findings(tidy.forbidden, {"sim/base/a.cpp": line, "tests/unit/base/a.cpp": line})
    assert finding.startswith("sim/base/a.cpp:1: forbidden: ")


@pytest.mark.parametrize(
    "line",
    [
        "using namespace std::chrono_literals;",
        "// a new Rank, in a shared_ptr",
        'say("new Rank");',
        "const Rank new_rank;",
        "#define DCHECK(condition) CHECK(condition)",
    ],
)
def test_what_only_looks_forbidden_may_be(findings, line):
    assert findings(tidy.forbidden, {"sim/base/a.cpp": line}) == []


def test_unfinished_work_is_found(findings):
    files = {"sim/a.cpp": "// TODO: more\n", "tools/b.sh": "# FIXME\n", "sim/c.cpp": "// to do\n"}
    assert findings(tidy.unfinished, files) == [
        "sim/a.cpp:1: unfinished: TODO, finish it or leave it out",
        "tools/b.sh:1: unfinished: FIXME, finish it or leave it out",
    ]


@pytest.mark.parametrize("text", ["open('/home/ada/x')", "-I/work/sim", "/tmp/build-me/bin"])
def test_places_on_one_machine_are_found(findings, text):
    (finding,) = findings(tidy.machine_paths, {"tools/a.sh": text})
    assert finding.startswith("tools/a.sh:1: machine_paths: ")


@pytest.mark.parametrize("text", ["/usr/bin/python3", "https://a.org/home/b", "../work/a"])
def test_other_paths_may_be(findings, text):
    assert findings(tidy.machine_paths, {"tools/a.sh": text}) == []


# --- what belongs together -----------------------------------------------------------------------


def test_a_header_opens_with_its_purpose(findings):
    text = "// What a rank is.\n#pragma once\n"
    files = {"sim/base/rank.hpp": text, "sim/base/rank.cpp": "int x;\n"}
    assert findings(tidy.headers, files) == []


def test_a_bare_header_is_found(findings):
    assert findings(tidy.headers, {"sim/base/rank.hpp": "int x;\n"}) == [
        "sim/base/rank.hpp:1: headers: opens without a comment, "
        "3 to 12 lines should say what it is for",
        "sim/base/rank.hpp:1: headers: no #pragma once, it should follow the opening comment",
    ]


def test_folders_have_their_chapter(findings):
    files = {
        "sim/README.md": "",
        "sim/base/README.md": "",
        "sim/base/a.cpp": "",
        "sim/network/a.cpp": "",
        "models/a.toml": "",
        ".ci/run": "",
    }
    assert findings(tidy.readmes, files) == [
        "models:1: readmes: no README.md, each folder's is its chapter",
        "sim/network:1: readmes: no README.md, each folder's is its chapter",
    ]


BUILD = """orrery_library(network SOURCES max_min.cpp deep/a.cpp)
orrery_registry(network FOLDER plugins)
"""


def test_files_that_are_built_are_alive(findings):
    files = {
        "sim/network/CMakeLists.txt": BUILD,
        "sim/network/max_min.cpp": "",
        "sim/network/deep/a.cpp": "",
        "sim/network/plugins/ring.cpp": "",
    }
    assert findings(tidy.dead_files, files) == []


def test_a_file_that_nothing_builds_is_found(findings):
    files = {"sim/network/CMakeLists.txt": BUILD, "sim/network/old_max_min.cpp": ""}
    assert findings(tidy.dead_files, files) == [
        "sim/network/old_max_min.cpp:1: dead_files: is in no CMakeLists.txt, "
        "name it in the folder's or delete it"
    ]


def test_two_types_of_one_name_are_found(findings):
    files = {
        "sim/engine/cursor.hpp": "struct Step {\n};\n",
        "sim/schedule/schedule.hpp": "struct Step;\nstruct Step {\n};\n",
    }
    assert findings(tidy.one_definition, files) == [
        "sim/schedule/schedule.hpp:2: one_definition: Step is defined in "
        "sim/engine/cursor.hpp too, give one of them another name"
    ]


def test_a_declaration_beside_the_definition_is_no_second_type(findings):
    files = {
        "sim/a/a.hpp": "struct Step;\ntemplate <>\nstruct Width<int> {\n};\n",
        "sim/b/b.hpp": "struct Step final {\n};\n",
    }
    assert findings(tidy.one_definition, files) == []


def test_a_named_file_that_is_not_there_is_found(findings):
    files = {"sim/network/CMakeLists.txt": BUILD, "sim/network/max_min.cpp": ""}
    assert findings(tidy.missing_files, files) == [
        "sim/network/CMakeLists.txt:1: missing_files: deep/a.cpp is named but not there, "
        "write it or leave the name out"
    ]


def test_generated_files_need_not_be_there(findings):
    text = "set(x ${CMAKE_CURRENT_BINARY_DIR}/made.cpp)  # and not gone.cpp\nfile(GLOB y *.cpp)\n"
    assert findings(tidy.missing_files, {"sim/CMakeLists.txt": text}) == []


def test_a_folder_with_sources_has_tests(findings):
    files = {
        "sim/base/ids.cpp": "",
        "tests/unit/base/CMakeLists.txt": "",
        "sim/network/max_min.cpp": "",
        "sim/schedule/README.md": "",
    }
    assert findings(tidy.tests_mirror, files) == [
        "sim/network:1: tests_mirror: has sources but no tests, they belong in tests/unit/network/"
    ]


def test_python_is_debians(findings):
    files = {
        "tools/a.py": "#!/usr/bin/python3\n",
        "tools/b.py": "import sys\n",
        "tools/c.py": "#!/usr/bin/env python3\n",
    }
    assert findings(tidy.python_line, files) == [
        "tools/c.py:1: python_line: '#!/usr/bin/env python3', it should be #!/usr/bin/python3"
    ]


# --- the whole -----------------------------------------------------------------------------------


def test_every_rule_runs():
    source = Path(tidy.__file__).read_text(encoding="utf-8")
    rules = [line[4:].split("(")[0] for line in source.splitlines() if "(tree: Tree) ->" in line]
    sources_of_rules = {"cpp_names", "python_names"}
    assert [rule.__name__ for rule in tidy.RULES] == [r for r in rules if r not in sources_of_rules]


def test_results_and_builds_are_not_looked_at(findings):
    files = {"build/a.py": "# TODO", "build-mine/a.py": "# TODO", "results/a.txt": "TODO"}
    assert findings(tidy.unfinished, files) == []


def test_the_exit_status_says_whether_all_is_well(tmp_path, capsys):
    (tmp_path / "README.md").write_text("All is well.\n", encoding="utf-8")
    assert tidy.main([str(tmp_path)]) == 0

    (tmp_path / "README.md").write_text("TODO\n", encoding="utf-8")
    assert tidy.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == (
        "README.md:1: unfinished: TODO, finish it or leave it out\n"
    )
