"""`nodulus listen` that notes every place which it writes to: python watched_listener.py NOTES SPOOL ARGUMENTS..."""

from __future__ import annotations

import os
import sys

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Audited events, and which of their arguments are the places that change.
_CHANGES = {
    **dict.fromkeys(("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "shutil.rmtree"), (0,)),
    **dict.fromkeys(("os.rename", "os.link", "os.symlink", "shutil.move"), (0, 1)),
}
_STARTS = frozenset({"subprocess.Popen", "os.exec", "os.system", "os.posix_spawn"})


def main() -> None:
    """Watch this process, and run the command in it."""
    notes = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    spool = os.path.realpath(sys.argv[2])  # not pathlib: the audit hook must stay small

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            is_write = isinstance(arguments[2], int) and arguments[2] & _WRITES
            places = arguments[:1] if is_write else ()
        else:
            places = tuple(arguments[at] for at in _CHANGES.get(event, ()))
        for place in places:
            text = os.fsdecode(place) if isinstance(place, str | bytes | os.PathLike) else ""
            if text and not os.path.realpath(text).startswith(spool):
                os.write(notes, f"{event} {text!r}\n".encode())
        if event in _STARTS:
            os.write(notes, f"{event} {arguments[0]!r}\n".encode())

    from nodulus.pipeline.command.main import main as command

    sys.addaudithook(note)
    command(["listen", *sys.argv[2:]])


if __name__ == "__main__":
    main()
