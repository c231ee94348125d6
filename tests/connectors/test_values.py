"""Values that are made by the dozen are what a frozen dataclass is, but for the guard at run time."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime

from connectors import Post

AT = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_value_is_equal_hashed_copied_and_sent_as_a_frozen_one_is() -> None:
    post = Post("x", "1", "", "someone", "hello", AT)
    same = Post("x", "1", "", "someone", "hello", AT)
    assert post == same
    assert {post: 1}[same] == 1
    other = replace(post, text="bye")
    assert (other.text, post.text) == ("bye", "hello")
    assert other != post
    assert pickle.loads(pickle.dumps(post)) == post
    assert not hasattr(post, "__dict__")
