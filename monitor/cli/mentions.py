"""Commands that show posts: those that are about a brand, and why one is judged as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from alerts.wording import excerpt
from connectors import Post
from connectors.durations import span
from monitor.cli.base import AsJson, Failed, Limit, app, brand_of, console, note, opened, print_json, settings_path
from monitor.ingest import asking
from monitor.notify import case_words
from monitor.people.audit import Event
from monitor.service.console_view import command
from monitor.service.scheduler import utc_now
from monitor.settings.models import EARLIEST, LATEST
from monitor.store import cases, finding
from monitor.text.normalize import safe_line
from monitor.types import Mention
from monitor.wiring import Assembly

Brand = Annotated[str, typer.Option("--brand", help="Only this brand.")]
SourceName = Annotated[str, typer.Option("--source", help="Only this source.")]
Since = Annotated[str, typer.Option("--since", help='How far back: "24h", "7d", or a day such as 2026-11-20.')]
Flagged = Annotated[bool, typer.Option("--flagged", help="Only flagged posts.")]
_STYLES = {"ping": "bold red", "sweep": "yellow", "none": ""}


def since_of(text: str) -> datetime | None:
    """Read "7d" or a day; None for nothing, and Failed for anything else."""
    if not text:
        return None
    try:
        return utc_now() - span(text)
    except OverflowError:
        raise Failed(f"--since {text!r}: that is too far back; write a shorter duration") from None
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if EARLIEST <= moment < LATEST:
            return moment
    except ValueError:
        pass
    raise Failed(f'--since {text!r}: write a duration such as "7d", or a day such as 2026-11-20') from None


def must_be_known(assembly: Assembly, brand: str, source: str = "") -> None:
    """Refuse a name that neither the settings nor anything stored has: a slip would look like a quiet day.

    What was removed from the settings may still have cases.
    """
    database = assembly.database
    named = (("brand", brand, brand, "", assembly.queries), ("source", source, "", source, assembly.rules.sources))
    for option, name, of_brand, of_source, known in named:
        if not name or name in known:
            continue
        kept = finding.find(database, finding.Filter(brand=of_brand, source=of_source, limit=1))
        if not kept and not cases.find(database, cases.Filter(brand=of_brand, source=of_source, limit=1)):
            raise Failed(f"--{option} {name!r}: write one of {', '.join(known)}")


def mention_json(mention: Mention) -> dict[str, Any]:
    """A mention as the JSON object that scripts read."""
    post, verdict = mention.post, mention.verdict
    return {
        "id": mention.id,
        "source": post.source,
        "native_id": post.native_id,
        "url": post.url,
        "author": post.author,
        "text": post.text,
        "title": post.title,
        "posted_at": post.posted_at.isoformat(),
        "thread_id": post.thread_id,
        "parent_id": post.parent_id,
        "reply_text": post.reply_text,
        "replied_at": post.replied_at.isoformat() if post.replied_at else None,
        "seen_at": mention.seen_at.isoformat(),
        "brand": mention.brand,
        "sentiment": round(verdict.sentiment, 4),
        "label": verdict.label,
        "language": verdict.language,
        "needs_answer": round(verdict.needs_answer, 4),
        "lane": verdict.lane,
        "flagged": mention.flagged,
        "critical": verdict.critical,
        "reasons": list(verdict.reasons),
        "rating": post.rating,
        "scorer": verdict.scorer,
        "case": mention.case_id or None,
        "suppressed": mention.suppressed or None,
    }


def when(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A moment in as few letters as are needed today; of another year, the day alone."""
    there, today = moment.astimezone(zone), now.astimezone(zone)
    if there.date() == today.date():
        return f"{there:%H:%M}"
    return f"{there:%d %b %H:%M}" if there.year == today.year else f"{there.date():%d %b %Y}"


def tell_nothing(what: str) -> None:
    """Say that nothing matches, and where to look."""
    console.print(f"No matching {what}s. Check the sources: {command(settings_path())} status", markup=False)


@app.command("mentions")
def mentions_(
    brand: Brand = "",
    source: SourceName = "",
    flagged: Flagged = False,
    since: Since = "",
    search: Annotated[str, typer.Option("--search", help="Search for these words.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List mentions, newest first."""
    with opened() as assembly:
        must_be_known(assembly, brand, source)
        wanted = finding.Filter(
            brand=brand, source=source, flagged=flagged, since=since_of(since), search=search, limit=limit
        )
        found = finding.find(assembly.database, wanted)
        asking.show(assembly.database, assembly.settings, [each.id for each in found], utc_now())
        if as_json:
            note(assembly, Event.EXPORT, "mentions", format="json lines", posts=len(found))
            for mention in found:
                print_json(mention_json(mention))
            return
        if not found:
            tell_nothing("mention")
            return
        now, zone = utc_now(), assembly.settings.zone
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name, options in (
            ("posted", {"no_wrap": True}),
            ("source", {"no_wrap": True}),
            ("author", {"max_width": 18, "no_wrap": True}),
            ("", {}),
            ("says", {"ratio": 1}),
            ("case", {"justify": "right"}),
        ):
            table.add_column(name, **options)
        for mention in found:
            verdict = mention.verdict
            says = Text(excerpt(case_words.words_of(mention), 160))
            if mention.flagged and verdict.reasons:
                says.append("\n" + " · ".join(verdict.reasons), "dim")
            mark = "+" if verdict.praise else {"ping": "!", "sweep": "?", "none": ""}[verdict.lane]
            who = Text(safe_line(mention.post.author) or "somebody")
            table.add_row(
                when(mention.post.posted_at, now, zone), mention.post.source, who,
                Text(mark, _STYLES[verdict.lane]), says, mention.case_id,
            )  # fmt: skip
        console.print(table)
        console.print(Text(f"{len(found)} shown", "dim"))


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help="The text to judge.")],
    brand: Annotated[str, typer.Option("--brand", help="The brand. Default: the first in the settings.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show how the judge rates a text, and why."""
    from monitor.text.query.matching import brands_in
    from monitor.text.query.subject import Subject

    post = Post("command line", "-", "", "", text, utc_now())
    with opened() as assembly:
        name = brand_of(assembly, brand or assembly.settings.brands[0].name)
        found = brands_in(Subject(text), assembly.queries)
        explanation = assembly.intake.judge.explain(post, name, found.get(name, ()))
    verdict = explanation.verdict
    if as_json:
        print_json(
            {
                "brand": name, "matches": {key: list(words) for key, words in found.items()},
                "sentiment": verdict.sentiment, "label": verdict.label, "language": verdict.language,
                "needs_answer": verdict.needs_answer, "lane": verdict.lane, "flagged": verdict.lane == "ping",
                "critical": verdict.critical, "reasons": list(verdict.reasons), "tags": list(verdict.tags),
                "scorer": verdict.scorer, "voices": [list(voice) for voice in explanation.contributions],
                "sentence": explanation.sentence, "ping_from": explanation.ping, "list_from": explanation.sweep,
            }
        )  # fmt: skip
        return
    said = safe_line(explanation.sentence)
    console.print(Text(f"{said[:1].upper()}{said[1:]}.", _STYLES[verdict.lane] or "bold"))
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("sentiment", f"{verdict.sentiment:+.2f} ({verdict.label})")
    table.add_row("language", verdict.language)
    table.add_row("needs an answer", f"{verdict.needs_answer:.2f}")
    table.add_row("because", Text(" · ".join(verdict.reasons) or "nothing in particular"))
    table.add_row(
        "about",
        Text(", ".join(f"{key} ({', '.join(words)})" for key, words in found.items()) or "none of your brands"),
    )
    table.add_row("judged by", verdict.scorer)
    console.print(table)
    console.print()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("contribution")
    table.add_column("weight", justify="right")
    for words, weight in explanation.contributions:
        table.add_row(Text(words), Text(f"{weight:+.2f}", "red" if weight > 0 else "green"))
    console.print(table)
