"""Posts out of what came in: the documents of a body, and a post out of the values of one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors import Arrival, Post
from connectors.inbound.mapping import Getter
from connectors.text import clean, parse_time, plain, raw_of, safe_url, text_of

LONGEST = 20_000  # characters of what one expression gives
MOST_JOINED = 50  # answers of one person that become one text
FAULT = ""  # the key under which a row of a file says why it could not be read


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a body that should be a post; `fault` says why it can be none."""

    document: Any
    fault: str = ""


def items_of(body: bytes, each_of: Getter | None) -> list[Item]:
    """What is in a body: one JSON document, or one on each line. Never raises."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [Item(None, "not UTF-8")]
    try:
        return _of_document(_read(text), each_of)
    except (ValueError, RecursionError):
        lines = [line for line in text.split("\n") if line.strip()]
    items: list[Item] = []
    for line in lines if len(lines) > 1 else ():
        try:
            items += _of_document(_read(line), each_of)
        except (ValueError, RecursionError):
            items.append(Item(line[:LONGEST], "not JSON"))
    return items or [Item(text[:LONGEST], "not JSON")]


def _read(text: str) -> Any:
    return json.loads(text, parse_constant=_no_number)


def _no_number(_name: str) -> None:
    raise ValueError("not a number")


def _of_document(document: Any, each_of: Getter | None) -> list[Item]:
    if each_of is None:
        inside = document.get("posts") if isinstance(document, dict) else document
        listed = inside if isinstance(inside, list) else [document]
    else:
        whole = document if isinstance(document, list) else [document]
        given = [each_of(each) for each in whole]
        listed = [one for each in given if each is not None for one in (each if isinstance(each, list) else [each])]
    return [_item(each) for each in listed]


def _item(document: Any) -> Item:
    if not isinstance(document, dict):
        return Item(document, "not an object")
    fault = document.get(FAULT)
    return Item(document, text_of(fault)[:200]) if fault else Item(document)


@dataclass(frozen=True, slots=True)
class Gone:
    """A post that is not there any more."""

    native_id: str


def made_of(
    item: Item, number: int, arrival: Arrival, source: str, getters: Mapping[str, Getter]
) -> Post | Gone | None:
    """The post in an item; None where it holds none, by the words of its preset. A ValueError says what is wrong."""
    if item.fault:
        raise ValueError(item.fault)
    value = {name: get(item.document) for name, get in getters.items()}
    if "wanted" in value and value["wanted"] is not None and not value["wanted"]:
        return None
    given = _line(value, "id")
    if value.get("deleted"):
        if not given:
            raise ValueError("it is deleted, but its id is missing")
        return Gone(_native(value, given))
    text = _text(value.get("text")) or plain(_text(value.get("html")))
    rating, score, scale = _rating(value)
    title = _text(value.get("title")) or score
    if not text.strip() and not title.strip() and rating is None:
        raise ValueError("neither text nor rating")
    replied_at = _moment(value, "replied_at", arrival.at if _text(value.get("reply")).strip() else None)
    reach = value.get("reach")
    return Post(
        source=source,
        native_id=_native(value, given) if given else f"{arrival.at:%Y%m%d}-{arrival.n}-{number}",
        url=safe_url(value.get("url")),
        author=_line(value, "author"),
        text=clean(text),
        posted_at=_moment(value, "posted_at", arrival.at) or arrival.at,
        author_name=_line(value, "author_name"),
        title=clean(title),
        lang=_line(value, "lang"),
        reach=reach if isinstance(reach, int) and not isinstance(reach, bool) and reach >= 0 else None,
        rating=rating,
        parent_id=_line(value, "parent"),
        parent_author=_line(value, "parent_author"),
        thread_id=_line(value, "thread"),
        edited_at=_moment(value, "edited_at", None),
        raw=raw_of(item.document),
        reply_text=clean(_text(value.get("reply"))),
        replied_at=replied_at,
        author_id=_line(value, "author_id"),
        out_of=scale,
    )


def _native(value: Mapping[str, Any], given: str) -> str:
    """The post's id; one of another installation's source is told from the same id of its next source."""
    elsewhere = _line(value, "source")
    return f"{elsewhere}/{given}" if elsewhere else given


def _line(value: Mapping[str, Any], name: str) -> str:
    return clean(text_of(value.get(name))).strip()[:LONGEST]


def _text(value: Any) -> str:
    """A text, or several below each other: all that one person answered."""
    if isinstance(value, list):
        parts = (text_of(each) for each in value[:MOST_JOINED])
        return "\n\n".join(part for part in parts if part.strip())[:LONGEST]
    return text_of(value)


def _moment(value: Mapping[str, Any], name: str, otherwise: datetime | None) -> datetime | None:
    given = value.get(name)
    if given is None or given == "":
        return otherwise
    moment = parse_time(given)
    if moment is None:
        raise ValueError(f"{name} is not a time")
    return moment


def _rating(value: Mapping[str, Any]) -> tuple[float | None, str, float | None]:
    """Stars from 1 to 5; a score of another number in words, with the best one that could be given.

    A 0 of 10 is one star, and shown as what it is.
    """
    given, best = _number(value.get("rating"), "rating"), _number(value.get("out_of"), "out_of")
    if given is None:
        return None, "", None
    best = 5.0 if best is None else best
    if not 0 <= given <= best or best <= 0:
        raise ValueError(f"rating {given:g} is not between 0 and {best:g}")
    if best == 5:
        return max(given, 1.0), "", None
    stars = max(float(math.floor(given * 5 / best + 0.5)), 1.0)
    return (stars, f"{given:g} of {best:g}", best) if best > 1 else (stars, "", None)


def _number(given: Any, name: str) -> float | None:
    if given is None or given == "":
        return None
    try:
        number = float(given.replace(",", ".")) if isinstance(given, str) else float(given)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"{name} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} is not a number")
    return number
