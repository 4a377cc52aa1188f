"""What all pages that are made of templates share: how strict they are, and how they write a number or a name."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from nodulus.transforms.problems import printable

# Of `page.css`, which every page's own style begins with.
SHARED_TEMPLATES = Path(__file__).parent / "templates"


def page_environment(templates: Path, *, is_html: bool) -> Environment:
    """Return an environment in which a misspelt name is an error.

    Args:
        templates: their folder.
        is_html: escape what is filled in, and write negative numbers with a true minus sign; not so in Markdown.
    """
    # In Markdown nothing is escaped, and the blocks' own lines must leave no blanks.
    environment = Environment(
        loader=FileSystemLoader([templates, SHARED_TEMPLATES]),
        undefined=StrictUndefined,
        autoescape=is_html,
        trim_blocks=True,
        lstrip_blocks=not is_html,
    )
    environment.filters |= {
        "breakable": breakable,
        "measured": measured,
        "printable": printable,
        "fixed": fixed if is_html else lambda value, digits: f"{value:.{digits}f}",
        "words": lambda name: name.replace("_", " "),
    }
    return environment


def fixed(value: float, digits: int = 3) -> str:
    """Return a number with so many decimals, as people read it, with a true minus sign.

    >>> fixed(2 / 3), fixed(-0.001, 2)
    ('0.667', '0.00')
    """
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def measured(value: float, field: str, digits: int = 3) -> Markup:
    """Return a number of a record as a page shows it, with the whole number and the record's field beside it.

    >>> measured(2 / 3, "probabilities.malignant")
    Markup('<data data-field="probabilities.malignant" value="0.6666666666666666">0.667</data>')
    """
    return Markup('<data data-field="{}" value="{!r}">{}</data>').format(
        printable(field), float(value), fixed(value, digits)
    )


def breakable(text: str) -> Markup:
    """Return a text of a user's: long names may break at their joints, so that a narrow page shows them whole.

    Control characters and those that turn the direction of writing are escaped, so that it reads as it is.
    """
    whole = escape(printable(text))
    for joint in "_-/":
        whole = whole.replace(joint, Markup(f"{joint}<wbr>"))
    return whole
