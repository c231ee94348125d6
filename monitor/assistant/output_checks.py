"""What an answer must not say, whatever it was asked: what a post made it say, what was never given, what it was told.

Each check returns words for a person, or "" where nothing is wrong. They hold for any model and in any language; what
only holds for one task is with the task.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from monitor.assistant.blocks import RULES
from monitor.assistant.redaction import addresses_in
from monitor.text.normalize import fold

_LEAKED = 6  # words in a row of our instructions; fewer are said by anybody
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,  '’]\d{3})*(?:[.,]\d+)?")
# How models speak of themselves, of their orders, and of what they refuse; nobody who writes to a shop says these.
_PHRASES = """
    as an ai|as a language model|as a large language model|as an assistant|artificial intelligence|language model
    system prompt|system message|my instructions|my programming|my guidelines|jailbreak|developer mode|prompt injection
    i cannot comply|i can't comply|i cannot assist|i can't assist|i can't help with that|i cannot help with that
    als ki|als sprachmodell|als künstliche intelligenz|sprachmodell|systemprompt|meine anweisungen|meine programmierung
    en tant qu'ia|en tant qu'intelligence artificielle|en tant que modèle de langage|modèle de langage|mes instructions
    como ia|como una ia|modelo de lenguaje|mis instrucciones|inteligencia artificial|inteligência artificial
    como uma ia|modelo de linguagem|minhas instruções|come ia|modello linguistico|le mie istruzioni
    intelligenza artificiale|als ai|taalmodel|mijn instructies|model językowy|moje instrukcje|dil modeli
    языковая модель|системный промпт|мои инструкции|语言模型|系统提示|我的指令|言語モデル|システムプロンプト|언어 모델
    시스템 프롬프트|نموذج لغوي
"""


@cache
def _of_itself() -> re.Pattern[str]:
    """Made when the first answer is looked at: most processes never do."""
    phrases = [fold(each.strip()) for line in _PHRASES.strip().splitlines() for each in line.split("|")]
    return re.compile("|".join(rf"\b{re.escape(each)}\b" if each[0].isascii() else re.escape(each) for each in phrases))


def obeyed(answer: str, given: Iterable[str], instructions: str = "") -> str:
    """What shows that an answer speaks of its orders instead of doing them. `given` are the texts it was made of."""
    said = fold(answer)
    own = _of_itself().search(said)
    if own is not None and not _of_itself().search(fold("\n".join(given))):
        return "it speaks about itself"
    told = _runs(f"{instructions}\n{RULES}")
    if told & _runs(answer):
        return "it repeats its instructions"
    return ""


def invented_address(answer: str, given: Iterable[str]) -> str:
    """Links, mail addresses, accounts, phone and order numbers that stand in none of the texts it was made of."""
    texts = list(given)
    known = {_bare(each) for text in texts for each in addresses_in(text)}
    known |= {number for text in texts for number in numbers_in(text)}  # "1,299" is written "1299" elsewhere
    new = [each for each in addresses_in(answer) if _bare(each) not in known]
    return "it names an address or number that nobody gave" if new else ""


def numbers_in(text: str) -> set[str]:
    """Every number of two digits or more, without what parts its thousands."""
    found = {re.sub(r"\D", "", each) for each in _NUMBER.findall(text)}
    return {each.lstrip("0") or "0" for each in found if len(each) > 1}


def _bare(address: str) -> str:
    """How two addresses are compared: letters and digits alone."""
    return re.sub(r"[\W_]+", "", fold(address))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(fold(text))
    return {tuple(words[at : at + _LEAKED]) for at in range(len(words) - _LEAKED + 1)}
