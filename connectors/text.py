"""Plain text and plain values out of what networks send: no tags, no entities, no half characters, aware UTC times.

Everything here is pure, never raises on text, and takes time in proportion to the length of what it is given.
"""

from __future__ import annotations

import html
import json
import math
import re
import unicodedata
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlsplit

from connectors import dates

RAW_CAP = 65_536
EARLIEST = 1e8  # seconds since 1970: a smaller number is a missing time, or none
LONGEST_URL = 4_096
_MOST_MARKS = 30

# Letters of scripts that are written without spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, Chinese and
# Japanese; and Korean, which glues its particles to a name. The inside of a character class.
SPACELESS = (
    "\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3021-\u302f\u3031-\u303c\u3040-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\uffa1-\uffdc\U00020000-\U0003ffff"
)
# A letter or digit of any other script, as a pattern: between it and a Japanese letter a word ends without a space.
LETTER_OF_SPACED = f"[^\\W{SPACELESS}]"
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNCLEAN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MARK_RUN = re.compile(rf"[^\x00-\u02ff\w]{{{_MOST_MARKS + 1},}}")
# Each alternative ends at the next "<" at the latest, so that no text of any length makes the search start over.
_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]*+)"""
    r"""(?:(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>|[^<>]*+>)|<[!?][^<>]*+>"""
)
_SPACES = re.compile(r"[ \t\r\n\x0c]+")
_MANY_LINES = re.compile(r"\n\s*\n")
_AROUND_LINES = re.compile(r" *\n *")
_PARAGRAPH = frozenset(
    {"p", "div", "blockquote", "ul", "ol", "dl", "table", "pre", "section", "article", "header", "footer", "figure"}
    | {"hr", "h1", "h2", "h3", "h4", "h5", "h6"}
)
_LINE = frozenset({"br", "li", "tr", "dt", "dd", "option", "figcaption"})
_CELL = frozenset({"td", "th"})
_SILENT = frozenset({"script", "style", "template", "noscript", "iframe", "object", "svg", "head"})

_DOTNET = re.compile(r"/Date\((\d+)(?:[+-]\d{4})?\)/")
_RUN_TOGETHER = re.compile(r"(?:19|20)\d{10}(?:\d\d)?")


def clean(text: str) -> str:
    """Make text safe to keep anywhere: no control characters but tab and newline, no surrogates, NFC.

    Every kind of line end becomes a newline. Two halves of a surrogate pair become their character, a lone one U+FFFD.
    Cleaning twice changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    if _UNCLEAN.search(text):
        if _SURROGATE.search(text):
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", few_marks(text))


def few_marks(text: str) -> str:
    """Cut runs of combining marks at 30 (the Stream-Safe format of Unicode's UAX #15).

    No script needs more, and ordering them takes the Unicode algorithm half a minute on 200 kB of them.
    """
    return _MARK_RUN.sub(_thinned, text)


def bare_name(name: str) -> str:
    """The name of an account as it is compared: without the @ or u/ before it, in any case."""
    return name.lstrip("@").removeprefix("u/").casefold()


def _thinned(match: re.Match[str]) -> str:
    signs = match.group()
    if not any(unicodedata.category(character)[0] == "M" for character in set(signs)):
        return signs  # a wall of emoji, or of what is unseen: 200 kB of it are but a few different ones
    kept: list[str] = []
    run = 0
    for character in signs:
        run = run + 1 if unicodedata.category(character)[0] == "M" else 0
        if run <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def plain(text: str) -> str:
    """Turn HTML into plain text: tags and entities gone, paragraphs and lines kept, a link leaves its words.

    What stands in scripts, styles and comments is dropped. Text without any tag keeps its own line ends.
    """
    if "<" not in text:
        return clean(html.unescape(text) if "&" in text else text).strip()
    out: list[str] = []
    position, preformatted = 0, 0
    while True:
        match = _next_tag(text, position)
        end = match.start() if match else len(text)
        if end > position:
            words = html.unescape(text[position:end])
            out.append(words if preformatted else _SPACES.sub(" ", words))
        if match is None:
            break
        position = match.end()
        if match.group().startswith("<!"):
            position = _after_declaration(text, match)
            continue
        name, closing = (match.group("name") or "").lower(), bool(match.group("close"))
        if name == "pre":
            preformatted = max(0, preformatted + (-1 if closing else 1))
        if name in _SILENT and not closing and not match.group().endswith("/>"):
            position = _after_silent(text, name, position)
        out.append(_space_of(name, closing))
    return _tidy("".join(out))


def _next_tag(text: str, position: int) -> re.Match[str] | None:
    return _TAG.search(text, position)


def _space_of(name: str, closing: bool) -> str:
    if name in _PARAGRAPH:
        return "\n\n"
    if name in _LINE:
        return "\n"
    return " " if name in _CELL and closing else ""


def _after_declaration(text: str, match: re.Match[str]) -> int:
    """Where the text goes on after a comment; what is never closed ends at its first ">" as in browsers' recovery."""
    if text.startswith("<!--", match.start()):
        close = text.find("-->", match.start() + 4)
        return close + 3 if close >= 0 else len(text)
    return match.end()


def _after_silent(text: str, name: str, position: int) -> int:
    close = re.compile(rf"</{name}\b[^>]*>?", re.IGNORECASE).search(text, position)
    return close.end() if close else len(text)


def _tidy(text: str) -> str:
    text = clean(text)
    return _MANY_LINES.sub("\n\n", _AROUND_LINES.sub("\n", text)).strip()


def parse_time(value: object) -> datetime | None:
    """Read a time in any of the shapes that networks use, as aware UTC; None if it is none of them.

    A number, or its digits, counts from 1970 (seconds down to nanoseconds); of texts, what `dates` can read whole
    and in one way only. A time without a zone is taken as UTC.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        if not isinstance(value, str):
            return _in_range(_from_number(float(value)))
        text = value.strip()
        number = number_of(text)
        return dates.moment(text) if number is None else _in_range(_from_number(number))
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def number_of(text: str) -> float | None:
    """The count since 1970 that a text holds: nine digits or more, which are no date run together."""
    wrapped = _DOTNET.fullmatch(text)
    digits = wrapped[1] if wrapped else text
    whole = digits.partition(".")[0]
    if len(digits) > 30 or len(whole) < 9 or not digits.replace(".", "", 1).isdecimal():
        return None
    return None if _RUN_TOGETHER.fullmatch(digits) and dates.moment(digits) else float(digits)


def _from_number(number: float) -> datetime | None:
    if not math.isfinite(number) or number < EARLIEST:
        return None
    for _ in range(3):  # milliseconds, microseconds, nanoseconds; what is larger still is no time
        number = number / 1000 if number >= 1e11 else number
    return datetime.fromtimestamp(number, UTC)


def _in_range(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at if 1971 <= at.year <= 9000 else None  # where 1970 is written, a time is missing


def safe_url(text: object) -> str:
    """Give back a web address that is safe to show and to link, or "" (javascript:, file:, a password inside, no host).

    Characters that would end a link in a mail, a page or a Slack message are percent-encoded.
    """
    if not isinstance(text, str):
        return ""
    address = re.sub(r"[\t\n]+ *", "", clean(text).strip())  # a long address that was broken into lines
    if len(address) > LONGEST_URL or "\\" in address:
        return ""
    try:
        parts = urlsplit(address)
        sound = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        sound = sound and (parts.port is None or parts.port > 0)
    except ValueError:
        return ""
    if not sound or re.search(r"[\s<>|\"'`{}^]", parts.netloc):
        return ""
    return re.sub(r"[\s<>|\"'`{}^]", lambda match: quote(match.group()), address)


def without_detour(url: str) -> str:
    """Where a link leads, without the detour over Google's counter (https://www.google.com/url?url=...)."""
    parts = urlsplit(url)
    if not re.fullmatch(r"(www\.)?google\.[a-z.]{2,6}", parts.hostname or "") or parts.path != "/url":
        return url
    asked = parse_qs(parts.query)
    return safe_url((asked.get("url") or asked.get("q") or [""])[0])


def raw_of(value: object) -> str:
    """Write a network's own JSON for `Post.raw` and `Aside.raw`: valid text, at most 64 kB."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (ValueError, TypeError, RecursionError):
        text = f"<{type(value).__name__} that cannot be written as JSON>"
    text = _SURROGATE.sub("\ufffd", text) if _SURROGATE.search(text) else text
    if len(text) * 4 <= RAW_CAP or len(text.encode()) <= RAW_CAP:
        return text
    return text.encode()[:RAW_CAP].decode("utf-8", "ignore")


def text_of(value: object) -> str:
    """Give a string as it is, a number as its digits, and anything else as "": for fields that should be text."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
