"""Names that are made to look like ours, or like nothing: marked where they are shown; all others are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.notify import rendering
from monitor.store import deliveries
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.text.names import MIXED, NOT_OURS, UNSEEN, warning
from tests.helpers import LATE, messages, post
from tests.web.office import Office

OURS = ("Acme", "Globex", "acme_care", "acme@example.social")


@pytest.mark.parametrize(
    "name",
    [
        "Аcme", "асme_care", "аcmе_саre", "acrne_care", "acme-care_", "ACME CARE", "acme\u200b_care", "acme\u3164",
        "ａｃｍｅ", "𝐚𝐜𝐦𝐞", "αcme", "@acme@evil.social", "u/Acme_Care", "acmé", "G1obex", "GL0BEX", "acme_cаrе",
        "Acme\u202e",
    ],
)  # fmt: skip
def test_a_name_like_ours_is_told(name: str) -> None:
    assert warning(name, OURS) == NOT_OURS


@pytest.mark.parametrize(
    "name",
    [
        "\u3164",
        "\u2800\u2800",
        "olga\u200b",
        "\u202eaglo",
        "o\u2062lga",
        "\u115f",
        "  ",
        "ol\u200cga",
        "olga\u200f",
        "\U0001f3f4olga\U000e0067\U000e007f",
        "علی\u200c",
    ],
)
def test_a_name_with_letters_that_nobody_sees_is_told(name: str) -> None:
    assert warning(name, OURS) == UNSEEN


@pytest.mark.parametrize("name", ["Олga", "pаypal", "bank_οf_us"])
def test_alphabets_mixed_in_one_word_are_told(name: str) -> None:
    assert warning(name, OURS) == MIXED


@pytest.mark.parametrize(
    "name",
    [
        "", "olga", "Ольга", "Ольга Smith", "Jürgen", "José", "たろうTaro", "Γιώργος", "名前", "محمد", "acme_fan",
        "Globex1", "not_acme", "👩\u200d👧 mum", "ıstanbul", "mike", "o1ga", "Đặng", "αβγ", "x" * 5000,
        "Jock \U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "علی\u200cرضا", "אבי\u200f", "क्\u200cष",
    ],
)  # fmt: skip
def test_other_names_are_left_alone(name: str) -> None:
    assert warning(name, OURS) == ""


def test_our_own_accounts_are_ours(tmp_path: Path, sqlite: Sqlite) -> None:
    office = Office(tmp_path, sqlite)
    try:
        rules = office.assembly.rules
        assert rules.name_warning("forum", "acme_care") == ""
        assert rules.name_warning("forum", "acme_cаre") == NOT_OURS
        assert rules.name_warning("chirp", "acme_care") == NOT_OURS, "there it is not ours"
    finally:
        office.close()


def test_the_mark_stands_on_every_page_and_in_the_alert(tmp_path: Path, database: Sqlite | Postgresql) -> None:
    office = Office(tmp_path, database)
    try:
        office.take(post(author="асme_care"), post(LATE, author="\u3164"))
        of = {row["author"]: row["id"] for row in office.database.rows("SELECT id, author FROM cases")}
        fake, blank = of["асme_care"], of["\u3164"]
        lead = office.person("Lea", "lead")
        mention = office.database.rows("SELECT id FROM mentions WHERE case_id = :id", {"id": fake})[0]["id"]
        for path in ("/", f"/cases/{fake}", "/mentions", f"/mentions/{mention}", office.link(fake)):
            assert f'<span class="tag warn">{NOT_OURS}</span>' in lead.get(path).text, path
        assert "(blank)" in lead.get(f"/cases/{blank}").text
        found = ""
        for line in messages(office.database):
            row = deliveries.one(office.database, line.id)
            assert row is not None
            made = rendering.compose(office.database, office.assembly.rules, row, [row], office.clock())
            found += str(made.alert)
        assert f"({NOT_OURS})" in found
    finally:
        office.close()
