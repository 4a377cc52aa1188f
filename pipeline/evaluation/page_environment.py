"""What all pages that are made of templates share: how strict they are, and how they write a number or a name."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .plots import group_title


def page_environment(templates: Path, *, is_html: bool) -> Environment:
    """Return an environment in which a misspelt name is an error.

    Args:
        templates: their folder.
        is_html: escape what is filled in, and write negative numbers with a true minus sign; not so in Markdown.
    """
    # In Markdown nothing is escaped, and the blocks' own lines must leave no blanks.
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        autoescape=is_html,
        trim_blocks=True,
        lstrip_blocks=not is_html,
    )
    environment.filters |= {
        "fixed": fixed if is_html else lambda value, digits: f"{value:.{digits}f}",
        "group": group_title,
        "words": lambda name: name.replace("_", " "),
    }
    return environment


def fixed(value: float, digits: int = 3) -> str:
    """Return a number with so many decimals, as people read it, with a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
