"""A run as data frames.

    run = Run("results/mixtral.h5")
    run.summary["step_time_s"]
    run.spans(rank=13)          # what rank 13 did, by name
    run.memory(rank=13)         # what it held, from when on
    run.links()                 # what each class of links carried, from when on

The file speaks of classes of ranks that behave alike; asking for ranks unfolds them. Times are
seconds; the exact picoseconds stand beside them. The layout of the file is a page in
sim/timeline/README.md.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

FORMAT = "orrery timeline"
FORMAT_VERSION = 1

NONE_16 = 0xFFFF
BLOCK_ROWS = 1 << 20

Ranks = int | Iterable[int] | None


class UnreadableRun(ValueError):
    """The file is no run that this version can read; the message says why."""


class Run:
    """One simulated run. The file is open until `with` or close() ends it, and read when asked."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._file = _open(self.path)
        meta = self._file["meta"]
        self.name = _text(meta.attrs["name"])
        self.version = _text(meta.attrs["version"])
        self.seed = int(meta.attrs["seed"])
        self.scenario_given = _text(meta["scenario_given"][()])
        self.scenario_normalised = _text(meta["scenario_normalised"][()])
        self.summary = json.loads(_text(meta["summary"][()]) or "{}")
        self.class_of_rank = self._file["classes/of_rank"][()].astype(np.int64)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    # --- the program ------------------------------------------------------------------------------

    @property
    def ranks(self) -> int:
        return len(self.class_of_rank)

    @cached_property
    def classes(self) -> pd.DataFrame:
        """A row per class: script (its name), multiplicity, representative, slowdown, capacity."""
        group = self._file["classes"]
        script = group["script"][()]
        scripts = self._file["program/scripts"]
        return pd.DataFrame(
            {
                "script": _texts(scripts["name"])[script],
                "multiplicity": group["multiplicity"][()].astype(np.int64),
                "representative": group["representative"][()].astype(np.int64),
                "slowdown": group["slowdown"][()],
                "memory_capacity_bytes": scripts["memory_capacity_bytes"][()][script],
            }
        )

    @cached_property
    def lanes(self) -> pd.DataFrame:
        """A row per (class, lane): its name."""
        rows = [
            (id_, lane, self._lane_names[self._first_lane[script] + lane])
            for id_, script in enumerate(self._file["classes/script"][()])
            for lane in range(self._lane_counts[script])
        ]
        return pd.DataFrame(rows, columns=["class", "lane", "lane_name"])

    @cached_property
    def kinds(self) -> pd.DataFrame:
        """A row per kind of task: name, component, action, flops, recomputed, bytes."""
        group = self._file["program/kinds"]
        return pd.DataFrame(
            {
                "name": _texts(group["name"]),
                "component": _names(group, "components")[group["component"][()]],
                "action": _names(group, "actions")[group["action"][()]],
                "flops": group["flops"][()],
                "recomputed": group["recomputed"][()].astype(bool),
                "bytes": group["bytes"][()],
            }
        )

    @cached_property
    def resources(self) -> pd.DataFrame:
        """A row per class of links: name, kind, capacity_bytes_per_s, count."""
        group = self._file["resources"]
        return pd.DataFrame(
            {
                "name": _texts(group["name"]),
                "kind": _texts(group["kind"]),
                "capacity_bytes_per_s": group["capacity_bytes_per_s"][()],
                "count": group["count"][()].astype(np.int64),
            }
        )

    @cached_property
    def categories(self) -> list[str]:
        return list(_names(self._file["program/kinds"], "categories"))

    @cached_property
    def end_s(self) -> float:
        """When the last task ended."""
        spans = self._file["spans"]
        ends = [
            int((spans["begin_ps"][block] + spans["duration_ps"][block]).max())
            for block in _blocks(len(spans["begin_ps"]))
        ]
        return max(ends, default=0) * 1e-12

    def representatives(self, limit: int | None = None) -> list[int]:
        """One rank of each class, ascending."""
        return sorted(self.classes["representative"])[:limit]

    # --- rows -------------------------------------------------------------------------------------

    def spans(self, rank: Ranks = None) -> pd.DataFrame:
        """What ranks did: one rank, several, or, without any, each class once.

        Columns: rank (when ranks were asked for), class, lane, lane_name, position, name,
        component, action, recomputed, micro_batch, layer, chunk, begin_s, end_s, duration_s,
        waited_s, and begin_ps, duration_ps, waited_ps.
        """
        columns = ["begin_ps", "duration_ps", "waited_ps", "class", "lane", "position"]
        frame = self._rows("spans", columns, rank)
        frame["begin_s"] = frame["begin_ps"] * 1e-12
        frame["duration_s"] = frame["duration_ps"] * 1e-12
        frame["end_s"] = (frame["begin_ps"] + frame["duration_ps"]) * 1e-12
        frame["waited_s"] = frame["waited_ps"] * 1e-12
        return self._with_names(frame)

    def memory(self, rank: Ranks = None) -> pd.DataFrame:
        """What ranks held: from `at_s` on, so many `bytes` in the `category`."""
        frame = self._rows("memory", ["at_ps", "class", "category", "bytes"], rank)
        frame["at_s"] = frame["at_ps"] * 1e-12
        frame["category"] = pd.Categorical.from_codes(frame["category"], self.categories)
        return frame

    def memory_levels(self, rank: int) -> pd.DataFrame:
        """A row per instant at which a rank's memory changed, indexed by at_s; a column per
        category with the bytes held from then on."""
        samples = self.memory(rank).drop_duplicates(["at_ps", "category"], keep="last")
        levels = samples.pivot(index="at_ps", columns="category", values="bytes")
        levels.columns = list(levels.columns)
        levels = levels.reindex(columns=self.categories).ffill().fillna(0).astype(np.int64)
        levels.index = pd.Index(levels.index * 1e-12, name="at_s")
        return levels

    def links(self) -> pd.DataFrame:
        """What each link of a class carried from `at_s` on: resource, name, kind, bytes_per_s and
        utilisation, the share of the capacity."""
        frame = self._rows("links", ["at_ps", "resource", "bytes_per_s"], None)
        frame["at_s"] = frame["at_ps"] * 1e-12
        resources = self.resources.iloc[frame["resource"]].reset_index(drop=True)
        frame["name"] = resources["name"].astype("category")
        frame["kind"] = resources["kind"].astype("category")
        frame["utilisation"] = frame["bytes_per_s"] / resources["capacity_bytes_per_s"]
        return frame

    # --- how names are found ----------------------------------------------------------------------

    def _rows(self, table: str, columns: list[str], rank: Ranks) -> pd.DataFrame:
        """The rows of a table, of the classes of the ranks asked for and once per rank."""
        group = self._file[table]
        ranks = self._checked(rank)
        wanted = None if ranks is None else np.unique(self.class_of_rank[ranks])
        blocks = []
        for block in _blocks(len(group[columns[0]])):
            values = {column: _widened(group[column][block]) for column in columns}
            if wanted is not None:
                keep = np.isin(values["class"], wanted)
                values = {column: value[keep] for column, value in values.items()}
            blocks.append(pd.DataFrame(values))
        frame = pd.concat(blocks, ignore_index=True) if blocks else _empty(group, columns)
        return frame if ranks is None else self._unfolded(frame, ranks)

    def _checked(self, rank: Ranks) -> np.ndarray | None:
        if rank is None:
            return None
        ranks = np.atleast_1d(np.asarray(rank if np.isscalar(rank) else list(rank), dtype=np.int64))
        for missing in ranks[(ranks < 0) | (ranks >= self.ranks)]:
            raise IndexError(f"there is no rank {missing}; the last is {self.ranks - 1}")
        return ranks

    def _unfolded(self, frame: pd.DataFrame, ranks: np.ndarray) -> pd.DataFrame:
        members = pd.DataFrame({"rank": ranks, "class": self.class_of_rank[ranks]})
        order = frame.assign(row=np.arange(len(frame))).merge(members, on="class")
        order = order.sort_values(["row", "rank"], ignore_index=True).drop(columns="row")
        return order[["rank", *frame.columns]]

    def _with_names(self, frame: pd.DataFrame) -> pd.DataFrame:
        script = self._file["classes/script"][()].astype(np.int64)[frame["class"]]
        lane_row = self._first_lane[script] + frame["lane"].to_numpy()
        task_row = self._first_task[lane_row] + frame["position"].to_numpy()
        kind = self._tasks["kind"][task_row]
        frame["lane_name"] = _category(lane_row, self._lane_names)
        frame["name"] = _category(kind, self.kinds["name"].to_numpy())
        frame["component"] = _category(kind, self.kinds["component"].to_numpy())
        frame["action"] = _category(kind, self.kinds["action"].to_numpy())
        frame["recomputed"] = self.kinds["recomputed"].to_numpy()[kind]
        for column in ("micro_batch", "layer", "chunk"):
            values = self._tasks[column][task_row].astype(np.int64)
            frame[column] = pd.array(values, dtype="Int64")
            frame.loc[values == NONE_16, column] = pd.NA
        return frame

    @cached_property
    def _lane_names(self) -> np.ndarray:
        return _texts(self._file["program/lanes/name"])

    @cached_property
    def _lane_counts(self) -> np.ndarray:
        return self._file["program/scripts/lanes"][()].astype(np.int64)

    @cached_property
    def _first_lane(self) -> np.ndarray:
        """Row of each script's first lane."""
        return np.concatenate([[0], np.cumsum(self._lane_counts)])

    @cached_property
    def _first_task(self) -> np.ndarray:
        """Row of each lane's first task."""
        tasks = self._file["program/lanes/tasks"][()].astype(np.int64)
        return np.concatenate([[0], np.cumsum(tasks)])

    @cached_property
    def _tasks(self) -> dict[str, np.ndarray]:
        group = self._file["program/tasks"]
        return {name: group[name][()] for name in ("kind", "micro_batch", "layer", "chunk")}


# --- what HDF5 gives, as we want it ---------------------------------------------------------------


def _open(path: Path) -> h5py.File:
    if not path.exists():
        raise UnreadableRun(f"{path}: there is no such file")
    if path.is_dir():
        raise UnreadableRun(f"{path}: this is a folder, not a file")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise UnreadableRun(f"{path}: this is no HDF5 file, or it is cut off ({error})") from error
    version = int(file.attrs.get("format_version", 0))
    problem = None
    if _text(file.attrs.get("format", b"")) != FORMAT:
        problem = "this is an HDF5 file, but no timeline of ours"
    elif version != FORMAT_VERSION:
        problem = f"it has format version {version}, this reader knows version {FORMAT_VERSION}"
    if problem:
        file.close()
        raise UnreadableRun(f"{path}: {problem}")
    return file


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else bytes(value).rstrip(b"\0").decode()


def _texts(dataset: h5py.Dataset) -> np.ndarray:
    return np.array([_text(value) for value in dataset[()]], dtype=object)


def _names(group: h5py.Group, attribute: str) -> np.ndarray:
    return np.array([_text(value) for value in group.attrs[attribute]], dtype=object)


def _blocks(rows: int) -> Iterator[slice]:
    for first in range(0, rows, BLOCK_ROWS):
        yield slice(first, min(first + BLOCK_ROWS, rows))


def _widened(values: np.ndarray) -> np.ndarray:
    """Unsigned columns as signed ones: differences must not wrap around."""
    return values.astype(np.int64) if values.dtype.kind == "u" else values


def _empty(group: h5py.Group, columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({column: _widened(group[column][()]) for column in columns})


def _category(codes: np.ndarray, names: np.ndarray) -> pd.Categorical:
    """Names as a categorical, though several rows of the dictionary may have the same name."""
    unique, number = np.unique(names.astype(str), return_inverse=True)
    return pd.Categorical.from_codes(number[codes] if len(names) else codes, unique)
