"""What a page holds, as a parser of HTML reads it."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "link", "br", "wbr", "hr", "input"}
Attributes = dict[str, str | None]


class Outline(HTMLParser):
    """The tags of a page with their attributes, in order, and the text below each; what is opened must be closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, Attributes]] = []
        self._texts: list[list[str]] = []
        self._open: list[tuple[str, int]] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)
        if tag not in VOID:
            self._open.append((tag, len(self.found) - 1))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, number in self._open:
            self._texts[number].append(data)

    def named(self, tag: str) -> list[Attributes]:
        """Return the attributes of each tag of a name."""
        return [attributes for name, attributes in self.found if name == tag]

    def fields(self) -> list[tuple[str, str, Attributes]]:
        """Return each field of a record that the page shows, in order: its name, its text, its tag's attributes."""
        return [
            (str(attributes["data-field"]), "".join(text), attributes)
            for (_, attributes), text in zip(self.found, self._texts, strict=True)
            if "data-field" in attributes
        ]

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._texts.append([])
