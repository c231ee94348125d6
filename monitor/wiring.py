"""Puts the parts together from sound settings: connectors, channels, judge, what runs them. No network is touched."""

from __future__ import annotations

import ctypes
import gc
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

import alerts
import connectors
from alerts import Channel
from alerts.wording import count_words
from connectors import Connector
from connectors.http import Http, hosts_written
from connectors.oauth import SignIn
from monitor.assistant.answers import Assistant
from monitor.cases.brand_replies import Answers
from monitor.cases.second_look import SecondLook
from monitor.ingest.access_tokens import AccessTokens, Standing
from monitor.ingest.arrivals import waiting_for
from monitor.ingest.collector import Collector
from monitor.ingest.own_files import lease_of as files_of
from monitor.ingest.pipeline import Intake
from monitor.learning.feedback import Taught, Teaching, load
from monitor.notify.event_sender import EventSender
from monitor.notify.rendering import no_link
from monitor.notify.sender import Alerting
from monitor.notify.system_notices import queue_notice
from monitor.people.upgrade import OLD_TOKENS, end_old_tokens, give_ids
from monitor.privacy.carrying_over import carry_over
from monitor.replying.context import Replying
from monitor.replying.writers import Writers
from monitor.settings.models import Settings, Source
from monitor.settings.overrides import overlay
from monitor.settings.rules import Rules
from monitor.store import competitors, events, given_numbers, moving, renames, sources, web
from monitor.store.connect import open_database
from monitor.store.database import Database
from monitor.store.leases import Leases
from monitor.store.leases import standing as leases_standing
from monitor.store.postgresql import Postgresql
from monitor.store.schema import migrate
from monitor.store.sqlite import Sqlite
from monitor.store.token_files import TokenFile
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.text.local_models import reader
from monitor.text.local_models.folder import LocalModelRefused
from monitor.text.local_models.operator_models import OwnModels
from monitor.text.query.matching import Queries, Query
from monitor.text.query.parsing import parse
from monitor.trackers.clients import Trackers, Tracking
from monitor.types import SignedLink

log = logging.getLogger("earful")

OUR_FILES = "earful"  # what the names of our own files begin with, where the database is none
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of mallopt(3)


@dataclass(frozen=True, slots=True)
class Assembly:
    """Everything that works on one database under one set of settings."""

    written: Settings  # as the file says
    settings: Settings  # with what stands on the desk laid over it
    database: Sqlite | Postgresql
    rules: Rules
    queries: dict[str, Query]
    judge: Judge  # as it began; `intake.judge` is the one that goes on learning
    intake: Intake
    answers: Answers
    collector: Collector
    alerting: Alerting
    teaching: Teaching
    events: EventSender
    second_look: SecondLook
    replying: Replying
    assistant: Assistant
    tracking: Tracking
    leases: Leases


def open_store(
    settings: Settings, now: datetime, look: Callable[[Database], None] = lambda _database: None
) -> Sqlite | Postgresql:
    """Open the database that settings name, and bring it to this version's schema.

    `look` is called before anything is written there, and may raise. Raises DatabaseUnusable, among others for a file
    that was moved, and for a database whose move is not finished.
    """
    database = open_database(settings.database.url.get_secret_value())
    _stand_beside(database, settings)
    try:
        moving.refuse_half(database)
        look(database)
    except BaseException:
        database.close()
        raise
    migrate(database, now)
    give_ids(database, settings, now)
    if isinstance(database, Postgresql) and (said := given_numbers.go_on(database, now)):
        log.warning("%s", said)
    carried = carry_over(database, now)
    if carried.entries or carried.posts:
        log.warning("%s", carried.words)
    if ended := end_old_tokens(database, now):
        title = f"{count_words(ended, 'API token')} without an owner will stop working on {now + OLD_TOKENS:%d %b %Y}"
        remedy = "create new ones on the page People or with: earful token add NAME"
        with database.transaction():
            queue_notice(database, Rules(settings), "old tokens", title, remedy, now)
    return database


def _stand_beside(database: Database, settings: Settings) -> None:
    """PostgreSQL has no "beside": its key and its list of erasures lie in the folder of our own files."""
    if database.beside is None:
        database.beside = settings.state_folder / OUR_FILES


def queries_of(settings: Settings) -> Queries:
    """The brands' queries, read."""
    return Queries({brand.name: parse(brand.query) for brand in settings.brands})


def competitors_of(settings: Settings) -> Queries:
    """The competitors' queries, read."""
    return Queries({each.name: parse(each.query) for each in settings.competitors})


def judge_of(settings: Settings, queries: dict[str, Query], database: Database | None = None) -> Judge:
    """The judge for the brands of these settings; with a database, taught by what staff answered there."""
    taught = load(database, [brand.name for brand in settings.brands]) if database is not None else {}
    return _judge(settings, queries, _own_models(settings), taught)


def _own_models(settings: Settings) -> OwnModels:
    wanted = settings.judge
    teaches = reader.shared if wanted.reader_teaches else None
    return OwnModels(wanted.encoder, wanted.classifier, wanted.negative_labels, teaches)


def reader_trouble(settings: Settings) -> tuple[str, ...]:
    """Why the reader that settings want cannot be used; nothing where it can."""
    try:
        if settings.judge.reader:
            reader.shared()
    except LocalModelRefused as refusal:
        return (str(refusal),)
    return ()


def _judge(settings: Settings, queries: dict[str, Query], own_models: OwnModels, taught: Mapping[str, Taught]) -> Judge:
    others = competitors_of(settings)
    theirs = tuple(word for name, query in others.items() for word in (name, *query.names(name)))
    return Judge(
        [
            BrandProfile(
                name=brand.name,
                words=queries[brand.name].names(brand.name),
                competitors=(*brand.competitors, *theirs),
                context=brand.context,
                complaint_words=brand.complaint_words,
                sentiment_words=brand.sentiment_words,
            )
            for brand in settings.brands
        ]
        + [BrandProfile(name=name, words=(name, *query.names(name))) for name, query in others.items()],
        settings.alerts.critical_words,
        learned={name: each.complaint for name, each in taught.items()},
        about_us={name: each.about_us for name, each in taught.items()},
        own_models=own_models,
    )


def assemble(
    settings: Settings, database: Sqlite | Postgresql, link: SignedLink = no_link, leases: Leases | None = None
) -> Assembly:
    """Make every part. What nobody configured is not imported. `leases` are those of this process, if not its own."""
    leases = leases or Leases(database)
    _stand_beside(database, settings)
    written, settings = settings, overlay(settings, web.desk_values(database))
    rules = Rules(settings)
    queries = queries_of(settings)
    taught = load(database, [brand.name for brand in settings.brands])
    make_judge = partial(_judge, settings, queries, _own_models(settings))
    judge = make_judge(taught)
    intake = Intake(database, rules, judge, queries, competitors_of(settings))
    teaching = Teaching(database, settings, intake, taught, make_judge, leases=leases)
    answers = Answers(database, rules)

    def tell_operator(key: str, title: str, remedy: str, now: datetime) -> None:
        queue_notice(database, rules, key, title, remedy, now, quiet=True)

    collector = Collector(
        database,
        rules,
        intake,
        answers,
        {source.name: connector_of(settings, source, database) for source in settings.sources if source.enabled},
        queries,
        tell_operator,
        leases,
        {source.name: path for source in settings.sources if (path := file_of(settings, source)) is not None},
    )
    channels = channels_of(settings)
    alerting = Alerting(database, rules, channels, link, leases)
    programs = EventSender(database, rules, channels, leases=leases)
    load_reader = reader.shared if settings.judge.reader else None
    second_look = SecondLook(database, load_reader, tell_operator, leases=leases)
    return Assembly(
        written, settings, database, rules, queries, judge, intake, answers, collector, alerting, teaching, programs,
        second_look, Replying(database, rules, Writers(settings)), Assistant(database, settings),
        Tracking(database, rules, Trackers(settings)), leases,
    )  # fmt: skip


def settle() -> None:
    """Tell Python's collector that what stands now (lexicons, the model, our parts) lives as long as the process.

    It would look at all of it again and again while posts come in: a tenth of the whole time of an import.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    _keep_little()


def _keep_little() -> None:
    """Have glibc give back what was freed: it would keep it for each thread, in an arena of its own (mallopt(3))."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 2)
        mallopt(_MMAP_THRESHOLD, 64 * 1024)
        mallopt(_TRIM_THRESHOLD, 256 * 1024)


def know_sources(database: Database, settings: Settings) -> None:
    """Give each configured source its row; one whose settings changed is due at once, also after a refusal.

    The programs that are told of cases are known from here on, too.
    """
    _rename(database, settings)
    with database.transaction():
        events.know_readers(database, [each.name for each in settings.channels if each.kind in alerts.TOLD_OF_CASES])
        for source in settings.sources:
            sources.know(database, source.name, source.kind, _mark(source))


def _rename(database: Database, settings: Settings) -> None:
    """Give what stands under former names of sources and brands to those that say `was`; ids stay as they are."""
    renames.know_names(database)
    former: list[tuple[renames.What, str, str]] = [
        ("source", before, source.name) for source in settings.sources for before in source.was
    ]
    former += [("brand", before, brand.name) for brand in settings.brands for before in brand.was]
    for what, before, name in former:
        with database.transaction(long=True):
            if renames.rename(database, what, before, name):
                log.info("%s %s is now called %s and keeps its history", what, before, name)
    for competitor in settings.competitors:  # no id is made of a competitor's name: its rows move, and that is all
        for before in competitor.was:
            with database.transaction(long=True):
                if competitors.rename(database, before, competitor.name):
                    log.info("competitor %s is now called %s and keeps its history", before, competitor.name)
    with database.transaction():
        for source in settings.sources:
            renames.begin(database, "source", source.name)
        for brand in settings.brands:
            renames.begin(database, "brand", brand.name)


def connector_of(settings: Settings, source: Source, database: Database | None = None) -> Connector:
    """The connector of one source; hosts that its settings name are trusted, everything else is checked.

    One that reads what others bring is told where that waits: in the database. One that reads as a person is told where
    the token of now is: in a file of the state folder.
    """
    made: Any = _load(connectors.KINDS[source.kind])(
        source.options,
        Http(trusted=hosts_written(source.options), total_seconds=source.deadline.total_seconds() * 0.75),
    )
    if database is not None and hasattr(made, "receive_from"):
        made.receive_from(waiting_for(database, source))
    if tokens := tokens_of(settings, source):
        made.sign_in_with(tokens)
    connector: Connector = made
    return connector


def tokens_of(settings: Settings, source: Source) -> AccessTokens | None:
    """What keeps and renews the sign-in of a source; None where it reads without one."""
    sign_in: SignIn | None = getattr(source.options, "sign_in", None)
    if sign_in is None:
        return None
    seconds = min(20.0, source.deadline.total_seconds() / 3)
    http = Http(trusted=hosts_written(source.options), total_seconds=seconds)
    file = TokenFile(settings.state_folder, source.name)
    file.take_over(source.was)
    return AccessTokens(source.name, sign_in, http, file)


def file_of(settings: Settings, source: Source) -> Path | None:
    """The file that a source needs on the machine that reads it: its sign-in, or the folder that it watches."""
    if getattr(source.options, "sign_in", None) is not None:
        return TokenFile(settings.state_folder, source.name).path
    folder: Path | None = getattr(source.options, "folder", None)
    return folder


def sign_ins(settings: Settings, now: datetime, database: Database | None = None) -> dict[str, Standing]:
    """How the sign-in of each source that reads as a person stands; the network is not asked.

    With the `database` it is known of those that are on another machine, which reads by them.
    """
    wanted = {source.name: tokens_of(settings, source) for source in settings.sources if source.enabled}
    held = {each.name: each.holder for each in leases_standing(database)} if database is not None else {}
    found = {}
    for name, tokens in wanted.items():
        holder = held.get(files_of(name), "")
        if tokens is not None and holder and not tokens.file.path.exists():
            found[name] = Standing(f"{name}: signed in on another machine, where it is read ({holder})", wrong=False)
        elif tokens is not None:
            found[name] = tokens.standing(now)
    return found


def channels_of(settings: Settings) -> dict[str, Channel]:
    """Every configured channel, by its name."""
    return {channel.name: _load(alerts.KINDS[channel.kind])(channel.options) for channel in settings.channels}


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _values(options: object) -> Iterator[str]:
    if isinstance(options, BaseModel):
        for name in type(options).model_fields:
            yield from _values(getattr(options, name))
    elif isinstance(options, SecretStr):
        yield options.get_secret_value()
    elif isinstance(options, str):
        yield options
    elif isinstance(options, (tuple, list, frozenset, set)):
        for each in options:
            yield from _values(each)


def _mark(source: Source) -> str:
    """Changes when anything in a source's settings changes, secrets too; tells nothing of them."""
    text = json.dumps([source.kind, str(source.every), sorted(_values(source.options)), repr(source.options)])
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
