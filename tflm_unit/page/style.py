"""Colours of charts and page, from Okabe and Ito's set for colour-blind readers, and Matplotlib's settings."""

from __future__ import annotations

from typing import Any

# Role: (on light, on dark). Charts are drawn in the light colours, which svg.py makes the page's variables.
COLOURS = {
    "text": ("#1a1f26", "#e7eaee"),
    "muted": ("#5a6470", "#a4adb8"),
    "line": ("#d6dce2", "#363e48"),
    "zero": ("#9ccbe8", "#2f6f9f"),
    "pruned": ("#0a6ebd", "#55aef0"),
    "kept": ("#c3c8ce", "#59636e"),
    "search": ("#75818e", "#8d98a5"),
    "point0": ("#d55e00", "#ff8f4d"),
    "point1": ("#009e73", "#2fc79c"),
    "point2": ("#a8488f", "#dd92cc"),
    "point3": ("#b07b00", "#e8b64c"),
    "point4": ("#4b5fc0", "#95a4f5"),
    "point5": ("#6e4b2a", "#c9a27d"),
}
MARKERS = "osD^vP"
SERIES = len(MARKERS)

RC: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": COLOURS["line"][0],
    "axes.grid": True,
    "axes.labelcolor": COLOURS["muted"][0],
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": COLOURS["text"][0],
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.size": 9,
    "grid.color": COLOURS["line"][0],
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": COLOURS["text"][0],
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "tflm-unit",
    "text.color": COLOURS["text"][0],
    "text.parse_math": False,  # layer names may hold a $
    "xtick.color": COLOURS["line"][0],
    "xtick.labelcolor": COLOURS["muted"][0],
    "ytick.color": COLOURS["line"][0],
    "ytick.labelcolor": COLOURS["muted"][0],
}


def colour(role: str) -> str:
    """The light one."""
    return COLOURS[role][0]


def shape(index: int) -> int:
    """Number of the marker of the operating point with this index: after 6 colours they go with other shapes."""
    return (index + index // SERIES) % SERIES


def series(index: int) -> tuple[str, str]:
    """Colour and marker of the operating point with this index."""
    return colour(f"point{index % SERIES}"), MARKERS[shape(index)]


def variables(theme: int) -> str:
    """CSS variables of the light (0) or dark (1) theme."""
    return " ".join(f"--{role}: {pair[theme]};" for role, pair in COLOURS.items())
