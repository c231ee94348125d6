"""The file of secrets beside the settings: `earful.env`, read as systemd reads an EnvironmentFile.

systemd.exec(5): https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile= - lines of
NAME=value; empty lines and those that begin with # or ; are passed over; a value may be in single or double quotes; a
backslash at a line's end joins it with the next; nothing is expanded. What the environment itself says wins.

Our unit hands the file over as a credential (systemd.exec(5), LoadCredential=): it may then be root's alone, and the
daemon reads the copy that systemd made when it started.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from monitor.settings.errors import Fault, SettingsError

NAME = "earful.env"
LARGEST = 256 * 1024  # bytes

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def with_secrets_file(settings: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, and below it what `earful.env` beside the settings file says, if there is one.

    Raises SettingsError for a file that others than its owner may write, or that cannot be read or understood.
    """
    path = settings.absolute().parent / NAME
    handed = environ.get("CREDENTIALS_DIRECTORY", "")
    if handed and not os.access(path, os.R_OK) and (Path(handed) / NAME).is_file():
        path = Path(handed) / NAME
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return environ
        with path.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except FileNotFoundError:
        return environ
    except OSError as error:
        if not path.exists():
            return environ
        raise _fault(path, None, f"a file that can't be read ({error.strerror})", "let this user read it") from None
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _fault(path, None, f"a file that others can write (mode {mode & 0o777:04o})", f"run: chmod 600 {path}")
    if len(data) > LARGEST:
        raise _fault(path, None, "more than 256 kB", "keep only secrets in this file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fault(
            path, data.count(b"\n", 0, error.start) + 1, "text that is not UTF-8", "save it as UTF-8"
        ) from None
    return {**dict(_assignments(text)), **environ}


def is_exported(folder: Path, name: str) -> bool:
    """Whether `earful.env` sets a name as a shell would, behind `export`: such a line is passed over."""
    try:
        text = (folder / NAME).read_text("utf-8-sig")
    except (OSError, ValueError):
        return False
    return re.search(rf"^[ \t]*export[ \t]+{re.escape(name)}[ \t]*=", text, re.MULTILINE) is not None


def is_kept_from(settings: Path, user: int) -> bool:
    """Whether a user (by number) can read `earful.env` only as systemd's copy of the start."""
    try:
        found = (settings.absolute().parent / NAME).stat()
    except OSError:
        return False
    return user not in (0, found.st_uid) and not found.st_mode & (stat.S_IRGRP | stat.S_IROTH)


def _fault(path: Path, line: int | None, found: str, write: str) -> SettingsError:
    return SettingsError((Fault(str(path), line, "", found, write),))


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """Each NAME=value, in order; what is not one is passed over, as systemd does."""
    lines = iter(text.replace("\r\n", "\n").split("\n"))
    for line in lines:
        name, sign, written = line.partition("=")
        if not line.lstrip().startswith(("#", ";")) and sign and _VARIABLE.fullmatch(name.strip()):
            yield name.strip(), _value(written, lines)


def _value(written: str, lines: Iterator[str]) -> str:
    """What an assignment gives: white space at its ends and quotes taken away, lines joined, nothing expanded.

    A quotation mark quotes only where a value begins; inside an unquoted one it is a letter like any other.
    """
    read: list[str] = []
    quote, begun, meant, at = "", False, 0, 0  # `meant`: up to where white space at the end belongs to the value
    while at < len(written) or quote:
        if at >= len(written):
            following = next(lines, None)  # a quoted value goes on over the end of its line
            if following is None:
                break
            written += f"\n{following}"
        letter, after = written[at], written[at + 1 : at + 2]
        at += 1
        if quote and letter == quote:
            quote, begun = "", False
        elif quote == '"' and letter == "\\" and after in {*'"\\`$', "\n"}:
            read += [] if after == "\n" else [after]
            at += 1
        elif quote:
            read.append(letter)
        elif letter in "'\"" and not begun:
            quote = letter
        elif letter == "\\":
            if after:
                read.append(after)
                at += 1
            else:
                written += next(lines, "")  # a backslash at the end joins the next line
            begun = True
        elif not letter.isspace() or begun:
            read.append(letter)
            begun = True
        if quote or not letter.isspace():
            meant = len(read)
    return "".join(read[:meant])
