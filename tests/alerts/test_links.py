"""Signed links: only what we wrote, for this purpose, and not for long."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.links import LIFE, Claim, LinkRefused, Signer

NOW = datetime(2026, 11, 20, 16, 45, tzinfo=UTC)
OLD, NEW = b"the key of last month, 32 bytes.", b"the key of this month, 32 bytes."
SIGNER = Signer({"old": OLD, "new": NEW}, "new")
TOKEN = SIGNER.sign("12", "ana@example.org", "take", NOW + LIFE)


def refusal(token: str, purpose: str = "take", now: datetime = NOW, signer: Signer = SIGNER) -> LinkRefused:
    """Read a token that must be refused."""
    with pytest.raises(LinkRefused) as caught:
        signer.read(token, purpose, now)
    return caught.value


def test_a_link_says_who_may_do_what_to_which_case() -> None:
    """And comes back whole."""
    claim = SIGNER.read(TOKEN, "take", NOW)
    assert claim == Claim("12", "ana@example.org", "take", NOW + timedelta(days=7), "new")


def test_a_link_fits_into_an_address_without_escaping() -> None:
    """Only letters, digits, minus and underscore."""
    assert TOKEN.isascii()
    assert TOKEN.replace("-", "").replace("_", "").isalnum()
    assert len(TOKEN) < 200


def test_a_link_ends_after_seven_days() -> None:
    """The last second counts, the moment itself does not."""
    assert SIGNER.read(TOKEN, "take", NOW + LIFE - timedelta(seconds=1)).case_id == "12"
    assert refusal(TOKEN, now=NOW + LIFE).kind == "expired"


def test_a_link_for_one_purpose_does_nothing_else() -> None:
    """A link to take a case does not close it."""
    assert refusal(TOKEN, purpose="close").kind == "wrong_purpose"
    assert refusal(TOKEN, purpose="").kind == "wrong_purpose"


def test_links_of_the_old_key_work_until_it_is_taken_away() -> None:
    """Two keys live at once, so that a change of keys breaks no mail that is under way."""
    before = Signer({"old": OLD}, "old").sign("12", "ana", "take", NOW + LIFE)
    assert SIGNER.read(before, "take", NOW).key_id == "old"
    assert SIGNER.read(SIGNER.sign("12", "ana", "take", NOW + LIFE), "take", NOW).key_id == "new"
    assert refusal(before, signer=Signer({"new": NEW}, "new")).kind == "unknown_key"


def test_a_key_of_the_same_name_with_other_bytes_opens_nothing() -> None:
    """An installation of somebody else, whose key has the same id."""
    stranger = Signer({"new": b"somebody else's key, 32 bytes...."}, "new")
    assert refusal(stranger.sign("12", "ana@example.org", "take", NOW + LIFE)).kind == "forged"


def test_the_content_of_another_link_does_not_fit_this_signature() -> None:
    """Case 13 with the signature of case 12."""
    other = base64.urlsafe_b64decode(SIGNER.sign("13", "ana@example.org", "take", NOW + LIFE) + "==")
    mine = base64.urlsafe_b64decode(TOKEN + "==")
    spliced = base64.urlsafe_b64encode(other[:-32] + mine[-32:]).rstrip(b"=").decode()
    assert refusal(spliced).kind == "forged"


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("", "malformed"),
        ("=", "malformed"),
        ("AQ", "malformed"),
        ("A" * 200, "malformed"),
        ("A" * 1_000_000, "too_long"),
        ("\u00e9" * 1_000_000, "too_long"),
        ("\u00e9\u4e2d\ud83d\x00", "malformed"),
        (TOKEN + "\u0661", "malformed"),
        (TOKEN + "=", "malformed"),
        (TOKEN + "\n", "malformed"),
        (" " + TOKEN, "malformed"),
        (TOKEN.replace(TOKEN[9], "+"), "malformed"),
        (TOKEN + TOKEN, "malformed"),
        ("../../etc/passwd", "malformed"),
    ],
)
def test_nonsense_is_refused(token: str, kind: str) -> None:
    """Whatever stands in the address, the answer is a refusal and nothing else."""
    assert refusal(token).kind in {kind, "forged"}


def test_every_truncated_link_is_refused() -> None:
    """Mail programs break long lines."""
    for length in range(len(TOKEN)):
        assert refusal(TOKEN[:length]).kind in {"malformed", "forged", "unknown_key"}


def test_every_refusal_reads_the_same() -> None:
    """A client does not learn which part of its guess was right; neither a key nor the token is in it."""
    stranger = Signer({"else": NEW}, "else").sign("12", "ana", "take", NOW + LIFE)
    refusals = [
        refusal(""),
        refusal("A" * 1_000_000),
        refusal(TOKEN[:-1]),
        refusal(TOKEN, purpose="close"),
        refusal(TOKEN, now=NOW + LIFE),
        refusal(stranger),
    ]
    assert len({refused.kind for refused in refusals}) >= 5
    assert len({str(refused) for refused in refusals}) == 1
    assert "key" not in str(refusals[0])
    assert NEW.decode() not in repr(SIGNER)


def test_weak_or_missing_keys_are_refused_at_once() -> None:
    """Before the first mail, not when somebody presses a link."""
    with pytest.raises(ValueError, match="not among"):
        Signer({"old": OLD}, "new")
    with pytest.raises(ValueError, match="shorter") as caught:
        Signer({"new": b"secret"}, "new")
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="zone"):
        SIGNER.sign("12", "ana", "take", datetime(2026, 11, 20))
    with pytest.raises(ValueError, match="longer"):
        SIGNER.sign("12", "a" * 5000, "take", NOW)
    with pytest.raises(ValueError, match="bytes"):
        Signer({"": NEW}, "")


any_text = st.text(st.characters(exclude_categories=()), max_size=60)  # lone surrogates too


@given(case_id=any_text, recipient=any_text, purpose=any_text, seconds=st.integers(1, 10**9))
def test_any_text_comes_back_as_it_was(case_id: str, recipient: str, purpose: str, seconds: int) -> None:
    """Line ends, surrogates and all: ids are not ours to judge."""
    expires_at = NOW + timedelta(seconds=seconds)
    claim = SIGNER.read(SIGNER.sign(case_id, recipient, purpose, expires_at), purpose, NOW)
    assert (claim.case_id, claim.recipient, claim.expires_at) == (case_id, recipient, expires_at)


@given(position=st.integers(0, len(TOKEN) - 1), other=st.characters(max_codepoint=0x2FF))
def test_no_character_of_a_link_can_be_another(position: int, other: str) -> None:
    """Also not the last, of which base64 uses only some bits."""
    changed = TOKEN[:position] + other + TOKEN[position + 1 :]
    if changed != TOKEN:
        assert refusal(changed).kind in {"malformed", "forged", "unknown_key"}


@given(position=st.integers(0, len(base64.urlsafe_b64decode(TOKEN + "==")) - 1), flip=st.integers(1, 255))
def test_no_byte_of_a_link_can_be_another(position: int, flip: int) -> None:
    """Version, key id, content, expiry, signature: a flipped byte anywhere is refused."""
    sealed = bytearray(base64.urlsafe_b64decode(TOKEN + "=="))
    sealed[position] ^= flip
    changed = base64.urlsafe_b64encode(bytes(sealed)).rstrip(b"=").decode()
    assert refusal(changed).kind in {"malformed", "forged", "unknown_key"}


@given(token=any_text)
def test_no_text_at_all_is_more_than_refused(token: str) -> None:
    """Never another exception: a page shows the same words for all of them."""
    refusal(token)
