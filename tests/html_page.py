"""Reads an HTML page for tests: that it is well formed, its text, tables and references."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}
REFERENCES = ("src", "href", "srcset", "data", "action", "poster", "xlink:href")


class Page(HTMLParser):
    """tables: (classes of the table, rows of cells' texts). Raises AssertionError when elements do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.handlers: list[str] = []
        self.labels: list[str] = []
        self.styles: list[str] = []
        self.texts: list[str] = []
        self.tables: list[tuple[str, list[list[str]]]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def rows(self, kind: str) -> list[list[str]]:
        """Rows of all tables of a class, heads included."""
        return [row for classes, rows in self.tables if kind in classes.split() for row in rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self._open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in REFERENCES:
                self.references.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
            if name == "aria-label":
                self.labels.append(value or "")
            if name == "style":
                self.styles.append(value or "")
        if tag == "table":
            self.tables.append((dict(attrs).get("class") or "", []))
        if tag == "tr":
            self.tables[-1][1].append([])
        if tag in ("td", "th"):
            self.tables[-1][1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> does not nest"

    def handle_data(self, data: str) -> None:
        if "style" in self._open[-1:]:
            self.styles.append(data)
            return
        self.texts.append(data)
        if "table" in self._open and self.tables[-1][1] and {"td", "th"} & set(self._open):
            row = self.tables[-1][1][-1]
            row[-1] = " ".join(f"{row[-1]} {data}".split())
