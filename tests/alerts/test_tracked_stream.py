"""A stream that knows whether it ends with a blank line."""

from __future__ import annotations

import io

from alerts.tracked_stream import TrackedStream


def test_whoever_writes_to_a_stream_is_told_how_it_ends() -> None:
    stream = io.StringIO()
    assert not TrackedStream(stream).is_blank, "nothing was written"
    for text, blank in (("a line\n", False), ("\n", True), ("b", False), ("\n\n", True)):
        TrackedStream(stream).write(text)
        assert TrackedStream(stream).is_blank is blank
    assert stream.getvalue() == "a line\n\nb\n\n"
    assert TrackedStream(stream).isatty() is False
