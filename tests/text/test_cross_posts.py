"""Short cross posts, in capitals or behind a handle, need an answer; short glad ones and loud news do not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors import Post
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge

JUDGE = Judge([BrandProfile("Acme", ("Acme",))])

CROSS = """
ACME WHERE IS MY REFUND
ACME LOST MY BAG
ACME IS DOWN
ACME CHARGED ME TWICE
@acme FIX YOUR APP
@acme refund. now.
@acme TWO HOURS ON HOLD
@acme THREE WEEKS
@acme @acmecare HELLO????
@acme hello??? anyone??
@acmehelp still nothing. day 12
@acme any update?? 9 days
@acme @acmecare anybody home?
ANSWER YOUR PHONES ACME
MY ACME PARCEL IS STILL NOT HERE
acme app trash
acme u suck
DAY 5 NO INTERNET ACME
acme support = useless
NO REPLY FROM ACME IN 10 DAYS
acme login broken https://pic.example/1
@acmehelp my account is locked https://pic.example/1
acme down again smh
@acme wtf
Would be great if Acme answered my mails, five weeks now
I never liked how Acme support treats me
Kindly stop charging my card, Acme
"""
GLAD = """
ACME IS THE BEST
I LOVE ACME SO MUCH
ACME SALE TODAY ONLY
GO ACME GO
@acme HAPPY BIRTHDAY
@acme @acmecare THANK YOU!!!
ACME CONCERT WAS AMAZING
NEW ACME PHONE OUT NOW https://news.example/a
WHO WANTS ACME TICKETS
@acme HELLO FROM SPAIN
@acme hello! lovely shop
JUST GOT MY ACME ORDER YAY
BREAKING: ACME BUYS GLOBEX
@acme three weeks to go!!!
@acme SEE YOU TOMORROW
TWO WEEKS UNTIL ACME FEST
"""


def lane_of(text: str) -> str:
    moment = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    return JUDGE.verdict(Post("x", "1", "", "someone", text, moment), "Acme").lane


@pytest.mark.parametrize("text", CROSS.strip().splitlines())
def test_a_short_cross_post_calls(text: str) -> None:
    assert lane_of(text) == "ping"


@pytest.mark.parametrize("text", GLAD.strip().splitlines())
def test_a_short_glad_or_loud_post_does_not(text: str) -> None:
    assert lane_of(text) != "ping"
