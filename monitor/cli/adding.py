"""`earful sources`: what kinds there are. `earful add`: one more source with its key, read once before it is kept."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any

import typer
from rich.table import Table

import connectors
from alerts.wording import excerpt
from connectors import Batch
from connectors.about import About, about_of
from monitor.cli.base import AsJson, Failed, app, console, line, load_settings, print_json, settings_path
from monitor.cli.sources import first_page
from monitor.service.console_view import program
from monitor.settings.environment import is_exported, with_secrets_file
from monitor.settings.errors import Fault, SettingsError, meant
from monitor.settings.loading import load
from monitor.settings.models import Settings, Source
from monitor.setup import adding
from monitor.setup.adding import Question
from monitor.setup.commands import InstallError
from monitor.setup.kinds import Kind, all_kinds
from monitor.store import sources as kept
from monitor.store.connect import open_database
from monitor.store.database import DatabaseUnusable
from monitor.store.schema import version_of
from monitor.text.query.matching import brands_in
from monitor.text.query.subject import Subject
from monitor.timeouts import within
from monitor.wiring import queries_of

SHOWN = 5  # posts, before anything is written
LOOK_BACK = timedelta(days=7)  # for these; a feed may have few


@app.command("sources")
def sources_(as_json: AsJson = False) -> None:
    """List all kinds of sources: what they read and need.

    Also what they cost, and what they can't see.
    """
    try:
        settings: Settings | None = load_settings(secrets=False)
    except SettingsError:
        settings = None  # whoever chooses a source may have none yet
    for kind in all_kinds(settings, _health(settings)):
        about = kind.about
        if as_json:
            print_json(
                {
                    "kind": kind.name, "reads": about.reads, "key": about.key or None,
                    "key_from": about.key_from or None, "price": about.price, "own_replies_seen": about.own_replies,
                    "deletions_followed": about.deletions,
                    "not_seen": about.misses or None, "page": about.page or None, "sources": list(kind.sources),
                    "last_seen_working": _day(kind.worked_at) or None,
                    "last_seen_working_by_us": about.seen_working or None,
                }
            )  # fmt: skip
            continue
        _show(kind)
    if not as_json:
        console.print(line(f"Add one with: {program()} add KIND"))


def _show(kind: Kind) -> None:
    """A kind as a few lines, each with its label."""
    about, here = kind.about, f" · here: {', '.join(kind.sources)}" if kind.sources else ""
    console.print(line((kind.name, "bold"), (here, "dim")))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=12)
    grid.add_column(overflow="fold")
    for label, words in (
        ("  reads", about.reads),
        ("  key", about.key or "none"),
        ("", about.key_from),
        ("  price", about.price),
        ("  follows", _sees(about)),
        ("  can't see", about.misses),
        ("  works", _working(kind)),
        ("  guide", f"docs/{about.page}" if about.page else ""),
    ):
        if words:
            grid.add_row(label, line(words))
    console.print(grid)
    console.print()


def _sees(about: About) -> str:
    seen = "your own replies are seen" if about.own_replies else "your own replies are not seen"
    return seen + (", deletions are followed" if about.deletions else ", deletions are not followed")


def _working(kind: Kind) -> str:
    """When a kind was last seen working, by the day: in this installation, and by those who made it."""
    if kind.name == "replay":
        return ""  # it reads a file
    here, ours = _day(kind.worked_at) or "never", kind.about.seen_working or "never"
    if kind.about.brought:
        return f"last post that was sent in: {here}"
    return f"last seen working against the real service: {here}; by Earful's makers: {ours}"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


def _health(settings: Settings | None) -> Mapping[str, kept.Health]:
    """How each source stands, where there is a database already."""
    if settings is None:
        return {}
    url = settings.database.url.get_secret_value()
    if url.startswith("sqlite:") and not Path(url.removeprefix("sqlite:")).is_file():
        return {}
    try:
        database = open_database(url)
    except DatabaseUnusable:
        return {}
    try:
        return kept.all_health(database) if version_of(database) else {}
    finally:
        database.close()


@app.command()
def add(
    kind: Annotated[str, typer.Argument(metavar="[KIND]", help="What to add; earful sources lists all kinds.")] = "",
    name: Annotated[str, typer.Option("--name", help="The source's name. Default: its kind.")] = "",
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the source; repeat it for more."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing; secrets come from earful.env or the environment.")
    ] = False,
    untried: Annotated[bool, typer.Option("--untried", help="Add it without reading it first.")] = False,
) -> None:
    """Add a source to the settings.

    Asks for what its kind needs, shows five posts, then writes. Secrets go into earful.env.
    """
    path = settings_path()
    settings = load_settings(secrets=False)
    kind = kind or ("" if yes else _chosen(settings))
    if kind not in connectors.KINDS:
        raise Failed(
            f"no kind named {kind!r}. {meant(kind, connectors.KINDS)}" if kind else "name a kind: earful sources"
        )
    known = {each.name for each in settings.sources}
    name = name or next(each for each in (kind, *(f"{kind}-{n}" for n in range(2, 1000))) if each not in known)
    try:
        answers = _given(kind, given or ())
        if not yes:
            _show(next(each for each in all_kinds(settings, {}) if each.name == kind))
        values, secrets = _asked(path, kind, name, answers, ask=not yes)
        text, made = _sound(path, values, secrets, ask=not yes, kind=kind)
        sign_in = getattr(next(each for each in made.sources if each.name == name).options, "sign_in", None)
        if not untried and sign_in is None:  # nothing can be read before somebody has signed in
            _try(made, name, ask=not yes)
        if not yes and not typer.confirm(f"Add {name} to {path}?", default=True):
            raise Failed("nothing was changed")
        if secrets:
            file = adding.environment_file(path)
            adding.write(file, adding.with_secrets(_text_of(file), secrets), 0o600)
        adding.write(path, text, 0o600)
    except InstallError as error:
        raise Failed(str(error)) from None
    console.print(line(f"Added {name} to {path}."))
    if secrets:
        kept_in = f"Its secrets are in {adding.environment_file(path)}: {', '.join(secrets)}."
        console.print(line(kept_in))
    if _is_door(kind):
        console.print(line(f"Others send posts to: {settings.earful.page_url}/in/{name}"))
    if sign_in is not None:
        console.print(line(f"Now sign in at {sign_in.network}: {program()} connect {shlex.quote(name)}"))
    console.print(line(f"If Earful is running, apply it with: {program()} reload"))


def _chosen(settings: Settings) -> str:
    """Ask for a kind until there is one of that name."""
    found = all_kinds(settings, {})
    width = max(len(kind.name) for kind in found) + 2
    for kind in found:
        console.print(line((kind.name, "bold"), " " * (width - len(kind.name)), kind.about.reads))
    while True:
        answer = str(typer.prompt("Which kind?")).strip()
        if answer in connectors.KINDS:
            return answer
        typer.echo(f"  There is no such kind. {meant(answer, connectors.KINDS)}")


def _given(kind: str, written: list[str] | tuple[()]) -> dict[str, Any]:
    """What --set says, each value as its setting wants it."""
    questions = {each.name: each for each in adding.questions_of(kind)}
    found = {}
    for each in written:
        key, sign, text = each.partition("=")
        if not sign:
            raise Failed(f"--set {each!r}: write KEY=VALUE")
        if key not in questions:
            raise Failed(f"--set {key}: {kind} has no such setting. {meant(key, questions)}")
        if questions[key].secret:
            raise Failed(f"--set {key}: a secret on the command line is seen by others; write it into earful.env")
        found[key] = adding.value_of(questions[key], text)
    return found


def _asked(
    path: Path, kind: str, name: str, answers: dict[str, Any], *, ask: bool
) -> tuple[dict[str, Any], dict[str, str]]:
    """The table of the source, and the secrets that are to be kept. Without `ask` nobody is there to answer."""
    values: dict[str, Any] = {"name": name, "kind": kind}
    secrets: dict[str, str] = {}
    environ = with_secrets_file(path, os.environ)
    optional: list[Question] = []
    for question in adding.questions_of(kind):
        if question.name in answers:
            values[question.name] = answers[question.name]
        elif question.secret:
            variable = adding.variable_of(name, question.name)
            if environ.get(variable, "").strip():
                values[question.name] = {"env": variable}
            elif question.required and not ask:
                file = adding.environment_file(path)
                how = " without export, as systemd reads it" if is_exported(file.parent, variable) else ""
                raise Failed(f"{question.name} is missing: write {variable}=... into {file}{how}")
            elif ask and (text := _secret(question, variable, kind)):
                values[question.name] = _place_of(question, variable, text)
                secrets |= {variable: text} if "env" in values[question.name] else {}
        elif question.required and not ask:
            raise Failed(f"{question.name} is missing: add --set {question.name}=...")
        elif question.required:
            values[question.name] = _answer(question)
        else:
            optional.append(question)
    if ask and optional and typer.confirm(f"Change other settings ({_names(optional)})?", default=False):
        for question in optional:
            if (value := _answer(question)) is not None:
                values[question.name] = value
    return values, secrets


def _is_door(kind: str) -> bool:
    """Whether others send what a kind reads, under a secret that is ours to make."""
    return about_of(kind).brought


def _place_of(question: Question, variable: str, text: str) -> dict[str, str]:
    """Where a secret that was entered is to be found: in a file of its own, or under a name in `earful.env`."""
    named = _may_be_a_file(question) and text.startswith("@")
    return {"file": text[1:].strip()} if named else {"env": variable}


def _may_be_a_file(question: Question) -> bool:
    """Whether a secret comes as a file that somebody has downloaded, which no prompt takes whole."""
    return "{ file = " in question.about


def _names(questions: list[Question]) -> str:
    return ", ".join(each.name for each in questions)


def _secret(question: Question, variable: str, kind: str) -> str:
    """Ask for a secret, unseen. One that we share with whoever sends may be made here."""
    ours = _is_door(kind)
    enter = "Enter to make one, - for none" if ours and question.name == "secret" else "Enter for none"
    hint = " (@NAME for a file)" if _may_be_a_file(question) else "" if question.required else f" ({enter})"
    default = None if question.required else ""
    words = f"{question.name}: {question.about}{hint}"
    text = str(typer.prompt(words, default=default, hide_input=True, show_default=False)).strip()
    if ours and question.name == "secret" and not text:
        made = token_hex(32)
        typer.echo(f"  Made one; it will be in earful.env as {variable}.")
        return made
    return "" if text == "-" else text


def _answer(question: Question) -> Any:
    """Ask for one setting until the answer can be used; None where the default stays."""
    while True:
        default = None if question.required else question.default
        text = str(typer.prompt(f"{question.name}: {question.about}", default=default, show_default=bool(default)))
        if text.strip() == question.default and not question.required:
            return None
        try:
            return adding.value_of(question, text)
        except InstallError as error:
            typer.echo(f"  {error}")


def _sound(
    path: Path, values: dict[str, Any], secrets: dict[str, str], *, ask: bool, kind: str
) -> tuple[str, Settings]:
    """The new text of the file, and the settings that it gives. What is wrong is asked for again, or said."""
    while True:
        text = adding.with_source(_text_of(path), values)
        try:
            return text, _loaded(path, text, secrets)
        except SettingsError as error:
            said = "; ".join(_in_words(fault) for fault in error.faults)
            if not ask:
                raise Failed(said + _secrets_not_given(path, values, kind)) from None
            typer.echo(f"  {said}")
            wrong = {fault.key.rpartition(".")[2].partition("[")[0] for fault in error.faults}
            again = [each for each in adding.questions_of(kind) if not each.secret]
            chosen = [each for each in again if each.name in wrong] or again
            before = dict(values)
            for question in chosen:
                if (value := _answer(question)) is not None:
                    values[question.name] = value
            if before == values:
                raise Failed(f"nothing was changed: {said}") from None


def _secrets_not_given(path: Path, values: Mapping[str, Any], kind: str) -> str:
    """Where the secrets go that were not given: one of them may be what is missing."""
    names = [each.name for each in adding.questions_of(kind) if each.secret and each.name not in values]
    written = ", ".join(f"{adding.variable_of(values['name'], each)}=..." for each in names)
    return f". Of secrets, write {written} into {adding.environment_file(path)}" if names else ""


def _in_words(fault: Fault) -> str:
    """What is wrong with an answer: of the whole table, or of one setting."""
    name = fault.key.partition(".")[2]
    return f"{name}: {fault.write}" if name else fault.write


def _loaded(path: Path, text: str, secrets: Mapping[str, str]) -> Settings:
    """The settings that a text gives where the file is, without writing that."""
    try:
        handle, written = tempfile.mkstemp(dir=path.absolute().parent, prefix=".settings-", suffix=".toml")
    except OSError as error:
        raise Failed(
            f"can't write {path} ({error.strerror}, as user {os.getuid()}): its folder must be writable. "
            "Run this as its owner, or with sudo"
        ) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
        return load(Path(written), {**os.environ, **secrets}, secrets=False)
    finally:
        Path(written).unlink(missing_ok=True)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"can't read {path} ({type(error).__name__})") from None


def _try(settings: Settings, name: str, *, ask: bool) -> None:
    """Read the first page and show what it brings; whoever is asked may add a source that can't be read."""
    source = next(each for each in settings.sources if each.name == name)
    if _is_door(source.kind):
        return  # nothing is there before somebody sends
    said, batch = "", Batch((), "")
    try:
        batch = within(source.deadline.total_seconds(), partial(first_page, settings, source, LOOK_BACK), "try")
    except Exception as error:  # noqa: BLE001 - told in one line, and asked
        said = getattr(error, "message", "") or f"unexpected {type(error).__name__}"
        remedy = getattr(error, "remedy", "")
        said += f" - {remedy}" if remedy else ""
    if said:
        console.print(line(("no", "red"), f" {source.name}: {said}"))
        if not ask or not typer.confirm("It could not be read. Add it all the same?", default=False):
            raise Failed("nothing was changed" + ("" if ask else "; --untried adds it without reading it"))
        return
    _show_posts(settings, source, batch)


def _show_posts(settings: Settings, source: Source, batch: Batch) -> None:
    queries = queries_of(settings)

    def about_us(post: connectors.Post) -> bool:
        subject = Subject(post.text, post.title, post.author, post.source, post.lang, post.url)
        return bool(source.about or post.addressed or brands_in(subject, queries))

    posts = sorted(batch.posts, key=about_us, reverse=True)[:SHOWN]
    for post in posts:
        mark = ("+ ", "green") if about_us(post) else ("- ", "dim")
        console.print(line(mark, (post.author or "somebody", "bold"), (f" · {post.posted_at:%d %b %H:%M}", "dim")))
        console.print(line("  ", excerpt(post.text or post.title, 200)))
    if posts:
        console.print(line(("+ about your brand   - about something else: not kept", "dim")))
    else:
        console.print(line("It can be read. No posts right now."))
