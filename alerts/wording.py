"""An alert as lines of words, the fewest that will do; shared by all channels. Pure, and safe for any text.

    @customer on X, third time in 30 days · posted 14:02
    "Charged twice again, cancelling if nobody replies"
    says: cancelling · 3 Nov never answered

What comes out is one line per string, without control characters, and not yet escaped: each channel escapes for itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta

from alerts import Alert, Entry, Line

MARK = "…"  # stands where something was cut
TITLE = 150  # characters of an alert's title

# Controls, and what reorders or hides text: overrides and isolates, zero-width space and joiner-like fillers, the
# byte order mark, tag characters, and code points that are not characters. U+200C/D stay: Persian and emoji need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e0fff\U0010fffe\U0010ffff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"[\s\u2028\u2029\x85]+")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)?|.)|\x9b[0-?]*[ -/]*[@-~]")
_JOINER = "\u200d"
_LONGEST_SIGN = 24  # characters of one sign: a family of four has eleven
_MARKS_IN_A_ROW = 3  # Vietnamese stacks two; beyond three the marks only climb over the lines above


def clean_line(text: str) -> str:
    """Return `text` as one line that may stand anywhere: no controls, overrides or half characters, single spaces."""
    if text.isascii() and text.isprintable():
        return text.strip() if "  " not in text else " ".join(text.split())
    text = _UNWANTED.sub("", _SURROGATES.sub("\ufffd", _ANSI.sub("", text)))
    text = _SPACE.sub(" ", text)
    if not text.isascii():
        text = _calmed(text)
    return text.strip()


def _calmed(text: str) -> str:
    """Keep at most a few combining marks on one letter."""
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MARKS_IN_A_ROW:
            kept.append(character)
    return "".join(kept)


def excerpt(text: str, width: int) -> str:
    """Return the beginning of `text` as one clean line of at most `width` characters, cut at a word, with a mark."""
    line = clean_line(text[: width * 20 + 2000])  # a megabyte is not worth cleaning for three lines
    if len(line) <= width and len(text) <= width * 20 + 2000:
        return line
    head = line[: _between_signs(line, max(width - 1, 0))]
    space = head.rfind(" ")
    if space >= width * 0.6:  # otherwise it is one long word, or a language without spaces
        head = head[:space]
    return head.rstrip(" ,;:.-–") + MARK if width > 0 else ""


def _between_signs(line: str, at: int) -> int:
    """Where to cut: here, or before the sign that a cut here would take apart, such as a flag or a family."""
    if at >= len(line):
        return at
    cut, lowest = at, max(0, at - _LONGEST_SIGN)
    if _is_flag_letter(line[at]):
        while cut > lowest and _is_flag_letter(line[cut - 1]):
            cut -= 1
        return at - (at - cut) % 2
    while cut > lowest and (_goes_on(line[cut]) or line[cut - 1] == _JOINER):
        cut -= 1
    return cut if cut > lowest else at


def _is_flag_letter(letter: str) -> bool:
    """Whether two of these are a flag."""
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


def _goes_on(letter: str) -> bool:
    """Whether it stands on the letter before it: an accent, a tone of skin, what joins it to the next."""
    return letter == _JOINER or "\U0001f3fb" <= letter <= "\U0001f3ff" or unicodedata.category(letter)[0] == "M"


def around(text: str, point: tuple[str, ...], width: int) -> str:
    """Return as much of `text` as `width` holds, and of a longer one the part in which its point stands.

    The cut begins with the sentence of the first of these words that would not be seen, with a mark before it.
    """
    short = excerpt(text, width)
    if not short.endswith(MARK) or not point:
        return short
    line = clean_line(text[: width * 20 + 2000])
    folded, seen = line.casefold(), short.casefold()
    if len(folded) != len(line) or any(word.casefold() in seen for word in point if word):
        return short
    found = [place for word in point if word and (place := folded.find(word.casefold())) >= 0]
    if not found:
        return short
    start = max(
        (line.rfind(end, 0, found[0]) + len(end) for end in (". ", "! ", "? ") if end in line[: found[0]]), default=0
    )
    if found[0] - start > width // 2:  # a sentence without an end: a few words before the point are enough
        start = line.rfind(" ", 0, max(found[0] - width // 3, 0)) + 1
    return MARK + excerpt(line[start:], width - 1) if start else short


def count_words(number: int, one: str, many: str = "") -> str:
    """Say how many: "1 post", "1,204 posts"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def with_remedy(what: str, remedy: str) -> str:
    """Say what is wrong and then what to do, as two sentences; the remedy may begin with a small letter."""
    return f"{what.rstrip('.')}. {remedy[:1].upper()}{remedy[1:]}" if remedy else what


def peak_words(posts: int, of_it: int, brand: str) -> str:
    """Say how many posts came at an incident's peak: more than are of the incident are all about the brand."""
    return count_words(posts, "post") + (f" about {brand}" if posts > of_it else "")


def shown_words(pictures: int, videos: int) -> str:
    """Say what a post shows beside its words: "2 pictures", "1 picture and 1 video", or nothing."""
    found = [count_words(number, one) for number, one in ((pictures, "picture"), (videos, "video")) if number > 0]
    return " and ".join(found)


def span_words(span: timedelta) -> str:
    """Say how long: "less than a minute", "39 minutes", "2 h 10", "3 days 4 h". A negative span counts as none."""
    minutes = int(max(span.total_seconds(), 0) // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return count_words(minutes, "minute")
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d}" if minutes else count_words(hours, "hour")
    days, hours = divmod(hours, 24)
    return count_words(days, "day") + (f" {hours} h" if hours else "")


def quoted(text: str, width: int, point: tuple[str, ...] = ()) -> str:
    """Return somebody's words between quotation marks, or nothing. Right-to-left words keep to themselves."""
    words = around(text, point, width)
    return f'"{_isolated(words)}"' if words else ""


def _isolated(line: str) -> str:
    """Keep right-to-left words from reordering ours (first strong isolate, pop directional isolate)."""
    if line.isascii() or not any(unicodedata.bidirectional(character) in {"R", "AL"} for character in line):
        return line
    return f"\u2068{line}\u2069"


def link(url: str) -> str:
    """Return an http(s) address that may be shown as a link, or nothing."""
    address = clean_line(url[:2050])
    if len(address) > 2000 or not re.match(r"https?://[^\s/?#]", address, re.IGNORECASE):
        return ""
    return re.sub(r'[\s<>"\\^`{|}]', lambda found: "%" + f"{ord(found.group()):02X}", address)


def entry_lines(entry: Entry, *, words: int = 280, facts: int = 200) -> tuple[str, ...]:
    """Return one case in at most four lines: who and where, the words themselves, why now, and how it stands."""
    why = " · ".join(line for fact in entry.facts[:12] if (line := excerpt(fact, facts)))
    lines = (
        _isolated(excerpt(entry.headline, 150)),
        quoted(entry.excerpt, words, entry.point),
        excerpt(why, facts * 2),
        excerpt(entry.standing, 200),
    )
    return tuple(line for line in lines if line)


def title(alert: Alert) -> str:
    """Return the one line that names an alert: its title, or else its first headline."""
    named = excerpt(alert.title, TITLE)
    return named or next((line for entry in alert.entries if (line := excerpt(entry.headline, TITLE))), "Earful")


def summary(alert: Alert) -> str:
    """Return the one line for a telephone's lock screen: who and what for a single case, the title for several."""
    if len(alert.entries) != 1 or alert.more:
        return title(alert)
    entry = alert.entries[0]
    return excerpt(
        ": ".join(part for part in (excerpt(entry.headline, 150), quoted(entry.excerpt, 140, entry.point)) if part), 300
    )


def rest_line(alert: Alert, listed: int) -> str:
    """Say how many cases stand behind what is shown; `listed` of them were given a short line."""
    behind = max(alert.more, len(alert.also)) - listed
    if behind <= 0:
        return ""
    shown = len(alert.entries) + listed
    return f"and {behind:,} more" if shown else count_words(behind, "case")


def numbered(entry: Entry, beside: str = "") -> str:
    """Name a case by number and how urgent it is, unless that is said `beside` it: "#12 · urgent"."""
    number = excerpt(entry.case_id, 40)
    hurry = entry.priority if entry.priority in {"critical", "urgent"} and entry.priority not in beside else ""
    return " · ".join(part for part in (f"#{number}" if number else "", hurry) if part)


def fitting(lines: Iterable[Line], budget: int, width: int = 180) -> list[Line]:
    """Return as many of `lines` as fit into `budget` characters with their links, each cleaned and cut to `width`."""
    kept: list[Line] = []
    for line in lines:
        short = Line(excerpt(line.text, width), link(line.url), link(line.page_url), excerpt(line.case_id, 40))
        if not short.text:
            continue
        size = len(short.text) + len(short.url) + len(short.page_url) + 1
        if budget < size:
            break
        budget -= size
        kept.append(short)
    return kept


def _night_links(entry: Entry) -> list[str]:
    """What can be pressed from a push at night: that a call can wait, with its address."""
    found = [(action.label, link(action.url)) for action in entry.actions if action.verb == "morning"]
    return [f"{excerpt(label, 60)}: {address}" for label, address in found if address]


def alert_lines(alert: Alert, *, budget: int = 3_000, words: int = 280, links: bool = True) -> list[str]:
    """Return a whole alert as plain lines, for a channel that shows only text. Empty lines part the entries."""
    single = len(alert.entries) == 1 and not alert.more and not alert.also
    lines: list[str] = [] if single else [title(alert), ""]
    for entry in alert.entries:
        block = list(entry_lines(entry, words=words))
        if links:
            block += [address for address in (link(entry.url), link(entry.page_url)) if address][:1]
            block += _night_links(entry)
        lines += [*block, ""]
    also = fitting(alert.also, max(budget - sum(map(len, lines)), 0))
    lines += [f"{line.text} {line.url or line.page_url}".rstrip() if links else line.text for line in also]
    last = [rest_line(alert, len(also)), excerpt(alert.footer, 300), title(alert) if single else ""]
    lines += [line for line in last if line]
    while lines and not lines[-1]:
        lines.pop()
    return lines
