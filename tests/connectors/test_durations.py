"""Spans of time as settings write them, whichever table they stand in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from connectors.durations import span, span_text
from connectors.hackernews import Settings


@pytest.mark.parametrize("written", ["250ms", "90s", "15m", "25h", "4h", "2d", "1w", "52w"])
def test_what_is_written_is_what_was_read(written: str) -> None:
    assert span(span_text(span(written))) == span(written)
    assert span_text(span(written)) == written


def test_the_largest_unit_that_holds_it_is_written() -> None:
    lengths = (timedelta(), timedelta(seconds=60), timedelta(minutes=90), timedelta(hours=48), timedelta(days=7))
    assert [span_text(each) for each in lengths] == ["0s", "1m", "90m", "2d", "1w"]


@pytest.mark.parametrize("written", ["", "soon", "5", "-5m", "1.5h", "٣m", "999999999w", "5m 3s", 5, None])
def test_a_source_whose_span_is_none_is_refused_with_what_to_write(written: object) -> None:
    with pytest.raises(ValidationError, match="write a duration such as"):
        Settings.model_validate({"overlap": written})
