"""An alert as a Slack message: blocks, the text that stands in for them, and the metadata to find it again. Pure.

Foreign words stand in `plain_text` objects and are escaped all the same, so that `<!channel>` in a post rings for
nobody; the only mentions are those of `alert.ping`. Slack's limits (https://docs.slack.dev/reference/block-kit/blocks):
3,000 characters a section, 150 a header, 50 blocks, 40,000 of text; and, undocumented, about 13,200 characters over all
blocks (`msg_blocks_too_long`). We stay below 10,000 bytes of JSON, whichever way Slack counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alerts import Action, Alert, Entry, Letter, Line, wording

Block = dict[str, Any]

SECTION = 3_000
HEADER = 150
CONTEXT = 2_000
_A_SECTION = 4  # lines: each with two links of up to 300 characters
BUDGET = 10_000  # bytes of JSON over all blocks
BLOCKS = 45  # of Slack's 50; the last ones are for what was left out
TEXT = 3_000
LONGEST_ID = 70  # of a case, or of a verb with its value: both stand in a menu's choice, which holds 150 characters
METADATA = 4_000  # bytes of JSON; Slack says metadata_too_large without saying where that begins
EVENT_TYPE = "earful_alert"

_COLOURS = {"critical": "🔴 ", "urgent": "🟠 "}  # a mark only where it means: hurry
HAND_OVER = "earful:hand_over"  # how Slack calls back what was said in that window
SAID = "earful:said"  # and in the one that asks for the address of our public post
NOTE = 500  # characters
LINK_VERBS = ("open", "link", "reply")

REASONS = (
    ("not_us", "Not us"),
    ("not_a_complaint", "Not a complaint"),
    ("spam", "Spam"),
    ("handled_elsewhere", "Handled elsewhere"),
)
_NO_ANSWER = "No answer needed"
_WHY = (*((f"dismiss:{value}", label) for value, label in REASONS), ("undo:", "Undo: it needs an answer"))
_NO_ANSWER_VERBS = ("no_answer_needed", "no_answer", "dismiss", "close")
_MORE = (
    ("Not now", (("snooze:1h", "Snooze 1 hour"), ("snooze:1d", "Snooze until tomorrow"))),
    (
        "Someone else",
        (
            ("waiting:customer", "Waiting on the customer"),
            ("hand_over:to", "Hand over to …"),
            ("release:", "Release: open to everyone"),
        ),
    ),
    (
        "What they want",
        (
            ("wants:money back", "Money back"),
            ("wants:repair or replacement", "Repair or replacement"),
            ("wants:help", "Help"),
            ("wants:an apology", "An apology"),
        ),
    ),
    (
        "You",
        (
            ("away:tomorrow", "I'm away until tomorrow"),
            ("away:mon", "I'm away until Monday"),
            ("back:", "I'm back"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to Slack: the fallback text, the blocks (none in the plain form), and the metadata."""

    text: str
    blocks: list[Block]
    metadata: dict[str, Any]


def escape(text: str, limit: int = SECTION) -> str:
    """Escape the three characters that Slack reads as its own, and cut so that no more than `limit` come out."""
    escaped = _entities(text)
    while len(escaped) > limit:
        over = len(escaped) - limit
        text = text[: max(len(text) - max(over // 5, 1) - 1, 0)]
        escaped = _entities(text) + wording.MARK
    return escaped


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def message(alert: Alert, *, plain: bool = False, presses: bool = True) -> Message:
    """Put `alert` into Slack's form; `plain` is text alone; without `presses` a button is a link or is left out."""
    pings = _pings(alert.ping)
    if plain:
        lines = wording.alert_lines(alert, budget=1_200, words=140)
        return Message(f"{pings} {escape(chr(10).join(lines), TEXT)}".strip(), [], metadata(alert, METADATA // 4))
    text = f"{pings} {escape(wording.summary(alert), TEXT)}".strip()
    return Message(text, _blocks(alert, pings, presses), metadata(alert))


def letter(given: Letter) -> Message:
    """Put a letter into a message: its subject, and as much of its text as one section holds."""
    subject = wording.excerpt(given.subject, HEADER)
    lines = [wording.clean_line(line) for line in given.text[:20_000].splitlines()]
    body = escape("\n".join(lines).strip())
    blocks = [_header(subject)] if subject else []
    if body:
        blocks.append(_section(body))
    text = escape(subject, TEXT) or "Weekly digest from Earful"
    return Message(text, blocks, {"event_type": EVENT_TYPE, "event_payload": {"key": given.key, "revision": 0}})


def hand_over(case_id: str, channel: str, message_ts: str) -> Block:
    """The window that asks whom a case goes to, and what they should know; `slack_socket.read_press` reads it back.

    https://docs.slack.dev/reference/views/modal-views
    """
    title = f"Hand over case {case_id}"
    return {
        "type": "modal",
        "callback_id": HAND_OVER,
        "private_metadata": json.dumps({"case": case_id, "channel": channel, "ts": message_ts}),
        "title": _plain(title if len(title) <= 24 else "Hand over", 24),
        "submit": _plain("Hand over", 24),
        "close": _plain("Cancel", 24),
        "blocks": [
            {
                "type": "input",
                "block_id": "who",
                "label": _plain("To whom?", 75),
                "element": {"type": "users_select", "action_id": "who"},
            },
            {
                "type": "input",
                "block_id": "note",
                "optional": True,
                "label": _plain("What should they know?", 75),
                "element": {"type": "plain_text_input", "action_id": "note", "multiline": True, "max_length": NOTE},
            },
        ],
    }


def said_publicly(about: str, channel: str, message_ts: str) -> Block:
    """The window that asks where we have said so publicly; `payloads.read_press` reads it back.

    https://docs.slack.dev/reference/block-kit/block-elements/url-input-element
    """
    return {
        "type": "modal",
        "callback_id": SAID,
        "private_metadata": json.dumps({"case": about, "channel": channel, "ts": message_ts}),
        "title": _plain("Said publicly", 24),
        "submit": _plain("That is it", 24),
        "close": _plain("Cancel", 24),
        "blocks": [
            {
                "type": "input",
                "block_id": "said",
                "label": _plain("Address of our post", 75),
                "hint": _plain("It counts as the first reply to everybody of this incident on that network.", 150),
                "element": {"type": "url_text_input", "action_id": "url"},
            }
        ],
    }


def metadata(alert: Alert, limit: int = METADATA) -> dict[str, Any]:
    """Say which delivery this is and which mentions it speaks of: as many ids as fit, and how many do not."""
    kept: list[str] = []
    room = limit - len(json.dumps([alert.key, alert.revision])) - 80
    for mention in alert.mentions:
        room -= len(json.dumps(mention)) + 2
        if room < 0:
            break
        kept.append(mention)
    said: dict[str, Any] = {"key": alert.key, "revision": alert.revision, "mentions": kept}
    if len(kept) < len(alert.mentions):
        said["left_out"] = len(alert.mentions) - len(kept)
    return {"event_type": EVENT_TYPE, "event_payload": said}


def _blocks(alert: Alert, pings: str, presses: bool) -> list[Block]:
    """Lay out the entries while they fit; those that do not, and the others behind them, become short lines."""
    single = len(alert.entries) == 1 and not alert.more and not alert.also
    blocks: list[Block] = []
    if pings:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": pings, "verbatim": True}})
    if not single:
        blocks.append(_header(wording.title(alert)))
    shown = 0
    for entry in alert.entries:
        more = _entry(entry, presses, single=single)
        if shown and (_size([*blocks, *more]) > BUDGET * 0.6 or len(blocks) + len(more) > BLOCKS):
            break
        blocks += more
        shown += 1
    left = [Line(entry.headline, entry.url, entry.page_url, entry.case_id) for entry in alert.entries[shown:]]
    lines = _lines([*left, *alert.also], blocks)
    for start in range(0, len(lines), _A_SECTION):
        blocks.append(_marked("\n".join(lines[start : start + _A_SECTION])))
    blocks += _of_the_whole(alert, presses)
    rest = wording.rest_line(alert, len(lines) - len(left))
    if rest and (address := wording.link(alert.page_url)):
        blocks.append(_marked(f"<{_entities(address)}|{escape(rest)}>"))
        rest = ""
    named = _named(alert.entries[0], wording.title(alert)) if single else ""
    last = [escape(line) for line in (rest, wording.excerpt(alert.footer, 300)) if line]
    return blocks + _marked_context([*([named] if named else []), *last])


def _lines(lines: Sequence[Line], blocks: list[Block]) -> list[str]:
    """As many of these lines as there is room for: the number leads to the page of the case, the end to the post."""
    made: list[str] = []
    room = BUDGET - _size(blocks) - 1_000
    for line in wording.fitting(lines, BUDGET):
        said = escape(line.text, 600)
        if line.page_url and line.case_id:
            said = f"<{_entities(line.page_url)}|#{_label(line.case_id)}> {said.removeprefix(f'#{line.case_id} ')}"
        if line.url:
            said += f" · <{_entities(line.url)}|Open>"
        room -= len(json.dumps(said, ensure_ascii=False).encode()) + 20
        if room < 0 or len(said) > SECTION // _A_SECTION:
            break
        made.append(said)
    return made


def _named(entry: Entry, title: str) -> str:
    """The line below a single case: its number, which leads to its page, how urgent it is, and what the alert says."""
    number = f"#{_label(entry.case_id)}" if entry.case_id else ""
    page = wording.link(entry.page_url)
    linked = f"<{_entities(page)}|{number}>" if page and number else number
    hurry = entry.priority if entry.priority in {"critical", "urgent"} and entry.priority not in title else ""
    return " · ".join(part for part in (linked, hurry, escape(title, HEADER * 4)) if part)


def _label(text: str) -> str:
    """Words that may stand as the name of a link."""
    return escape(wording.excerpt(text, 40).replace("|", "/"))


def _entry(entry: Entry, presses: bool, *, single: bool) -> list[Block]:
    """One case: its lines, how it stands, and what can be done about it."""
    lines = wording.entry_lines(entry)
    standing = wording.excerpt(entry.standing, 200)
    if standing:
        lines = lines[:-1]
    body = _COLOURS.get(entry.priority, "") + "\n".join(lines)
    section = _section(escape(body.strip() or "(no words)"))
    about = [] if single else [_named(entry, "")]
    blocks = [section, *_marked_context([*(line for line in about if line), *([escape(standing)] if standing else [])])]
    row = _elements(entry, presses)
    if len(row) == 1 and "url" in row[0]:
        section["accessory"] = row[0]
    elif row:
        blocks.append({"type": "actions", "elements": row})
    return blocks


def _elements(entry: Entry, presses: bool) -> list[Block]:
    """The buttons of a case: what can be pressed, then the one link to answer."""
    elements: list[Block] = []
    options: list[tuple[str, str]] = []
    label, address = "", wording.link(entry.url) or wording.link(entry.page_url)
    for action in entry.actions[:20]:
        if action.verb in LINK_VERBS:
            label, address = action.label, wording.link(action.url) or address
        elif not presses or len(action.case_id) > LONGEST_ID:
            if target := wording.link(action.url):
                elements.append(_link_button(action.label, target, action.verb))
        elif ":" in action.verb and len(action.verb) <= LONGEST_ID:
            options.append((action.verb, action.label))
        else:
            elements.append(_pressed(action))
    if options:
        name = _NO_ANSWER if all(verb.partition(":")[2] in dict(REASONS) for verb, _ in options) else "More"
        case_id = entry.case_id
        elements.append(_menu("choose", name, [("", options)], case_id))
    if address:
        elements.append(_link_button(label or "Open", address, "open"))
    return elements[:25]


def _of_the_whole(alert: Alert, presses: bool) -> list[Block]:
    """The buttons below a message that speaks of no single case; where nothing can be pressed, those with a link."""
    found = [(action, wording.link(action.url)) for action in alert.actions[:10] if len(action.case_id) <= LONGEST_ID]
    if presses:
        buttons = [_pressed(action) for action, _ in found]
    else:
        buttons = [_link_button(action.label, target, action.verb) for action, target in found if target]
    if len({each["action_id"] for each in buttons}) == len(buttons):
        return [{"type": "actions", "elements": buttons}] if buttons else []
    return [{"type": "actions", "elements": [each]} for each in buttons]  # Slack wants ids that differ within a block


def _pressed(action: Action) -> Block:
    """One thing that can be pressed: a button, or a menu where the verb needs a second word."""
    if action.verb == "why":
        return _menu("why", action.label, [("", _WHY)], action.case_id)
    if action.verb == "more":
        return _menu("more", action.label or "More", _MORE, action.case_id)
    button = {
        "type": "button",
        "text": _plain(action.label or action.verb, 75),
        "action_id": f"earful:{action.verb}",
        "value": action.case_id,
    }
    if action.verb in {"take", "answered"}:
        button["style"] = "primary"
    if action.verb == "end":  # nothing brings it back
        button["confirm"] = {
            "title": _plain("End this incident?", 100),
            "text": _plain("Alerts that waited for it go out now. It can't be opened again.", 300),
            "confirm": _plain("End it", 30),
            "deny": _plain("Cancel", 30),
        }
    return button


def _menu(name: str, label: str, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]], case_id: str) -> Block:
    """A menu whose every choice carries its verb, its value and the case: "snooze:1h|12"."""
    grouped = [
        (title, [{"text": _plain(text, 75), "value": f"{verb}|{case_id}"} for verb, text in choices])
        for title, choices in groups
    ]
    menu: Block = {"type": "static_select", "action_id": f"earful:{name}", "placeholder": _plain(label, 75)}
    if len(grouped) == 1:
        return {**menu, "options": grouped[0][1]}
    return {**menu, "option_groups": [{"label": _plain(title, 75), "options": options} for title, options in grouped]}


def _link_button(label: str, address: str, verb: str) -> Block:
    return {"type": "button", "text": _plain(label, 75), "url": address, "action_id": f"earful:{verb}"}


def _plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": escape(wording.excerpt(text, limit), limit) or "-", "emoji": False}


def _header(text: str) -> Block:
    return {"type": "header", "text": _plain(text, HEADER)}


def _section(escaped: str) -> Block:
    return {"type": "section", "text": {"type": "plain_text", "text": escaped, "emoji": False}}


def _marked(escaped: str) -> Block:
    """A section whose links are ours: all else in it is escaped, and Slack makes nothing of it (`verbatim`)."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": escaped, "verbatim": True}}


def _marked_context(lines: list[str]) -> list[Block]:
    if not lines:
        return []
    text = " · ".join(lines)
    if len(text) > CONTEXT:  # never through the middle of a link
        text = escape(re.sub(r"<[^|>]*\|([^>]*)>", r"\1", text), CONTEXT)
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}]


def _size(blocks: list[Block]) -> int:
    return len(json.dumps(blocks, ensure_ascii=False).encode())


def _pings(people: tuple[str, ...]) -> str:
    """Mentions, from settings alone: a user "U…", a group "S…", "here" or "channel"; anything else is only a name."""
    spoken = []
    for person in people[:20]:
        name = person.lstrip("@!#")
        if re.fullmatch(r"[UW][A-Z0-9]{5,20}", name):
            spoken.append(f"<@{name}>")
        elif re.fullmatch(r"S[A-Z0-9]{5,20}", name):
            spoken.append(f"<!subteam^{name}>")
        elif name in {"here", "channel"}:
            spoken.append(f"<!{name}>")
        elif name:
            spoken.append(escape(wording.excerpt(name, 80)))
    return " ".join(spoken)
