"""Compresses slices by gdcm, the one encoder of lossless JPEG at hand."""

from __future__ import annotations

from pathlib import Path


def compress_by_gdcm(folder: Path, name: str) -> None:
    """Compress every file of a folder in place."""
    import gdcm

    for path in sorted(folder.iterdir()):
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, name)))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(path))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
