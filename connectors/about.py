"""What people want to know of a kind of source before they connect it: what it reads, its key, its price, its limits.

Each kind says it itself, in the module that KINDS names:

    ABOUT = About(
        reads="posts and comments of one forum",
        ...
    )

It is read from the file without loading the module: a list of all kinds must not import a library that nobody has
configured. So the values in it are plain ones. What a connector can do is known by its methods, and said nowhere else.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from connectors import KINDS

# Our own replies come from our account, with a case's conversation, or inside the post that they answer.
_SHOWS_REPLIES = ("def fetch_own(", "def fetch_conversations(", "replies_inside = True")


@dataclass(frozen=True, slots=True)
class About:
    """Facts about a kind, in words for people.

    `key` says what has to be had from the network, "" for nothing; `key_from` is the address where it is made.
    `misses` says what can't be read there by official ways, and why. `seen_working` is the day on which those who
    made it last saw it work against the real service, "" for never; an installation adds its own.
    """

    reads: str
    key: str = ""
    key_from: str = ""
    price: str = "free"
    misses: str = ""
    page: str = ""  # of docs/
    seen_working: str = ""
    own_replies: bool = False  # whether the brand's own replies are seen, and stop the clock
    deletions: bool = False  # whether what the network deletes is deleted here
    brought: bool = False  # whether others bring its posts, under a secret that we make


def about_of(kind: str, kinds: Mapping[str, str] = KINDS) -> About:
    """What a kind says of itself; one that says nothing has the first sentence of its module."""
    return _about(kinds[kind].partition(":")[0])


@lru_cache(maxsize=256)
def _about(module: str) -> About:
    file = _file_of(module)
    tree = ast.parse(file.read_text("utf-8"))
    said = " ".join((ast.get_docstring(tree) or module).split("\n\n")[0].split())
    told: dict[str, Any] = {"reads": said.rstrip(".")}
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if [each.id for each in node.targets if isinstance(each, ast.Name)] == ["ABOUT"]:
            told = {word.arg: ast.literal_eval(word.value) for word in node.value.keywords if word.arg}
    alone = file.parent == Path(__file__).parent
    text = "".join(each.read_text("utf-8") for each in ([file] if alone else sorted(file.parent.glob("*.py"))))
    brought = "def receive_from(" in text
    return About(
        **told,
        own_replies=brought or any(each in text for each in _SHOWS_REPLIES),
        deletions=brought or "def refresh(" in text,
        brought=brought,
    )


def _file_of(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None, module
    assert spec.origin is not None, module
    return Path(spec.origin)
