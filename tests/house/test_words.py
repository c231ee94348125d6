"""Text that people read is plain English: turns of phrase that were translated word for word do not come back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.house.reading import ROOT, modules, nodes, tracked

# What stood there once, and what a native speaker in support writes instead.
BANNED = {
    r"\bstands? (?:in|on|under) the (?:file|settings)\b": "is in",
    r"\bcannot be said of\b": "unknown action",
    r"(?<!reply )\btaken? back\b(?! the reply\b)": "undone",  # a reply that is deleted on its network
    r"\b(?:start|started|take|written|learn) (?:anew|afresh)\b": "again",
    r"\bis no (?:time zone|complaint|answer needed)\b": "is not a ...",
    r"\bare no opening hours\b": "can't read ... as opening hours",
    r"\bit is tried again\b": "Earful will retry",
    r"\bnobody has it\b": "nobody has taken it",
    r"\bwith the chosen\b|\bhave these yet\b": "Selected, Unassigned",
    r"\bunhappy\b": "negative",
    r"\bworth a look\b": "say the reason, or nothing",
    r"\bthis teaches\b": "Earful learns from this",
    r"\btell again\b|\bsend no more\b": "unmute, unsubscribe",
    r"\bforbid to\b": "don't allow",
    r"\basked for no more\b": "unsubscribed",
    r"\bthe name is not known\b": "can't resolve",
    r"\btimes? somebody waited\b": "waiting cases",
    r"\bnot for us\b": "not relevant",
    r"(?<!there )\bis no (?!longer\b|more than\b|such\b)[a-z]": "is not a ...",
    r"\bstands? (?:there|beside|under|in|above|already|alone|still)\b": "is, is listed, already exists",
    r"\b(?:is|are|was|were|been|be) (?:not )?heard\b|\bwhat was heard\b": "found, received, used",
    r"\b(?:nobody|people|staff) (?:is|are) (?:called|told)\b|\bpeople are called\b": "alerted",
    r"\b(?:could not|cannot|can't|to|not) be told\b|\btold (?:of|again|elsewhere|here)\b": "alerted, sent, notified",
    r"\b(?:one|object|block|day|handle) a line\b": "per line",
    r"\bshut out\b|\blet (?:them|him|her|a person) in\b": "access revoked, restore access",
    r"\bopens nothing\b|\bno more of (?:these|them)\b": "revoked, unsubscribe",
    r"\b(?:judge|reading|retention|rest|clock) goes on\b|\bgoes on by itself\b": "continues, resumes",
    r"\b(?:was|were) quicker\b|\bhas it already\b|\bthat nobody has\b(?! to\b)": "faster, already has it, not taken",
    r"\bthe (?:week's letter|letter of the week|list of the day)\b|\bmanagers' letter\b": "weekly digest, daily list",
    r"\bwhat (?:stood there|stands|is owed|is muted|went on in private)\b": "name the thing",
    r"\b(?:did|does|do) not take it\b|\btakes nothing\b": "accept",
    r"\bhas a fault of its own\b|\bis not believed\b": "internal error, name the claim",
    r"\bsay (?:of|whom)\b|\bwho says (?:it|so)\b": "act, name",
    r"\d %(?![\w(}])": "75%, without a space",
}
ANY = re.compile("|".join(BANNED), re.IGNORECASE)
# Words of customers, which our cues are made of; and prose about the code, which no customer or colleague reads.
EXCEPT = ("monitor/text/", "monitor/store/", "connectors/samples/")
PAGES = {
    "README.md",
    "settings.toml",
    *(f"docs/{name}.md" for name in ("cases", "commands", "limits", "page", "queries")),
}


def texts() -> Iterator[tuple[str, int, str]]:
    """Each string of the code that a person may read, and each line of a template or a guide, with where it is."""
    for path, tree in modules().items():
        if path.startswith(EXCEPT):
            continue
        prose = {id(node.body[0].value) for node in nodes(tree) if _has_docstring(node)}
        for node in nodes(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield path, node.lineno, node.value
    for path in tracked():
        template = path.suffix in {".html", ".txt"} and "templates" in path.parts
        if template or "mails" in path.parts or str(path.relative_to(ROOT)) in PAGES:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield str(path.relative_to(ROOT)), number, line


def _has_docstring(node: ast.AST) -> bool:
    """A command's docstring is its help, and is read."""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) or ast.get_docstring(node) is None:
        return False
    return not any("command" in ast.unparse(each) for each in getattr(node, "decorator_list", ()))


def test_no_text_falls_back_into_translated_turns_of_phrase() -> None:
    found = [
        f'{path}:{number}: "{match[0]}": write {better}'
        for path, number, text in texts()
        if ANY.search(text)
        for pattern, better in BANNED.items()
        if (match := re.search(pattern, text, re.IGNORECASE))
    ]
    assert found == []


def test_the_texts_that_are_read_are_really_looked_at() -> None:
    """Pages, mails, commands and messages: a pattern that each of them holds is found in each."""
    seen = {"/".join(path.split("/")[:2]) for path, _, text in texts() if "case" in text}
    assert {"alerts/email", "monitor/web", "monitor/cli", "monitor/notify", "monitor/cases"} <= seen
