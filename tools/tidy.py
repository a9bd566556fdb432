#!/usr/bin/python3
"""The house linter: the rules that a compiler does not know.

    tools/tidy.py [FOLDER]      looks at the checkout in FOLDER, by default the one it lies in

Prints `path:line: rule: what was found, what would be right` for each finding and exits with 1 if
there are any. A rule is a function from the tree to its findings and stands in RULES under its own
name; what the house decided stands as tables at the top. The reading of C++ is in tidy_cpp.py.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tidy_cpp

# --- what the house decided ----------------------------------------------------------------------

FRONT_END = "program hardware fold workload schedule cluster collective parallel"
BACK_END = "network memory timeline engine"

# The folder on the left may include from its own, from base, and from those on the right.
LAYERS = {
    "base": "",
    "program": "",
    "hardware": "",
    "fold": "",
    "workload": "hardware",
    "schedule": "",
    "cluster": "hardware",
    "collective": "program cluster",
    "parallel": "program hardware workload schedule cluster",
    "lower": FRONT_END,
    "network": "program cluster",
    "memory": "program cluster",
    "timeline": "program cluster",
    "engine": "program cluster network memory timeline",
    "report": "program hardware workload cluster parallel schedule engine scenario",
    "scenario": f"{FRONT_END} memory",
    "search": f"{FRONT_END} {BACK_END} lower report scenario serving",
    "serving": f"{FRONT_END} {BACK_END} lower report scenario search",
    "validation": f"{FRONT_END} {BACK_END} lower report scenario search serving",
    "cli": f"{FRONT_END} {BACK_END} lower report scenario search serving validation",
}

# A third party's headers (by how their names begin) enter through one door only.
DOORS = {
    "boost/graph/": "sim/cluster/",
    "boost/property_map/": "sim/cluster/",
    "boost/program_options": "sim/cli/options.cpp",
    "toml++/": "sim/scenario/toml_settings.cpp",
    "hdf5": "sim/timeline/hdf5.",
    "H5": "sim/timeline/hdf5.",
    "orrery_build/": "sim/cli/",
}

HEADER_LINES = 300
SOURCE_LINES = 600
FUNCTION_LINES = 70
COLUMNS = 100

BANNED_WORDS = {"manager", "handler", "info", "util", "utils", "helper", "process", "stuff"}

# Names of others that our code has to spell.
FOREIGN_NAMES = {"TestInfo", "TestParamInfo", "current_test_info", "error_handler_t"}

# Constructs we do not use in sim/: what, and what to write instead.
FORBIDDEN = {
    r"\bstd::\w+_distribution\b": "draw() of base/random.hpp: distributions differ by library",
    r"\bstd::(random_device|mt19937(_64)?)\b": "draw() of base/random.hpp, which is free of order",
    r"\b(std|ranges)::views::": "a loop: clang 14 rejects the views of libstdc++ 12",
    r"\bshared_ptr\b": "a value or a unique_ptr: one owner",
    r"\bnew\s+[A-Za-z_:]": "a value, a container or make_unique",
    r"\busing\s+namespace\s+(?!std::\w*literals)": "the names themselves",
    r"^\s*#\s*define\s+(?!D?CHECK)\w+": "a function or a constant; our macros are (D)CHECK",
}

# Places on somebody's machine; no file of a checkout depends on them.
MACHINE_PATH = re.compile(
    r"((?<![\w.})*])|(?<=-[IL]))/(home|root|work|Users|mnt)/\w|/tmp/(brief|build-)"
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")

PLAIN_TEXT = {".cpp", ".hpp", ".py", ".sh", ".toml", ".md", ".cmake", ".txt", ".in"}
CODE = {".cpp", ".hpp", ".py", ".sh", ".cmake"}
SKIPPED_FOLDERS = {"results", "__pycache__", "node_modules"}

# These two name what they forbid.
SPEAKS_OF_THE_RULES = {"tools/tidy.py", "tools/tidy_test.py"}


# --- the tree ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class File:
    """A file of the tree; `path` is relative to the root, with forward slashes."""

    root: Path
    path: str

    @property
    def suffix(self) -> str:
        return Path(self.path).suffix

    @property
    def folder(self) -> str:
        return str(Path(self.path).parent)

    @cached_property
    def text(self) -> str:
        return (self.root / self.path).read_text(encoding="utf-8", errors="replace")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def code(self) -> list[str]:
        """The lines of C++ without comments and without the contents of literals."""
        return tidy_cpp.strip(self.text).splitlines()

    @property
    def is_script(self) -> bool:
        return self.suffix == "" and self.text.startswith("#!")

    @property
    def is_code(self) -> bool:
        return self.suffix in CODE or self.path.endswith("CMakeLists.txt") or self.is_script


class Tree:
    """The files of a checkout that people write."""

    def __init__(self, root: Path):
        self.root = root
        self.files = [File(root, str(p.relative_to(root).as_posix())) for p in walk(root)]
        self.paths = {file.path for file in self.files}

    @cached_property
    def cpp(self) -> list[File]:
        return [file for file in self.files if file.suffix in {".cpp", ".hpp"}]

    @cached_property
    def python(self) -> list[File]:
        return [file for file in self.files if file.suffix == ".py"]

    @cached_property
    def written(self) -> list[File]:
        """What is read as text; tables, lock files and built pages are not."""
        return [file for file in self.files if file.suffix in PLAIN_TEXT or file.is_script]

    def folders_of(self, parent: str) -> list[str]:
        """The folders directly below `parent` that hold files."""
        prefix = f"{parent}/" if parent else ""
        below = (path[len(prefix) :] for path in self.paths if path.startswith(prefix))
        return sorted({path.split("/")[0] for path in below if "/" in path})


def walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink():
            continue
        if entry.is_dir():
            hidden = entry.name.startswith((".", "build")) and entry.name != ".ci"
            if not hidden and entry.name not in SKIPPED_FOLDERS:
                yield from walk(entry)
        elif entry.suffix in PLAIN_TEXT or entry.suffix == "":
            yield entry


# --- the rules: what may include what ------------------------------------------------------------


def layers(tree: Tree) -> Iterator[Finding]:
    """A folder of sim/ includes only from the folders below it."""
    for file in tree.cpp:
        parts = file.path.split("/")
        if parts[0] != "sim" or len(parts) < 3:
            continue
        folder = parts[1]
        if folder not in LAYERS:
            yield Finding(file.path, 1, "layers", f"{folder} has no row in LAYERS of tools/tidy.py")
            continue
        allowed = {folder, "base", *LAYERS[folder].split()}
        for line, target in tidy_cpp.includes(file.text):
            other = target.strip('"').split("/")[0]
            if other in LAYERS and other not in allowed:
                known = ", ".join(sorted(allowed - {folder})) or "itself"
                message = f"{folder} includes {target}, it may know only {known}"
                yield Finding(file.path, line, "layers", message)


def doors(tree: Tree) -> Iterator[Finding]:
    """A third-party header is included at its door and nowhere else."""
    for file in tree.cpp:
        for line, target in tidy_cpp.includes(file.text):
            for beginning, door in DOORS.items():
                if target[1:].startswith(beginning) and not file.path.startswith(door):
                    message = f"{target} is included here, its one door is {door}"
                    yield Finding(file.path, line, "doors", message)
            if target.startswith("<nlohmann/") and file.suffix == ".hpp":
                message = f"{target} is included in a header, a .cpp should hide it"
                yield Finding(file.path, line, "doors", message)


# --- the rules: sizes ----------------------------------------------------------------------------


def file_length(tree: Tree) -> Iterator[Finding]:
    for file in tree.cpp + tree.python:
        limit = HEADER_LINES if file.suffix == ".hpp" else SOURCE_LINES
        if len(file.lines) > limit:
            message = f"{len(file.lines)} lines, at most {limit}: split it by what it speaks of"
            yield Finding(file.path, limit + 1, "file_length", message)


def function_length(tree: Tree) -> Iterator[Finding]:
    for file in tree.cpp:
        for begin, end in tidy_cpp.functions(file.text):
            yield from too_long(file, begin, end)
    for file in tree.python:
        for node in python_nodes(file):
            if isinstance(node, ast.FunctionDef):
                yield from too_long(file, node.lineno, node.end_lineno)


def too_long(file: File, begin: int, end: int) -> Iterator[Finding]:
    length = end - begin + 1
    if length > FUNCTION_LINES:
        message = f"a function of {length} lines, at most {FUNCTION_LINES}: name its parts"
        yield Finding(file.path, begin, "function_length", message)


def columns(tree: Tree) -> Iterator[Finding]:
    for file in tree.written:
        if not file.is_code:
            continue
        for number, line in enumerate(file.lines, 1):
            if len(line) > COLUMNS:
                message = f"{len(line)} columns, at most {COLUMNS}"
                yield Finding(file.path, number, "columns", message)


# --- the rules: words ----------------------------------------------------------------------------


def words_of(identifier: str) -> set[str]:
    """`GpuInfo`, `gpu_info` and `kGPUInfo_` all speak of info."""
    split = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3_\2\4", identifier)
    return set(split.lower().split("_"))


def file_names(tree: Tree) -> Iterator[Finding]:
    for path in sorted(tree.paths):
        for word in sorted(words_of(Path(path).stem.replace("-", "_")) & BANNED_WORDS):
            message = f"'{word}' says nothing, the name should say what is in the file"
            yield Finding(path, 1, "file_names", message)


def identifiers(tree: Tree) -> Iterator[Finding]:
    for file, line, name in [*cpp_names(tree), *python_names(tree)]:
        for word in sorted(words_of(name) & BANNED_WORDS):
            message = f"'{word}' in {name} says nothing, name what it does or holds"
            yield Finding(file.path, line, "identifiers", message)


def cpp_names(tree: Tree) -> Iterator[tuple[File, int, str]]:
    for file in tree.cpp:
        for number, line in enumerate(file.code, 1):
            if line.lstrip().startswith("#include"):
                continue
            for name in sorted(set(re.findall(r"[A-Za-z_]\w*", line)) - FOREIGN_NAMES):
                yield file, number, name


def python_names(tree: Tree) -> Iterator[tuple[File, int, str]]:
    """The names that Python files introduce, not those they use."""
    for file in tree.python:
        for node in python_nodes(file):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                yield file, node.lineno, node.name
            elif isinstance(node, ast.arg):
                yield file, node.lineno, node.arg
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield file, node.lineno, node.id


def python_nodes(file: File) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(file.text, filename=file.path))


def forbidden(tree: Tree) -> Iterator[Finding]:
    for file in tree.cpp:
        if not file.path.startswith("sim/"):
            continue
        for number, line in enumerate(file.code, 1):
            for pattern, instead in FORBIDDEN.items():
                if match := re.search(pattern, line):
                    message = f"'{match[0].strip()}', write {instead}"
                    yield Finding(file.path, number, "forbidden", message)


def unfinished(tree: Tree) -> Iterator[Finding]:
    for file, number, word in matches(tree, UNFINISHED):
        yield Finding(file.path, number, "unfinished", f"{word}, finish it or leave it out")


def machine_paths(tree: Tree) -> Iterator[Finding]:
    for file, number, path in matches(tree, MACHINE_PATH):
        message = f"{path}... is a place on one machine, name it relative to the checkout"
        yield Finding(file.path, number, "machine_paths", message)


def matches(tree: Tree, pattern: re.Pattern) -> Iterator[tuple[File, int, str]]:
    for file in tree.written:
        if file.path in SPEAKS_OF_THE_RULES:
            continue
        for number, line in enumerate(file.lines, 1):
            if match := pattern.search(line):
                yield file, number, match[0]


# --- the rules: what belongs together ------------------------------------------------------------


def headers(tree: Tree) -> Iterator[Finding]:
    """A header opens with what it is for, then `#pragma once`."""
    for file in tree.cpp:
        if file.suffix != ".hpp":
            continue
        if not file.text.startswith("//"):
            message = "opens without a comment, 3 to 12 lines should say what it is for"
            yield Finding(file.path, 1, "headers", message)
        if "#pragma once" not in file.lines:
            message = "no #pragma once, it should follow the opening comment"
            yield Finding(file.path, 1, "headers", message)


def readmes(tree: Tree) -> Iterator[Finding]:
    tops = [folder for folder in tree.folders_of("") if not folder.startswith(".")]
    for folder in tops + [f"sim/{name}" for name in tree.folders_of("sim")]:
        if f"{folder}/README.md" not in tree.paths:
            message = "no README.md, each folder's is its chapter"
            yield Finding(folder, 1, "readmes", message)


def dead_files(tree: Tree) -> Iterator[Finding]:
    """A .cpp is named in a CMakeLists.txt or lies in a plug-in folder."""
    lists = {file.folder: file for file in tree.files if file.path.endswith("CMakeLists.txt")}
    for file in tree.cpp:
        if file.suffix == ".cpp" and not is_built(file, lists):
            message = "is in no CMakeLists.txt, name it in the folder's or delete it"
            yield Finding(file.path, 1, "dead_files", message)


def is_built(file: File, lists: dict[str, File]) -> bool:
    folder = next((str(p) for p in Path(file.path).parents if str(p) in lists), None)
    if folder is None:
        return False
    name = str(Path(file.path).relative_to(folder).as_posix())
    text = lists[folder].text
    plugins = re.findall(r"\bFOLDER\s+([\w/]+)", text)
    return name in re.split(r"[\s()]+", text) or str(Path(name).parent) in plugins


DEFINED_TYPE = re.compile(r"^(?:struct|class|enum class) ([A-Z]\w+)(?: final)?(?: ?: [^{;]*)? ?\{")


def one_definition(tree: Tree) -> Iterator[Finding]:
    """A type of a header has its name alone: two of one name are one to the linker."""
    first: dict[str, str] = {}
    for file in tree.cpp:
        if not file.path.startswith("sim/") or file.suffix != ".hpp":
            continue
        for number, line in enumerate(file.code, start=1):
            if not (found := DEFINED_TYPE.match(line)):
                continue
            other = first.setdefault(found[1], file.path)
            if other != file.path:
                message = f"{found[1]} is defined in {other} too, give one of them another name"
                yield Finding(file.path, number, "one_definition", message)


def missing_files(tree: Tree) -> Iterator[Finding]:
    """A .cpp that a CMakeLists.txt names is there."""
    for file in tree.files:
        if not file.path.endswith("CMakeLists.txt"):
            continue
        for number, line in enumerate(file.lines, 1):
            for name in re.findall(r"(?<![\w/${}.*-])[\w/]+\.cpp\b", line.split("#")[0]):
                if not (tree.root / file.folder / name).exists():
                    message = f"{name} is named but not there, write it or leave the name out"
                    yield Finding(file.path, number, "missing_files", message)


def tests_mirror(tree: Tree) -> Iterator[Finding]:
    """A folder of sim/ with sources has its folder of tests."""
    for name in tree.folders_of("sim"):
        sources = [path for path in tree.paths if re.match(rf"sim/{name}/.*\.cpp$", path)]
        if sources and f"tests/unit/{name}/CMakeLists.txt" not in tree.paths:
            message = f"has sources but no tests, they belong in tests/unit/{name}/"
            yield Finding(f"sim/{name}", 1, "tests_mirror", message)


def python_line(tree: Tree) -> Iterator[Finding]:
    """Debian's Python has the packages we need; another one found first on a path may not."""
    for file in tree.python:
        first = file.lines[0] if file.lines else ""
        if first.startswith("#!") and first != "#!/usr/bin/python3":
            message = f"'{first}', it should be #!/usr/bin/python3"
            yield Finding(file.path, 1, "python_line", message)


RULES = [
    layers,
    doors,
    file_length,
    function_length,
    columns,
    file_names,
    identifiers,
    forbidden,
    unfinished,
    machine_paths,
    headers,
    readmes,
    dead_files,
    one_definition,
    missing_files,
    tests_mirror,
    python_line,
]


def main(arguments: list[str]) -> int:
    root = Path(arguments[0] if arguments else Path(__file__).parent.parent).resolve()
    tree = Tree(root)
    findings = [finding for rule in RULES for finding in rule(tree)]
    for finding in sorted(findings, key=lambda f: (f.path, f.line, f.rule)):
        print(finding)
    if findings:
        print(f"tidy: {len(findings)} findings in {len(tree.files)} files", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
