"""What the judge finds hard: `make quality` prints each line with what became of it, and the share handled by kind.

The lines were written for this. They are not what the judge was trained on, and they are not tuned away one by one:
sarcasm without a mark in the words is beyond a linear model, and the list says how far beyond.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from connectors import Post  # noqa: E402
from monitor.text.features import BrandProfile  # noqa: E402
from monitor.text.judge import Judge  # noqa: E402

# kind -> lines; "+" should call people, "?" should at least be shown, "-" should call nobody
HARD: dict[str, tuple[tuple[str, str], ...]] = {
    "sarcasm": (
        ("+", "Wonderful, the Acme site fell over again. Exactly when rent is due."),
        ("+", "I do enjoy queueing for two hours, Acme. It builds character."),
        ("+", "Hats off @acme, my luggage has now seen more of Europe than I have"),
        ("+", "@acme terrific, I get to fly tomorrow instead. And the day after, who knows"),
        ("?", "Acme help desk taught me so much about patience"),
        ("?", "ten out of ten for the hold music @acme"),
        ("?", "Of course @acme, who needs heating in winter"),
        ("?", "My Acme phone is a lovely hand warmer"),
        ("?", "Acme has invented the fax machine all over again, well done them"),
        ("+", "Genius move @acme, sending the left shoe in both boxes"),
    ),
    "bitter thanks": (
        ("+", "Thanks for nothing @acme"),
        ("+", "Acme dropped my booking the night before the wedding. Thank you so much."),
        ("+", "Much obliged @acme, soup all over the bag"),
        ("+", "@acme appreciate you billing a cancelled card, really thoughtful"),
        ("+", "Superb effort @acme, third wrong parcel this month"),
        ("+", "Thank you Acme for the most expensive nothing I ever bought"),
    ),
    "negated praise and blame": (
        ("-", "Zero complaints about Acme here"),
        ("-", "Acme was not bad at all, pleasantly surprised"),
        ("-", "Couldn't fault the Acme staff"),
        ("-", "In ten years my Acme drill has never let me down"),
        ("-", "You can't go wrong with an Acme bike"),
        ("+", "@acme that was anything but a nice stay"),
        ("+", "@acme hardly what I would call help"),
        ("+", "@acme not a word of what your agent said was correct"),
        ("?", "I would love to recommend Acme, I truly would"),
        ("+", "Trust Acme to get it wrong every single time"),
    ),
    "no word of anger": (
        ("+", "My order never arrived and nobody answers"),
        ("+", "@acme seven weeks now"),
        ("+", "@acme your driver says he was here. I was home all day."),
        ("+", "@acme three of us on the platform, no train, no announcement"),
        ("+", "@acme I posted the form in May and again in June and in July"),
        ("?", "@acme any idea when I get my money"),
        ("?", "Night four without hot water, Acme"),
    ),
    "look-alikes": (
        ("-", "Acme clearance madness, prices slashed till Sunday"),
        ("-", "the bass on these Acme speakers is filthy, love it"),
        ("-", "Acme commercial had me in tears, so sweet"),
        ("-", "Missing the Acme canteen on my day off"),
        ("-", "Packed house at the Acme launch, crazy scenes"),
        ("-", "Counting the days till my Acme tent comes!"),
        ("-", "We broke all records at the Acme charity run"),
        ("-", "Rotten week, thank goodness for Acme pizza"),
    ),
    "anger at somebody else": (
        ("-", "Globex left us stranded overnight. Acme took us home for free, heroes"),
        ("-", "Finally free of Globex and their lies, hello Acme"),
        ("-", "Some idiot drove into my parked Acme van"),
        ("-", "Acme picks up after two rings, unlike Globex"),
        ("+", "I knew I should not have left Globex, Acme keeps losing my mail"),
        ("+", "Back to Globex it is. Acme overcharged me for the last time."),
    ),
    "news about trouble": (
        ("-", "Acme shares slide after weak outlook http://news.test/a"),
        ("-", "Acme appoints new head of complaints handling http://news.test/b"),
        ("-", "Test: nine smart locks and their flaws, Acme in the middle http://news.test/c"),
        ("-", "RT @news: Acme and Globex end patent row"),
    ),
}


def main() -> None:
    """Print every line with its lane, and the share handled of each kind."""
    judge = Judge([BrandProfile("Acme", words=("Acme",), competitors=("Globex",))])
    moment = datetime(2026, 11, 3, tzinfo=UTC)
    print(f"{judge.scorer}{''.join(f' ({each})' for each in judge.trouble)}\n")
    handled_of_all = lines_of_all = 0
    for kind, lines in HARD.items():
        handled = 0
        print(kind)
        for wanted, text in lines:
            found = judge.verdict(Post("quality", "1", "", "a", text, moment, lang="en"), "Acme")
            right = {"+": found.lane == "ping", "?": found.lane != "none", "-": found.lane != "ping"}[wanted]
            handled += right
            print(f"  {'  ' if right else 'NO'} {found.lane:5} {found.needs_answer:.2f}  {text}")
        print(f"  handled: {handled} of {len(lines)}\n")
        handled_of_all, lines_of_all = handled_of_all + handled, lines_of_all + len(lines)
    print(f"handled in all: {handled_of_all} of {lines_of_all} ({handled_of_all / lines_of_all:.0%})")


if __name__ == "__main__":
    main()
