"""Who a person is in figures: the one expression for every statement that counts or compares people who wrote.

A person is whoever has the same account on a source: by the network's own id of it, which a new handle leaves as it is,
else by the handle. Sources are told apart, because two servers of one network give the same handle to two people. Of
whom nothing is known any more, each case is somebody.
"""

from __future__ import annotations


def person(mention: str = "m", post: str = "p") -> str:
    """Who wrote a mention, as a word that tells people apart; the arguments name both tables in the statement."""
    return (
        f"CASE WHEN {post}.author_id <> '' THEN {mention}.source || '/id/' || {post}.author_id "
        f"WHEN {mention}.author <> '' THEN {mention}.source || '/' || {mention}.author "
        f"WHEN {mention}.case_id <> '' THEN 'case ' || {mention}.case_id ELSE {mention}.id END"
    )


def voice(mention: str = "m", post: str = "p") -> str:
    """As `person`, and NULL where a mention only repeats somebody else: `count(DISTINCT ...)` leaves that out."""
    return f"CASE WHEN {mention}.repeats = 0 THEN {person(mention, post)} END"
