"""The one place where text is made comparable: for scoring, for matching and for one line of a terminal.

Text is hostile. Nothing here raises for any `str`, and nothing is worse than linear in its length. What is stored has
been through `connectors.text.clean`.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

from alerts.wording import clean_line
from connectors.text import few_marks

# Shown as nothing, or as a change of direction: they split or hide words without being seen.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e01ef"
)
APOSTROPHES = "'\u2018\u2019\u201b\u02bc\u02b9\uff07\u2032\u00b4`"
# Where combining marks live; every code point outside these ranges is a starter (a test holds this to Unicode's data).
_MARK_RANGES = (
    (0x0300, 0x2100), (0x2CEF, 0x2E00), (0x302A, 0x309B), (0xA66F, 0xABF0), (0xFB1E, 0xFB1F), (0xFE20, 0xFE30),
    (0x101FD, 0x12000), (0x13447, 0x13456), (0x16100, 0x16130), (0x16AF0, 0x16B37), (0x16F4F, 0x16FF2),
    (0x1BC9D, 0x1BC9F), (0x1CF00, 0x1D245), (0x1DA00, 0x1E94B),
)  # fmt: skip


def _mark_class() -> str:
    """Return the inside of a character class that holds every combining mark."""
    pieces: list[str] = []
    for low, high in _MARK_RANGES:
        start = -1
        for code in range(low, high + 1):
            inside = code < high and unicodedata.category(chr(code))[0] == "M"
            if inside and start < 0:
                start = code
            elif not inside and start >= 0:
                pieces.append(chr(start) if start == code - 1 else f"{chr(start)}-{chr(code - 1)}")
                start = -1
    return "".join(pieces)


_ALL_MARKS = _mark_class()
# Python compiles a class within the first 65,536 code points to a table, and anything wider to a slow list of ranges.
MARKS = "".join(character for character in _ALL_MARKS if character < "\U00010000").rstrip("-")

_invisible = re.compile(f"[{INVISIBLE}]+")
_accents = re.compile("[\u0300-\u036f]+")
_trade_marks = re.compile("[\u2122\u2120]")  # NFKD makes letters of them, and "Acme™" another word
_entity = re.compile("&(amp|lt|gt|quot|apos|#39|#x27|nbsp);", re.IGNORECASE)
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "#39": "'", "#x27": "'", "nbsp": " "}
_apostrophe = re.compile(f"[{APOSTROPHES}]")
_blank = re.compile(r"\s+")


def without_invisible(text: str) -> str:
    """Drop what is shown as nothing: zero-width characters, direction marks, variation selectors, tags."""
    return text if text.isascii() else _invisible.sub("", text)


def without_entities(text: str) -> str:
    """Put the sign in the place of each entity that networks write: "AT&amp;T" is "AT&T"."""
    return _entity.sub(lambda found: _ENTITIES[found[1].lower()], text) if "&" in text else text


# Letters of other scripts that look like a Latin one. Used only inside a word that mixes scripts, so that Russian and
# Greek words stay themselves. A word spelled wholly in another script is not folded.
_LOOKALIKES = str.maketrans(
    "АВСԀЕҒԌНІЈКԼМОРԚЅТԜХУаԁеһіјӏорԛгѕԝхусвкмтнпіѵ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβεικνορτυχωϲ",
    "ABCDEFGHIJKLMOPQSTWXYadehijlopqrswxycbkmthniv" + "ABEZHIKMNOPTYXabeikvoptuxwc",
)
_LATIN_SPELLINGS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
_latin_spelling = re.compile("[øłđıæœþð]")
_other_script = re.compile("[\u0370-\u052f]")
_letters = re.compile(r"[^\W\d_]+")
_latin = re.compile("[A-Za-z]")
_neighbours = re.compile("[A-Za-z][\u0370-\u052f]|[\u0370-\u052f][A-Za-z]")


def _unmask_word(found: re.Match[str]) -> str:
    word = found[0]
    return word.translate(_LOOKALIKES) if _latin.search(word) and _other_script.search(word) else word


def _unmask(text: str) -> str:
    """Spell words that mix Latin with Cyrillic or Greek look-alikes in Latin."""
    if _other_script.search(text) is None or _neighbours.search(text) is None:
        return text
    return _letters.sub(_unmask_word, text)


def fold(text: str) -> str:
    """Return the form that is compared when matching: case, width, accents, invisible characters and look-alikes gone.

    "ＡＣＭＥ", "Ac\u200bme", "Аcme" with a Cyrillic А and "acmé" all become "acme". Apostrophes become straight.
    """
    if text.isascii():
        return text.lower().replace("`", "'")
    text = _invisible.sub("", text)
    text = _trade_marks.sub(" ", few_marks(text))
    text = _accents.sub("", unicodedata.normalize("NFKD", text))
    text = _apostrophe.sub("'", _unmask(text)).casefold()
    if _latin_spelling.search(text) is not None:
        text = text.translate(_LATIN_SPELLINGS)
    return unicodedata.normalize("NFKC", text)


_address = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_handle = re.compile(r"(?<![\w@.])@\w[\w.\-]*(?:@[\w.\-]+)?")
_tag = re.compile(r"#(\w+)")
_camel = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+")
_run = re.compile(r"([^!?\s])\1{3,}")  # exclamation and question marks are counted, and cost nothing
# The sign comes first and the letter before it is looked back for: so a search may leap from sign to sign.
_glued = re.compile(r"([,;!?.](?<=[a-z][,;!?.])(?:(?<!\.)[,;!?]*|(?<=\.)\.+))(?=[A-Za-z])")
_skin = re.compile("[\U0001f3fb-\U0001f3ff]+")
_double_quote = re.compile("[\u201c-\u201f\u00ab\u00bb\uff02]")
_dash = re.compile("[\u2012-\u2015]")
_emoji = re.compile(
    "([\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u2bff\u3030\u303d\U0001f000-\U0001faff])"
)


def has_run(text: str, length: int) -> bool:
    """Whether one character may stand `length` times in a row. Never wrong when it says no; quick for every text.

    The text is taken as one large number and compared with itself, shifted by one character: equal neighbours leave
    zeros. A regular expression would look back at every character on its own.
    """
    wide = 1 if text.isascii() else 4
    code = text.encode() if wide == 1 else text.encode("utf-32-be", "surrogatepass")
    number = int.from_bytes(code, "big")
    return bytes((length - 1) * wide) in (number ^ number >> 8 * wide).to_bytes(len(code), "big")


def without_addresses(text: str) -> str:
    """Drop links and @handles: they say where and who, never what."""
    if "://" in text or "ww." in text.lower():
        text = _address.sub(" ", text)
    return _handle.sub("", text) if "@" in text else text


def _open_tag(found: re.Match[str]) -> str:
    return _camel.sub(" ", found[1])


def for_scoring(text: str) -> str:
    """Return the copy that is scored: what is said, and nothing that only decorates, hides or addresses it.

    NFKC, straight quotes, entities unescaped, nothing invisible, no skin tones, links or @handles; "#AcmeFail" becomes
    "Acme Fail"; four or more of a kind in a row become three; emoji stand apart. The result is not for showing. Of a
    text over 6,000 characters, only its windows are kept.
    """
    if len(text) > 6_000:
        text = "\n".join(windows(text))
    return _scored_before(text) if len(text) <= _LONGEST_KEPT else _for_scoring(text)


def _for_scoring(text: str) -> str:
    if "&" in text and ";" in text:
        text = html.unescape(text)
    text = without_addresses(text)
    if not text.isascii():
        text = few_marks(_skin.sub("", _invisible.sub("", text)))
        text = _dash.sub(" - ", _double_quote.sub('"', _apostrophe.sub("'", text)))
        text = _unmask(unicodedata.normalize("NFKC", _shortened(text)))
        text = _emoji.sub(r" \1 ", text)
    if "#" in text:
        text = _tag.sub(_open_tag, text)
    return _glued.sub(_and_a_blank, _shortened(text))


def _and_a_blank(found: re.Match[str]) -> str:  # a function: a template would be read again for each text
    return f"{found[1]} "


# Language, sentiment and fingerprint ask for the same text, each for a whole page of posts before the next one does.
_LONGEST_KEPT = 1_000  # characters; so the memory has a bound
_scored_before = lru_cache(maxsize=2_048)(_for_scoring)


def _shortened(text: str) -> str:
    return _run.sub(r"\1\1\1", text) if has_run(text, 4) else text


def windows(text: str, size: int = 1_000, most: int = 6) -> tuple[str, ...]:
    """Cut a long text into at most `most` pieces of at most `size` characters: beginning, end, and evenly between.

    Pieces begin and end at white space where some is near, so that no word is cut in two.
    """
    if len(text) <= size:
        return (text,)
    count = max(1, min(most, -(-len(text) // size)))
    step = (len(text) - size) / max(1, count - 1)
    pieces: list[str] = []
    for number in range(count):
        start = round(number * step)
        piece = text[start : start + size]
        if start and not text[start - 1].isspace():
            piece = piece[_near_blank(piece[:40], last=False) :]
        if start + size < len(text) and not text[start + size].isspace():
            kept = _near_blank(piece[-40:], last=True)
            piece = piece[: len(piece) - (40 - kept)] if kept and len(piece) >= 40 else piece
        pieces.append(piece)
    return tuple(pieces)


def _near_blank(piece: str, last: bool) -> int:
    """Return where to cut: after the first or before the last white space; 0 where there is none."""
    blanks = list(_blank.finditer(piece))
    if not blanks:
        return 0
    return blanks[-1].start() if last else blanks[0].end()


def safe_line(text: str) -> str:
    """Return `text` as one line that is safe in a terminal, a log or a subject: no controls, no direction marks."""
    return clean_line(text)
