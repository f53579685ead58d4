"""Matplotlib's SVG made fit to stand inside an HTML page: the page's colours and fonts, no ids but those needed."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

from markupsafe import Markup
from matplotlib.figure import Figure

from .style import COLOURS

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_VARIABLES = {light: f"var(--{role})" for role, (light, _) in COLOURS.items()}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def inline(figure: Figure, label: str, prefix: str) -> Markup:
    """The figure as an <svg> element that screen readers call `label`. prefix: of its ids, unique on the page."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=_NO_METADATA, transparent=True)
    root = ET.fromstring(file.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    used = set(re.findall(r"#([\w.-]+)", " ".join(v for e in root.iter() for v in _references(e))))
    for element in root.iter():
        _clean(element, used, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", label)
    root.set("class", "chart")
    ET.register_namespace("", _SVG)
    return Markup(ET.tostring(root, encoding="unicode"))


def _references(element: ET.Element) -> list[str]:
    return [v for k, v in element.attrib.items() if k in (f"{{{_XLINK}}}href", "clip-path")]


def _clean(element: ET.Element, used: set[str], prefix: str) -> None:
    link = element.attrib.pop(f"{{{_XLINK}}}href", None)
    if link is not None:
        element.set("href", f"#{prefix}{link[1:]}")
    if "clip-path" in element.attrib:
        element.set("clip-path", element.attrib["clip-path"].replace("url(#", f"url(#{prefix}"))
    name = element.attrib.pop("id", None)
    if name in used:
        element.set("id", f"{prefix}{name}")
    for key in ("d", "x", "y", "width", "height", "transform", "points"):
        if key in element.attrib:
            element.set(key, _shorter(element.attrib[key]))
    if "style" in element.attrib:
        style = re.sub(r"\s*font-family:[^;]*;?", "", element.attrib["style"])
        element.set("style", re.sub(r"#[0-9a-f]{6}", lambda m: _VARIABLES.get(m[0], m[0]), style))
    if element.tag != f"{{{_SVG}}}text":
        element.text = None
    element.tail = None


def _shorter(numbers: str) -> str:
    """A hundredth of a point is exact enough."""
    rounded = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), numbers)
    return " ".join(rounded.split())
