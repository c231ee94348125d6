"""The words for what a process may do."""

from __future__ import annotations

import pytest

from monitor.service.roles import ALL, UnknownRoleError, in_order, read_roles


def test_roles_are_read_as_people_write_them() -> None:
    assert read_roles("judge, page") == {"judge", "page"}
    assert read_roles("page,page") == {"page"}
    assert read_roles("  ") == ALL == {"collect", "judge", "notify", "page"}
    assert in_order(read_roles("page,collect")) == ("collect", "page")


@pytest.mark.parametrize("text", ["judges", "judge;page", "judge,", ",", "Judge"])
def test_what_no_process_can_do_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnknownRoleError, match="is not a role; write one or more of collect,judge,notify,page"):
        read_roles(text)
