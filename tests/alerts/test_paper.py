"""A stream that knows whether it ends with a blank line."""

from __future__ import annotations

import io

from alerts.paper import paper_of


def test_whoever_writes_to_a_stream_is_told_how_it_ends() -> None:
    stream = io.StringIO()
    assert not paper_of(stream).is_blank, "nothing was written"
    for text, blank in (("a line\n", False), ("\n", True), ("b", False), ("\n\n", True)):
        paper_of(stream).write(text)
        assert paper_of(stream).is_blank is blank
    assert stream.getvalue() == "a line\n\nb\n\n"
    assert paper_of(stream).isatty() is False
