"""A quote leads to nobody: handles, names, addresses, links and long numbers go out of people's words."""

from __future__ import annotations

import pytest

from monitor.reports.letter.quotes import by_of, masked


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        ("@acme @lena.w waits", (), "@acme [name] waits"),
        ("ask @jo@social.example about it.", (), "ask [name] about it."),
        ("u/late_again and /u/other said so", (), "[name] and [name] said so"),
        ("write to a.b+c@mail.example today", (), "write to [address] today"),
        ("see https://a.example/u/lena and www.b.example", (), "see [link] and [link]"),
        ("order 20931, phone +49 30 123456", (), "order [number], phone [number]"),
        ("order #TW-20931 since 3 Nov 2026 for 29.90", (), "order [number] since 3 Nov 2026 for 29.90"),
        ("I, Ruth Kessler, waited. ruth", ("ruthk", "Ruth Kessler"), "I, [name], waited. [name]"),
        ("Jo waits at the jo-jo shop", ("jo",), "Jo waits at the jo-jo shop"),
        ("Ticket 4471, No.4472 of 2024 for 4471,50", (), "Ticket [number], No.[number] of 2024 for 4471,50"),
        ("連絡先はlena@mail.exampleです", (), "連絡先は[address]です"),
        ("詳細はhttps://a.example/u/lena と", (), "詳細は[link] と"),
        ("注文番号20931です", (), "注文番号[number]です"),
        ("ありがとう@lena さん", (), "ありがとう[name] さん"),
        ("山田です、Lenaさん", ("山田", "Lena Moss"), "[name]です、[name]さん"),
        ("nothing to hide at 10:30, day 9", ("moss",), "nothing to hide at 10:30, day 9"),
    ],
)
def test_what_leads_to_a_person_goes(text: str, names: tuple[str, ...], said: str) -> None:
    assert masked(text, names, lambda handle: handle == "@acme") == said


@pytest.mark.parametrize(
    ("language", "speaks", "said"),
    [
        ("de", ("en",), "a customer on chirp, in German"),
        ("de", ("de", "en"), "a customer on chirp"),
        ("und", ("en",), "a customer on chirp"),
        ("", ("en",), "a customer on chirp"),
    ],
)
def test_who_said_it_is_nobody_in_particular(language: str, speaks: tuple[str, ...], said: str) -> None:
    assert by_of("chirp", language, speaks) == said
