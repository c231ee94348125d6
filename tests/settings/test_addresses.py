"""What an address says of whom it reaches."""

from __future__ import annotations

import pytest

from monitor.settings.addresses import is_loopback


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True), ("LOCALHOST", True), ("127.0.0.1", True), ("127.8.9.1", True), ("[::1]", True),
        ("::1", True), ("10.0.0.1", False), ("example.org", False), ("localhost.example.org", False), ("", False),
        ("[::", False),
    ],
)  # fmt: skip
def test_only_this_machine_reaches_a_loopback_address(host: str, here: bool) -> None:
    assert is_loopback(host) == here
