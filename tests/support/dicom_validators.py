"""Others' judges of DICOM objects: dciodvfy of dicom3tools, and PixelMed's DicomSRValidator in one process for all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

PIXELMED = Path("/usr/share/java/pixelmed.jar")
# PixelMed's rules are an XSLT program. Java's own processor takes them only with -Djdk.xml.xpathExprGrpLimit=0 and the
# like, and reads their table of codes anew at each look: seconds a report. Saxon says the same in 0.3 s.
SAXON = Path("/usr/share/java/Saxon-HE.jar")
_PROCESSOR = "-Djavax.xml.transform.TransformerFactory=net.sf.saxon.TransformerFactoryImpl"
_MANY = """
import com.pixelmed.validate.DicomSRValidator;
public class ValidateMany {
  public static void main(String[] files) throws Exception {
    DicomSRValidator validator = new DicomSRValidator();
    for (String file : files) {
      System.out.println("== " + file);
      System.out.println(validator.validate(file));
    }
  }
}
"""


def needed_tool(name: str, package: str) -> str:
    """Return the path of a program; skip the test where it is not installed, and fail it in CI."""
    found = shutil.which(name)
    if found is None:
        _miss(f"{name} is not installed", package)
    return str(found)


def needed_file(path: str | Path, package: str) -> Path:
    """Return the path of a file of a package; skip the test where it is not installed, and fail it in CI."""
    if not Path(path).exists():
        _miss(f"{path} is not there", package)
    return Path(path)


def dciodvfy_errors(path: Path) -> list[str]:
    """Return the errors that dciodvfy finds in an object."""
    tool = needed_tool("dciodvfy", "dicom3tools")
    done = subprocess.run([tool, "-new", str(path)], capture_output=True, text=True, check=False, errors="replace")
    said = (done.stdout + done.stderr).splitlines()
    return [line for line in said if "Error" in line] or ([f"exit code {done.returncode}"] if done.returncode else [])


def pixelmed_errors(paths: Sequence[Path], folder: Path) -> dict[str, list[str]]:
    """Return the errors that PixelMed finds in each report, by path; those without any have an empty list."""
    java = needed_tool("java", "default-jdk-headless")
    needed_file(PIXELMED, "pixelmed-apps")
    needed_file(SAXON, "libsaxonhe-java")
    program = folder / "ValidateMany.java"
    program.write_text(_MANY)
    command = [java, _PROCESSOR, "-cp", f"{PIXELMED}:{SAXON}", str(program), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = dict(re.findall(r"^== (.*)\n((?:(?!== ).*\n)*)", done.stdout, re.MULTILINE))
    assert said.keys() == set(map(str, paths))
    assert all("IOD validation complete" in text for text in said.values())
    return {path: [line for line in text.splitlines() if "Error" in line] for path, text in said.items()}


def _miss(what: str, package: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI needs it (Debian: {package})")
    pytest.skip(f"{what} (Debian: {package})")
