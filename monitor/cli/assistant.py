"""Commands about assistants: serve one over MCP, and have Earful's own ask, answer and translate."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from alerts.wording import count_words, excerpt
from connectors.text import clean
from monitor import mcp_server
from monitor.assistant import questions, translation
from monitor.assistant.answers import Unavailable
from monitor.assistant.questions import Answered, NotEnough
from monitor.cli.base import AsJson, Failed, app, console, opened, print_json
from monitor.cli.mentions import must_be_known
from monitor.extras import how_to_install
from monitor.service.scheduler import utc_now
from monitor.store import cases, key_values, mentions
from monitor.store.database import stamp
from monitor.text.language import detect
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly


@app.command(name="mcp")
def serve(
    name: Annotated[str, typer.Option("--as", help="The name to log for this assistant.")] = "an assistant",
) -> None:
    """Let an AI assistant ask what is unanswered, and why.

    Speaks the Model Context Protocol over standard input and output.
    """
    if not mcp_server.installed():
        raise Failed(f"the mcp package is not installed; run: {how_to_install('mcp')}")
    with opened() as assembly:
        mcp_server.server_of(mcp_server.Desk(lambda: assembly, utc_now, name[:64])).run("stdio")


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in your own words.")],
    brand: Annotated[str, typer.Option("--brand", help="Only posts about this brand.")] = "",
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="Only posts of the last days.")] = questions.DAYS,
    as_json: AsJson = False,
) -> None:
    """Ask about what people wrote; the answer names its posts.

    Needs a language model of your own, under [assistant] in the settings.
    """
    with opened() as assembly:
        must_be_known(assembly, brand)
        found = questions.ask(assembly.assistant, assembly.database, question, now=utc_now(), brand=brand, days=days)
        if isinstance(found, Unavailable):
            raise Failed(found.words)
        if as_json:
            print_json(mcp_server.answer_json(found))
            return
        if isinstance(found, NotEnough):
            typer.echo(found.words)
            return
        _answered(found)


def _answered(found: Answered) -> None:
    for claim in found.claims:
        console.print(Text(safe_line(claim.text), "bold"))
        for each in claim.posts:
            where = f"{safe_line(each.post.author)} on {each.post.source}"
            told = claim.quote if each is claim.posts[0] else excerpt(questions.words_of(each), 100)
            console.print(Padding(Text(f"{where}: “{safe_line(told)}”"), (0, 0, 0, 2)))
            console.print(Text(f"  {safe_line(each.post.url)}", "dim"), soft_wrap=True)
    said = f"Written by the assistant from {found.read} of {count_words(found.found, 'matching post')}."
    if found.dropped:
        said += f" Left out because no post supports it: {count_words(found.dropped, 'sentence')}."
    if found.unheard:
        said += f" Left out because they give orders to programs: {count_words(found.unheard, 'post')}."
    console.print(Text(said, "dim"))


def translate_case(assembly: Assembly, case_id: str, to: str, now: datetime) -> None:
    """Print what was said in a case, each beside its translation; the first that can't be had ends it."""
    language = to.strip().casefold()
    if not re.fullmatch(r"[a-z]{2,3}", language):
        raise Failed(f'--to {to!r}: write the code of a language, such as "en" or "de"')
    case = cases.one(assembly.database, clean(case_id)[:40])
    if case is None:
        raise Failed(f"there is no case {safe_line(case_id)[:40]}; earful cases lists all cases")
    told = mentions.of_case(assembly.database, case.id)
    said: list[tuple[Any, ...]] = [
        (stamp(each.post.posted_at), each.post.author, each.post.text or each.post.title,
         mentions.post_key(assembly.database, each.post.source, each.post.native_id), each.verdict.language)
        for each in told
    ]  # fmt: skip
    said += [
        (own["posted_at"], f"{own['author']} (us)", own["text"], "", "")
        for own in key_values.own_posts_of_case(assembly.database, case.id)
    ]
    people = assembly.assistant.people_of([each.post for each in told], [case.author])
    for _, author, text, post_id, spoken in sorted(said, key=lambda each: str(each[0])):
        console.print(Text(safe_line(author), "bold"))
        console.print(Padding(Text(excerpt(text, 1000)), (0, 0, 0, 2)))
        if not text.strip() or (spoken or detect(text)) == language:
            continue
        found = translation.translate(
            assembly.assistant, text, language, now=now, people=people,
            posts=(post_id,) if post_id else (), cases=(case.id,),
        )  # fmt: skip
        if isinstance(found, Unavailable):
            raise Failed(f"not translated: {found.words}")
        cut = ", the beginning only" if found.cut else ""
        orders = "; it gives orders to programs like it, so trust the original" if found.orders else ""
        console.print(Padding(Text(f"in {found.language}, by the assistant{cut}{orders}:", "dim"), (0, 0, 0, 4)))
        console.print(Padding(Text(excerpt(found.text, 1500)), (0, 0, 0, 4)))
