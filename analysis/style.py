"""How plots look: one colour per component of time, one per category of memory, a light page."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402  (after the choice of a backend without a screen)

COMPONENT_COLOURS = {
    "compute": "#8fb8de",
    "backward": "#4a7fb5",
    "recomputed": "#c3d4e6",
    "tp": "#eba63f",
    "cp": "#b795d4",
    "ep": "#5db39b",
    "pp": "#d96c5f",
    "dp": "#93a53d",
    "optimizer": "#7b5b52",
    "other": "#a3a3a3",
}

COMPONENT_LABELS = {
    "compute": "forward and other computation",
    "backward": "backward",
    "recomputed": "recomputation",
    "tp": "tensor",
    "cp": "context",
    "ep": "expert",
    "pp": "pipeline",
    "dp": "data",
    "optimizer": "optimizer",
    "other": "other",
}

MEMORY_COLOURS = {
    "parameters": "#4a7fb5",
    "gradients": "#93a53d",
    "optimizer": "#7b5b52",
    "activations": "#eba63f",
    "kv_cache": "#5db39b",
    "workspace": "#b795d4",
    "communication": "#d96c5f",
    "overhead": "#b5b5b5",
}

LINK_COLOURS = ["#d96c5f", "#eba63f", "#5db39b", "#b795d4", "#93a53d", "#4a7fb5", "#7b5b52"]

INK = "#2b2f36"
FAINT_INK = "#7c828c"
GRID = "#e4e6ea"

STYLE = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": "#c9ccd2",
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": FAINT_INK,
    "ytick.color": FAINT_INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "text.color": INK,
    "font.family": "DejaVu Sans",
    "svg.hashsalt": "orrery",
}

TIME_UNITS = [(1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")]


def time_unit(seconds: float) -> tuple[float, str]:
    """The unit in which a stretch of time reads best: (0.4) is (1e-3, "ms")."""
    return next(((size, name) for size, name in TIME_UNITS if seconds >= 2 * size), TIME_UNITS[-1])


def figure(width: float, height: float, rows: list[float] | None = None):
    """A figure with a column of axes of those relative heights."""
    with plt.rc_context(STYLE):
        return plt.subplots(
            len(rows or [1]),
            figsize=(width, height),
            squeeze=False,
            constrained_layout=True,
            gridspec_kw={"height_ratios": rows or [1]},
        )


def save(page, path) -> None:
    """The same run is the same picture: no date, no version in the file."""
    nothing = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
    kind = str(path).rsplit(".", 1)[-1].lower()
    with plt.rc_context(STYLE):
        page.savefig(path, dpi=160, metadata=nothing.get(kind))
    plt.close(page)
