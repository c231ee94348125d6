"""What all writing halves share: how an answer is read, and how words are compared."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors import Nonsense, Refused
from connectors.answers import Answer
from connectors.writing import bare, sound, sound_object

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
RENEW = "Make a new token, then reload."


def test_refused_credentials_say_how_to_renew_those_for_replies_and_not_those_for_reading() -> None:
    with pytest.raises(Refused) as caught:
        sound(Answer(401, {}, b"{}", ""), "birds.example", NOW, RENEW)
    assert caught.value.remedy == RENEW


def test_a_list_is_no_object() -> None:
    assert sound(Answer(200, {}, b"[1]", ""), "birds.example", NOW, RENEW) == [1]
    with pytest.raises(Nonsense, match="not an object"):
        sound_object(Answer(200, {}, b"[1]", ""), "birds.example", NOW, RENEW)


def test_words_are_the_same_however_a_network_breaks_their_lines() -> None:
    assert bare(" We are\r\n\r\nsorry,  Ana \n") == bare("We are sorry, Ana")
    assert bare("We are sorry, Ana") != bare("We are sorry, Ben")
    assert bare(None) == ""
