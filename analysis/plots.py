"""Draws a run: who did what when, what memory held, how busy GPUs and links were.

Each draw_* function fills axes it is given, each *_page makes a figure of its own, and `overview`
puts all three on one page.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from . import style
from .reader import Run

Window = tuple[float, float]

WIDTH = 15.0
MOST_RANKS = 8
BINS = 160
GB = 1e9

MAIN_LANE_HEIGHT = 1.0
SIDE_LANE_HEIGHT = 0.42
RANK_GAP = 0.45


# --- pages ----------------------------------------------------------------------------------------


def overview(run: Run, ranks: list[int] | None = None, window: Window | None = None):
    """All three plots on one page, over the same stretch of time."""
    ranks, window = chosen_ranks(run, ranks), window or whole(run)
    bands = band_layout(run, ranks)
    tall = timeline_height(bands)
    page, axes = style.figure(WIDTH, tall + 7.2, [tall, 3.4, 2.6])
    with style.plt.rc_context(style.STYLE):
        draw_timeline(axes[0, 0], run, bands, window)
        draw_memory(axes[1, 0], run, fullest_rank(run, ranks), window)
        draw_utilisation(axes[2, 0], run, window)
        page.suptitle(headline(run), fontsize=13, fontweight="bold", x=0.01, ha="left")
    return page


def timeline_page(run: Run, ranks: list[int] | None = None, window: Window | None = None):
    bands = band_layout(run, chosen_ranks(run, ranks))
    page, axes = style.figure(WIDTH, timeline_height(bands) + 0.6)
    with style.plt.rc_context(style.STYLE):
        draw_timeline(axes[0, 0], run, bands, window or whole(run))
    return page


def memory_page(run: Run, ranks: list[int] | None = None, window: Window | None = None):
    """Of one rank: the fullest of those asked for, or of all."""
    page, axes = style.figure(WIDTH * 0.8, 4.6)
    with style.plt.rc_context(style.STYLE):
        rank = fullest_rank(run, ranks or run.representatives())
        draw_memory(axes[0, 0], run, rank, window or whole(run))
    return page


def utilisation_page(run: Run, window: Window | None = None):
    page, axes = style.figure(WIDTH * 0.8, 3.6)
    with style.plt.rc_context(style.STYLE):
        draw_utilisation(axes[0, 0], run, window or whole(run))
    return page


def headline(run: Run) -> str:
    size, unit = style.time_unit(run.end_s)
    return f"{run.name}   ·   {run.ranks:,} GPUs   ·   {run.end_s / size:.4g} {unit}"


def chosen_ranks(run: Run, ranks: list[int] | None) -> list[int]:
    return list(ranks) if ranks else run.representatives(MOST_RANKS)


def whole(run: Run) -> Window:
    return 0.0, run.end_s


# --- the timeline ---------------------------------------------------------------------------------


@dataclass
class Row:
    """A lane of a rank on the page; y grows downwards."""

    rank: int
    lane: int
    name: str
    top: float
    height: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def band_layout(run: Run, ranks: list[int]) -> list[Row]:
    """The rows of each rank below one another, those lanes only on which something happens."""
    used = run.spans(ranks)[["rank", "lane", "lane_name"]].drop_duplicates()
    rows, top = [], 0.0
    for rank in ranks:
        lanes = used[used["rank"] == rank].sort_values("lane")
        for lane, name in zip(lanes["lane"], lanes["lane_name"]):
            height = MAIN_LANE_HEIGHT if lane == 0 else SIDE_LANE_HEIGHT
            rows.append(Row(rank, lane, name, top, height))
            top += height
        top += RANK_GAP
    return rows


def timeline_height(rows: list[Row]) -> float:
    """In inches."""
    bottom = rows[-1].top + rows[-1].height if rows else 1.0
    return float(np.clip(bottom * 0.36, 2.0, 40.0)) + 1.0


def draw_timeline(axes: Axes, run: Run, rows: list[Row], window: Window) -> None:
    """A bar per task; of a collective the paler part is waiting for its last member."""
    size, unit = style.time_unit(window[1] - window[0])
    spans = run.spans(sorted({row.rank for row in rows}))
    spans = spans[(spans["end_s"] > window[0]) & (spans["begin_s"] < window[1])]
    spans = spans.assign(look=looks(spans))
    for row in rows:
        mine = spans[(spans["rank"] == row.rank) & (spans["lane"] == row.lane)]
        draw_bars(axes, row, mine, size)
        if row.lane == 0:
            write_micro_batches(axes, row, mine, window)
    label_rows(axes, run, rows)
    axes.set_xlim(window[0] / size, window[1] / size)
    axes.set_ylim(rows[-1].top + rows[-1].height + RANK_GAP if rows else 1, -RANK_GAP)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(unit)
    axes.set_title("What ranks did", pad=26)
    shown = [look for look in style.COMPONENT_COLOURS if (spans["look"] == look).any()]
    legend_above(axes, shown, style.COMPONENT_COLOURS, style.COMPONENT_LABELS)


def looks(spans: pd.DataFrame) -> np.ndarray:
    """Which colour: the component, and for computation whether it goes back or repeats."""
    look = spans["component"].astype(str).to_numpy(dtype=object)
    computes = look == "compute"
    backward = spans["name"].astype(str).str.contains("backward|gradient").to_numpy()
    look[computes & backward] = "backward"
    look[computes & spans["recomputed"].to_numpy()] = "recomputed"
    return look


def draw_bars(axes: Axes, row: Row, spans: pd.DataFrame, size: float) -> None:
    for look, same in spans.groupby("look", sort=False):
        colour = style.COMPONENT_COLOURS.get(look, style.COMPONENT_COLOURS["other"])
        begin = same["begin_s"].to_numpy() / size
        moving = begin + same["waited_s"].to_numpy() / size
        end = same["end_s"].to_numpy() / size
        waits = moving > begin
        add_boxes(axes, row, begin[waits], moving[waits], colour, 0.22)
        add_boxes(axes, row, moving, end, colour, 1.0)


def add_boxes(axes: Axes, row: Row, left, right, colour: str, alpha: float) -> None:
    top, bottom = row.top + 0.04, row.top + row.height - 0.04
    corners = [[(a, top), (b, top), (b, bottom), (a, bottom)] for a, b in zip(left, right)]
    edge = 0.3 if alpha == 1.0 and len(corners) < 2_000 else 0.0
    axes.add_collection(
        PolyCollection(corners, facecolors=colour, alpha=alpha, edgecolors="white", linewidths=edge)
    )


def write_micro_batches(axes: Axes, row: Row, spans: pd.DataFrame, window: Window) -> None:
    """The number of the micro-batch in the middle of each stretch of its work that has the room."""
    size, _ = style.time_unit(window[1] - window[0])
    work = spans[spans["micro_batch"].notna()].sort_values("begin_ps")
    if work.empty:
        return
    key = work["micro_batch"].astype(int).astype(str) + work["look"].astype(str)
    stretches = work.groupby((key != key.shift()).cumsum()).agg(
        begin=("begin_s", "min"),
        end=("end_s", "max"),
        number=("micro_batch", "first"),
        look=("look", "first"),
    )
    for stretch in stretches.itertuples():
        begin, end = max(stretch.begin, window[0]), min(stretch.end, window[1])
        if end - begin < 0.009 * (window[1] - window[0]):
            continue
        axes.text(
            (begin + end) / 2 / size,
            row.middle,
            str(stretch.number),
            ha="center",
            va="center",
            fontsize=7.5,
            color="white" if stretch.look == "backward" else style.INK,
            fontweight="bold",
        )


def label_rows(axes: Axes, run: Run, rows: list[Row]) -> None:
    """Lanes at the axis, the rank and its stage once before them."""
    axes.set_yticks([row.middle for row in rows])
    axes.set_yticklabels([row.name.replace("_", " ") for row in rows], fontsize=7)
    axes.tick_params(axis="y", length=0)
    room = 14 + 4.2 * max((len(row.name) for row in rows), default=0)
    for rank in dict.fromkeys(row.rank for row in rows):
        band = [row for row in rows if row.rank == rank]
        script = run.classes["script"][run.class_of_rank[rank]]
        axes.annotate(
            f"rank {rank}\n{script}",
            xy=(0, (band[0].top + band[-1].top + band[-1].height) / 2),
            xycoords=("axes fraction", "data"),
            xytext=(-room, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8.5,
            fontweight="bold",
        )
        axes.axhline(band[-1].top + band[-1].height + RANK_GAP / 2, color=style.GRID, linewidth=0.8)


def legend_above(axes: Axes, shown: list[str], colours: dict, labels: dict) -> None:
    patches = [Patch(facecolor=colours[name], label=labels.get(name, name)) for name in shown]
    axes.legend(
        handles=patches,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncol=len(patches) or 1,
        borderaxespad=0.3,
        handlelength=1.1,
        columnspacing=1.4,
    )


# --- memory ---------------------------------------------------------------------------------------


def fullest_rank(run: Run, ranks: list[int]) -> int:
    """The rank that holds most at its peak; of alike ones the first."""
    peaks = {rank: run.memory_levels(rank).sum(axis=1).max() for rank in one_per_class(run, ranks)}
    return max(peaks, key=lambda rank: (np.nan_to_num(peaks[rank]), -rank))


def one_per_class(run: Run, ranks: list[int]) -> list[int]:
    return list({run.class_of_rank[rank]: rank for rank in reversed(ranks)}.values())


def draw_memory(axes: Axes, run: Run, rank: int, window: Window) -> None:
    """What a rank held, stacked by category, under the capacity of its GPU."""
    size, unit = style.time_unit(window[1] - window[0])
    levels = run.memory_levels(rank) / GB
    capacity = run.classes["memory_capacity_bytes"][run.class_of_rank[rank]] / GB
    shown = [name for name in levels.columns if levels[name].any()]
    times = np.append(levels.index.to_numpy(), max(run.end_s, window[1])) / size
    heights = [np.append(levels[name], levels[name].iloc[-1]) for name in shown]
    if heights:
        colours = [style.MEMORY_COLOURS[name] for name in shown]
        axes.stackplot(times, heights, colors=colours, step="post", linewidth=0)
        mark_peak(axes, levels.sum(axis=1), size)
    if capacity > 0:
        axes.axhline(capacity, color=style.INK, linewidth=1.2, linestyle=(0, (5, 3)))
        label = f"capacity {capacity:.4g} GB"
        place = axes.get_yaxis_transform()
        axes.annotate(
            label,
            xy=(0.998, capacity),
            xycoords=place,
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8.5,
        )
    axes.set_xlim(window[0] / size, window[1] / size)
    top = max([capacity, *(levels.sum(axis=1) if heights else [])])
    axes.set_ylim(0, top * 1.12 if top > 0 else 1)
    axes.set_ylabel("GB")
    axes.set_xlabel(unit)
    axes.grid(axis="y")
    script = run.classes["script"][run.class_of_rank[rank]]
    axes.set_title(f"What rank {rank} held ({script})", pad=26)
    legend_above(axes, shown, style.MEMORY_COLOURS, {"kv_cache": "KV cache"})


def mark_peak(axes: Axes, total: pd.Series, size: float) -> None:
    at, peak = total.idxmax(), total.max()
    axes.plot(at / size, peak, marker="o", markersize=4, color=style.INK)
    axes.annotate(
        f"peak {peak:.4g} GB",
        xy=(at / size, peak),
        xytext=(6, 5),
        textcoords="offset points",
        fontsize=8.5,
        fontweight="bold",
    )


# --- utilisation ----------------------------------------------------------------------------------


def draw_utilisation(axes: Axes, run: Run, window: Window) -> None:
    """Shares of GPUs that compute and of links' capacity that is used, averaged over small bins."""
    size, unit = style.time_unit(window[1] - window[0])
    edges = np.linspace(*window, BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2 / size
    computing = gpu_utilisation(run, edges)
    area = axes.fill_between(
        middles, computing, step="mid", color=style.COMPONENT_COLOURS["compute"], alpha=0.55, lw=0
    )
    area.set_label(f"GPUs computing, mean {computing.mean():.0%}")
    for (kind, used), colour in zip(link_utilisation(run, edges).items(), style.LINK_COLOURS):
        label = f"{kind}, mean {used.mean():.0%}"
        axes.plot(middles, used, color=colour, linewidth=1.3, drawstyle="steps-mid", label=label)
    axes.set_xlim(window[0] / size, window[1] / size)
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.set_xlabel(unit)
    axes.grid(axis="y")
    axes.set_title("How busy GPUs and links were", pad=26)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncol=8, borderaxespad=0.3)


def gpu_utilisation(run: Run, edges: np.ndarray) -> np.ndarray:
    """Share of the ranks that compute on their first lane, per bin."""
    spans = run.spans()
    spans = spans[(spans["lane"] == 0) & (spans["action"] == "compute")]
    weight = run.classes["multiplicity"].to_numpy()[spans["class"]] / max(run.ranks, 1)
    return bin_means(edges, spans["begin_s"].to_numpy(), spans["end_s"].to_numpy(), weight)


def link_utilisation(run: Run, edges: np.ndarray) -> dict[str, np.ndarray]:
    """Share of the capacity used, per bin, of each kind of links, over all links of the kind."""
    samples = run.links()
    samples["until_s"] = samples.groupby("resource")["at_s"].shift(-1).fillna(run.end_s)
    used = {}
    for kind, same in samples.groupby("kind", observed=True):
        resources = run.resources[run.resources["kind"] == kind]
        capacity = (resources["capacity_bytes_per_s"] * resources["count"]).sum()
        carried = same["bytes_per_s"] * run.resources["count"].to_numpy()[same["resource"]]
        weight = carried.to_numpy() / capacity
        used[kind] = bin_means(edges, same["at_s"].to_numpy(), same["until_s"].to_numpy(), weight)
    return used


def bin_means(edges: np.ndarray, begin, end, weight) -> np.ndarray:
    """Mean per bin of the sum of weights of the intervals that cover an instant."""
    covered = integral(edges, begin, weight) - integral(edges, end, weight)
    return np.clip(np.diff(covered) / np.diff(edges), 0, None)


def integral(at: np.ndarray, begin: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sum over i of weight[i] * max(0, at - begin[i]), for each `at`."""
    order = np.argsort(begin, kind="stable")
    weights = np.concatenate([[0.0], np.cumsum(weight[order])])
    moments = np.concatenate([[0.0], np.cumsum(weight[order] * begin[order])])
    before = np.searchsorted(begin[order], at, side="right")
    return at * weights[before] - moments[before]
