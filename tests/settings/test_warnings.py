"""What `earful check` warns of: settings that are sound, and with which a page can be listened to, guessed or lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.settings.warnings import worth_a_look
from tests.helpers import settings_from

CONSOLE = '[[channels]]\nname = "console"\nkind = "console"\n'
MAIL = CONSOLE + '[[channels]]\nname = "mail"\nkind = "email"\nhost = "127.0.0.1"\nsender = "earful@example.org"\n'
HOOK = CONSOLE + '[[channels]]\nname = "hook"\nkind = "webhook"\nurl = { env = "U" }\nsecret = { env = "S" }\n'
BEHIND = 'page_url = "https://care.example.org"\ntrusted_proxies = ["127.0.0.1"]\n'


def warned(folder: Path, earful: str = "", channels: str = CONSOLE, secret: str = "") -> str:
    settings = settings_from(folder, earful=earful, channels=channels, environ={"U": "https://x.example", "S": secret})
    settings.file.chmod(0o600)
    return "\n".join(worth_a_look(settings))


@pytest.mark.parametrize(
    ("earful", "words"),
    [
        ('page_url = "http://care.example.org"', "page_url is http: passwords"),
        ('page_url = "http://203.0.113.7:8321"', "page_url is http: passwords"),
        ('page_listen = "0.0.0.0:8321"', "page_listen is open to other machines"),
        ('page_listen = "[::]:8321"', "page_listen is open to other machines"),
        ('page_url = "https://care.example.org"', "trusted_proxies is empty"),
        (BEHIND.replace("127.0.0.1", "0.0.0.0/0"), 'trusts "0.0.0.0/0": anyone'),
        (BEHIND.replace("127.0.0.1", "::/0"), 'trusts "::/0": anyone'),
        (BEHIND.replace("127.0.0.1", "128.0.0.0/1"), 'trusts "128.0.0.0/1": anyone'),
    ],
)
def test_a_page_that_can_be_overheard_or_guessed_is_worth_a_look(tmp_path: Path, earful: str, words: str) -> None:
    assert words in warned(tmp_path, earful)


@pytest.mark.parametrize("earful", ["", BEHIND, BEHIND.replace("127.0.0.1", "10.0.0.0/8"), 'page_listen = "[::1]:80"'])
def test_a_page_that_is_guarded_is_not(tmp_path: Path, earful: str) -> None:
    assert warned(tmp_path, earful) == ""


@pytest.mark.parametrize(
    ("address", "key", "words"),
    [
        ("http://127.0.0.1:11434/v1", False, []),
        ("http://localhost:8080/v1", True, []),
        ("https://models.example.org/v1", True, ["runs on models.example.org, not on this machine"]),
        ("http://10.0.0.7/v1", False, ["runs on 10.0.0.7", "posts are sent to 10.0.0.7 unencrypted"]),
        ("http://10.0.0.7/v1", True, ["runs on 10.0.0.7", "posts and the key are sent to 10.0.0.7 unencrypted"]),
    ],
)
def test_a_model_on_another_machine_is_worth_a_look(tmp_path: Path, address: str, key: bool, words: list[str]) -> None:
    table = f'[assistant]\naddress = "{address}"\nmodel = "m"\n' + ('key = { env = "S" }\n' if key else "")
    settings = settings_from(tmp_path, tables=table, environ={"S": "a secret"})
    settings.file.chmod(0o600)
    found = worth_a_look(settings)
    assert len(found) == len(words)
    assert [each for each, line in zip(words, found, strict=True) if each not in line] == []


def test_mails_whose_buttons_lead_nowhere_are_worth_a_look(tmp_path: Path) -> None:
    assert "the buttons in mails work only on this machine" in warned(tmp_path, channels=MAIL)
    assert warned(tmp_path, BEHIND, MAIL) == ""


@pytest.mark.parametrize("name", ["settings.toml", "earful.env"])
def test_files_that_everybody_can_read_are_worth_a_look(tmp_path: Path, name: str) -> None:
    settings = settings_from(tmp_path)
    settings.file.chmod(0o600)
    settings.file.with_name("earful.env").write_text("")
    settings.file.with_name("earful.env").chmod(0o640)
    assert worth_a_look(settings) == []
    settings.file.with_name(name).chmod(0o644)
    (line,) = worth_a_look(settings)
    assert line.startswith(f"{name} is readable by everyone on this machine (mode 0644); run: chmod 600 ")


@pytest.mark.parametrize(
    ("secret", "short"), [("s3cr3t-s3cr3t-16", True), ("a" * 40, True), ("0123456789abcdef" * 2, False)]
)
def test_a_short_secret_is_worth_a_look_and_is_not_repeated(tmp_path: Path, secret: str, short: bool) -> None:
    said = warned(tmp_path, channels=HOOK, secret=secret)
    assert ("the secret of hook is short enough to guess" in said) is short
    assert secret not in said


@pytest.mark.parametrize("address", ["ana", "ana example.org", "Ana <ana@example.org>", "jürgen@example.org"])
def test_an_address_to_which_no_mail_can_go_is_worth_a_look(tmp_path: Path, address: str) -> None:
    """The colleague was told of nothing, and the operator learned it with the first alert."""
    people = f'[[people]]\nname = "Ana"\nemail = "{address}"\n\n[[people]]\nname = "Ben"\nemail = "ben@exämple.org"\n'
    settings = settings_from(tmp_path, channels=MAIL, tables=people)
    (said,) = [each for each in worth_a_look(settings) if "no mail" in each]
    assert f'no mail can be sent to "{address}"' in said
