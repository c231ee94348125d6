"""The command for causes: the list with this week's people, problems, and every change that the page can make."""

from __future__ import annotations

from typing import Annotated

import typer

from alerts.wording import count_words
from monitor.causes import listing, naming, problems, proposals
from monitor.cli.base import AsJson, Failed, app, console, line, opened, print_json, speaker
from monitor.service.scheduler import utc_now
from monitor.store import cases
from monitor.store import causes as store
from monitor.store import problems as kept
from monitor.store.database import Database, Row
from monitor.web.causes import as_json as problem_as_json
from monitor.web.causes import causes_as_json
from monitor.wiring import Assembly


@app.command("causes")
def show(
    name: Annotated[str, typer.Argument(help="The cause to change. Without it: the list, and the problems.")] = "",
    brand: Annotated[str, typer.Option("--brand", help="Of this brand, if there are several.")] = "",
    words: Annotated[str, typer.Option("--words", help="Add it with these words, or give it these.")] = "",
    rename: Annotated[str, typer.Option("--rename", help="Its new name.")] = "",
    team: Annotated[str, typer.Option("--team", help="Who is notified of its problems: a person or a target.")] = "",
    issue: Annotated[str, typer.Option("--issue", help="The address of the linked issue.")] = "",
    into: Annotated[str, typer.Option("--into", help="Merge it into this cause.")] = "",
    split: Annotated[str, typer.Option("--split", help="Split off a cause of this name, by --words.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take it off the list.")] = False,
    case: Annotated[str, typer.Option("--case", help="Put it on this case, or take it off.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Undo the latest change of the list.")] = False,
    fixed: Annotated[
        int, typer.Option("--fixed", show_default=False, help="Mark the problem with this number as fixed.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Show what people write about, and shared problems."""
    with opened() as assembly:
        names = [each.name for each in assembly.settings.brands]
        if brand and brand not in names:
            raise Failed(f"there is no brand {brand}; the brands are: {', '.join(names)}")
        chosen = brand or names[0]
        trade = next(each.trade for each in assembly.settings.brands if each.name == chosen)
        listing.begin(assembly.database, chosen, trade, utc_now())
        try:
            if undo or fixed or name:
                wanted = {"words": words, "name": rename, "team": team, "issue_url": issue}
                said = (
                    _without_a_name(assembly, chosen, fixed)
                    if not name
                    else _change(assembly, chosen, name, wanted, into=into, split=split, remove=remove, case=case)
                )
                console.print(line(said))
                return
        except listing.NotPossible as error:
            raise Failed(str(error)) from None
        if as_json:
            print_json(
                {
                    "causes": causes_as_json(assembly.database, chosen, utc_now()),
                    "problems": [problem_as_json(row) for row in kept.counted(assembly.database, chosen)],
                }
            )
            return
        _print(assembly.database, chosen)


def _without_a_name(assembly: Assembly, brand: str, fixed: int) -> str:
    with assembly.database.transaction():
        if fixed:
            problems.fix(assembly.database, fixed, speaker(assembly, ""), utc_now())
            return f"problem {fixed} is fixed; now tell the people it hit, on its page"
        undone = listing.undo(assembly.database, brand, utc_now())
        return f"undone: {undone}" if undone else "nothing to undo"


def _change(
    assembly: Assembly, brand: str, name: str, wanted: dict[str, str], *, into: str, split: str, remove: bool, case: str
) -> str:
    database, who, now = assembly.database, speaker(assembly, ""), utc_now()
    with database.transaction():
        row = _named(database, brand, name)
        if row is None:
            if not wanted["words"]:
                raise listing.NotPossible(f"there is no cause {name}; earful causes lists them, --words adds it")
            listing.add(database, brand, name, wanted["words"], who, now)
            return f"added {name}"
        if split:
            _, moved = listing.split(database, row["id"], split, wanted["words"], who, now)
            return f"{split} made of {count_words(moved, 'post')}"
        if into:
            other = _named(database, brand, into)
            if other is None:
                raise listing.NotPossible(f"there is no cause {into}; earful causes lists them")
            listing.merge(database, row["id"], other["id"], who, now)
            return f"{row['name']} merged into {other['name']}"
        if remove:
            listing.remove(database, row["id"], who, now)
            return f"removed {row['name']}"
        if case:
            found = cases.row_of(database, case[:40])
            if found is None:
                raise listing.NotPossible(f"there is no case {case}")
            return f"case {case}: " + naming.set_cause(
                database, case, found["brand"], row["id"], who, "command line", now
            )
        given = {key: value for key, value in wanted.items() if value}
        if not given:
            raise listing.NotPossible("say what to change: see earful causes --help")
        return "saved" if listing.edit(database, row["id"], given, who, now) else "nothing changed"


def _named(database: Database, brand: str, name: str) -> Row | None:
    rows = store.standing(database, brand)
    return next((row for row in rows if row["name"].casefold() == " ".join(name.split()).casefold()), None)


def _print(database: Database, brand: str) -> None:
    now = utc_now()
    found = kept.counted(database, brand)
    for row in found:
        state = f"fixed, {row['untold']} not told yet" if row["fixed_at"] else row["owner"] or "no owner"
        people = count_words(row["people"], "person", "people")
        console.print(line((f"problem {row['id']}", "bold"), f" {row['name']}: {people}, {state}"))
    if found:
        console.print()
    causes = sorted(causes_as_json(database, brand, now), key=lambda each: (-each["people"], each["name"].casefold()))
    for each in causes:
        before = (f"({each['people_last_week']:,} the week before)  ", "dim")
        console.print(line(f"{each['people']:>6,} people ", before, each["name"]))
    for proposal in proposals.proposals(database, brand, now):
        people = count_words(proposal.people, "person", "people")
        console.print(line(("proposed:", "dim"), f' "{proposal.words}", {people}'))
