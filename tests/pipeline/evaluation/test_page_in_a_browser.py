"""The page as a browser lays it out, from a telephone's width up; needs Chromium."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nodulus.pipeline.evaluation.metrics import evaluate_predictions
from nodulus.pipeline.evaluation.page import render_page
from tests.support.simulated_predictions import simulated_context, simulated_predictions

WIDTHS_PX = (400, 900, 1400)
SMALLEST_TEXT_PX = 9.0  # below it, labels of a plot cannot be read
LONG = "AN_UNUSUALLY-LONG_NAME_WITHOUT_ANY_SPACE_" + "x" * 80
# Frames give exact widths, where a window may not become as narrow; what they measured is left in <pre>.
FRAMES = """<!DOCTYPE html><body style="margin:0">{frames}<pre></pre><script>
onload = () => {{
  document.querySelector("pre").textContent = JSON.stringify([...document.querySelectorAll("iframe")].map(frame => {{
    const page = frame.contentDocument, root = page.documentElement;
    const box = one => one.getBoundingClientRect();
    const texts = [...page.querySelectorAll("svg text")].map(one => box(one));
    return {{
      width: root.clientWidth, needed: root.scrollWidth,
      title: page.querySelector("h1").scrollWidth - page.querySelector("h1").clientWidth,
      smallest: Math.min(...texts.map(one => one.height)),
      cut: [...page.querySelectorAll("svg")].flatMap(svg => [...svg.querySelectorAll("text")]
        .filter(one => box(one).left < box(svg).left - 1 || box(one).right > box(svg).right + 1)
        .map(one => one.textContent)),
      below: box(page.querySelector("header [role=note]")).top - box(page.querySelector(".verdict")).bottom,
    }};
  }}));
}};
</script></body>"""


@pytest.fixture(scope="module")
def chromium() -> str:
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed; CI needs it (Debian: chromium)")
        pytest.skip("chromium is not installed (Debian: chromium)")
    return program


def laid_out(chromium: str, page: str, folder: Path) -> list[dict[str, Any]]:
    """Return what a browser measures of a page at each of the widths."""
    frames = "".join(
        f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(page)}"></iframe>'
        for width in WIDTHS_PX
    )
    (folder / "frames.html").write_text(FRAMES.format(frames=frames), encoding="utf-8")
    # The page is our own and runs no script: as root, in a container, the sandbox does not start.
    words = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [chromium, *words, str(folder / "frames.html")], capture_output=True, text=True, check=True, timeout=120
    )
    found = re.search(r"<pre>(.*)</pre>", done.stdout)
    assert found, done.stderr[-2000:]
    return list(json.loads(html.unescape(found[1])))


@pytest.mark.parametrize("name", ["lung_nodule_ct_classification on the validation split of list.json", LONG])
def test_the_page_fits_a_telephone_and_a_screen(chromium: str, name: str, tmp_path: Path) -> None:
    predictions = [
        replace(one, attributes={**one.attributes, "manufacturer": name if index % 3 else "GE MEDICAL SYSTEMS"})
        for index, one in enumerate(simulated_predictions())
    ]
    context = simulated_context(title=name, data=name, caveat="all 120 patients chose the best epoch", n_resamples=20)
    page = render_page(evaluate_predictions(predictions, context), {})
    measured = laid_out(chromium, page, tmp_path)
    for width, one in zip(WIDTHS_PX, measured, strict=True):
        assert 0 < width - one["width"] + 1 <= 20, "a frame's width, less a scroll bar"
        assert one["needed"] <= one["width"], "the page does not scroll sideways"
        assert one["title"] <= 0, "the title is whole"
        assert one["smallest"] >= SMALLEST_TEXT_PX
        assert one["cut"] == [], "labels stay inside their plot"
        assert 0 <= one["below"] < 40, "the caveat stands beside the lead figure"
