"""What every column holds, in one place: whether it speaks of the author of a post, and how long it is kept.

Forgetting works by this table: what is classed as words, author or derived of a row is emptied, and nothing else. So a
new column is either classed here, or a test fails.

    words     what people wrote, and what staff wrote about them
    author    who somebody is on a network, and whatever leads there: names, ids, addresses
    derived   made of their words: fingerprints, reasons, learned weights
    post_keys ids that are made of a network's id of a post: who knows that one can look whether the post is here. They
              stay, so that it stays known once; where somebody is erased, others take their place (post_keys.py)
    staff     who of the staff did something, in which words of ours; an author's erasure leaves it
    secret    hashes of passwords, of links and of tokens
    plain     times, counts, verdicts, settings, other keys of ours: nobody is known by it
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CASE = "as its posts: until retention, a deletion on the network, or an erasure"
SENT = "as its case; a letter to managers until somebody in it is forgotten"
RUNS = "while the source is read"
ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Classed:
    """One table: how long its rows speak of anybody, and its columns by what they hold."""

    kept: str
    words: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    post_keys: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()

    @property
    def personal(self) -> tuple[str, ...]:
        """The columns that forgetting empties."""
        return (*self.words, *self.author, *self.derived)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column."""
        return (*self.personal, *self.post_keys, *self.staff, *self.secret, *self.plain)


def _named(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TABLES: dict[str, Classed] = {
    "posts": Classed(
        CASE,
        words=_named("title text raw reply_text"),
        author=_named("native_id url author author_name author_id parent_id thread_id reach"),
        derived=_named("parted"),  # and the index of the search, which follows
        post_keys=_named("id"),
        plain=_named(
            "n source lang posted_at rating edited_at replied_at seen_at deleted_at purged_at search "
            "asked_at wanted_at pictures videos out_of"
        ),
    ),
    "mentions": Classed(
        CASE,
        author=_named("author"),
        derived=_named("reasons words churn"),
        post_keys=_named("id post_id"),
        plain=_named(
            "brand seen_at posted_at source sentiment label lane needs_answer flagged critical praise tags scorer "
            "language case_id suppressed corrected repeats"
        ),
    ),
    "heard": Classed(ALWAYS, plain=_named("brand hour source n negative known")),
    "competitor_mentions": Classed(
        CASE,
        author=_named("author"),
        post_keys=_named("post_id"),
        staff=_named("done_by"),
        plain=_named("competitor source posted_at seen_at label praise topic lead done_at"),
    ),
    "stories": Classed(
        CASE,
        author=_named("thread"),
        derived=_named("fingerprint band0 band1 band2 band3"),
        plain=_named("id brand source opened_at last_at doubled_at"),
    ),
    "cases": Classed(
        CASE,
        words=_named("wants waiting_on own_tags"),
        author=_named("thread author answer_url reach"),
        derived=_named("priority_reasons fingerprint"),
        staff=_named("owner owner_id acknowledged_by answered_by closed_by targets route"),
        plain=_named(
            "id n brand source lane priority opened_at first_posted_at last_posted_at story_id due_at asked_at "
            "resolve_due_at acknowledged_at answered_at sent_on closed_at outcome why snoozed_until waiting_until step "
            "next_step_at claim_expires_at chain quiet praise tags worst rating language reopened backdated mentions "
            "revision overdue_for held first_word_at need named named_at unread offered_at"
        ),
    ),
    "case_log": Classed(
        CASE,
        words=_named("detail"),  # of it stay what the figures are made of: forgetting.KEPT_OF_A_LINE
        staff=_named("who who_id"),
        plain=_named("n case_id at way what undone_at"),
    ),
    "read_marks": Classed(
        "until its case is closed; it marks what is new to whom, and no figure is made of it",
        staff=_named("who"),
        plain=_named("case_id at"),
    ),
    "deliveries": Classed(
        SENT,
        words=_named("payload reason"),
        staff=_named("target"),
        plain=_named(
            "id dedupe_key about story_id step channel action revision priority urgent due_at created_at attempts "
            "fence lease_until claimed_at state sent_at error receipt carrier thread_of plain first_tried_at "
            "told_elsewhere_at"
        ),
    ),
    "own_posts": Classed(
        CASE,
        words=_named("text reason"),
        author=_named("url parent_id parent_author thread_id"),
        derived=_named("words prompt_story"),
        staff=_named("author turned_by"),
        plain=_named("source native_id brand posted_at seen_at case_id automatic sent_on kind"),
    ),
    "replies": Classed(
        CASE,
        words=_named("text note"),
        author=_named("parent_id parent_url url"),
        derived=_named("mark drafted"),
        staff=_named("writer writer_id approver approver_id account"),
        plain=_named(
            "n id case_id source way state send_key native_id created_at changed_at pressed_at tries posted_at "
            "next_look_at taken_back_at"
        ),
    ),
    "issues": Classed(
        "as its case; the issue itself stands in the tracker",
        words=_named("title note"),
        staff=_named("who who_id url native_id"),
        plain=_named(
            "n id case_id problem tracker way state send_key said created_at changed_at next_look_at closed_at"
        ),
    ),
    "labels": Classed(
        "as its post; then it counts for nothing any more",
        post_keys=_named("mention_id"),
        staff=_named("who who_id"),
        plain=_named("n brand answer way at undone_at"),
    ),
    "models": Classed(
        "20 versions of each brand; those that knew words which are forgotten go with them",
        derived=_named("body"),
        plain=_named("n brand labels figures at undone_at"),
    ),
    "causes": Classed(
        "until it is deleted: a list of staff's own, which quotes nobody",
        staff=_named("name team words examples issue_url"),
        plain=_named("id brand days made_at merged_into gone_at"),
    ),
    "caused": Classed(
        ALWAYS, post_keys=_named("mention_id"), plain=_named("cause_id brand posted_at place by_staff")
    ),
    "cause_answers": Classed(
        "as its case; then it counts for nothing any more",
        staff=_named("who who_id"),
        plain=_named("n brand case_id causes before way at undone_at"),
    ),
    "cause_changes": Classed(
        ALWAYS, staff=_named("before after who who_id"), plain=_named("n brand cause_id what at undone_at")
    ),
    "problems": Classed(
        ALWAYS,
        staff=_named("owner owner_id fixed_by"),
        plain=_named("n brand cause_id opened_at first_at loud told_at told_people back_of joined fixed_at"),
    ),
    "problem_told": Classed(
        ALWAYS, post_keys=_named("mention_id"), staff=_named("who who_id"), plain=_named("problem at")
    ),
    "aside": Classed("as a post", words=_named("raw"), plain=_named("n source at reason")),
    "arrived": Classed(
        "until it is read, which is seconds; its hash for a day",
        words=("body",),
        plain=_named("n source hash at read_at"),
    ),
    "unjudged": Classed(
        "until it is judged, which is seconds; what nobody could judge as a post",
        words=("body",),
        plain=_named("n source at posts fence lease_until claims tries error aside_at"),
    ),
    "login_failures": Classed("an hour", plain=_named("n mark at")),  # of a name or an address, by a hash under a key
    "case_readers": Classed("two minutes", staff=_named("who name"), plain=_named("case_id until_at")),
    "leases": Classed("a day after it has ended", plain=_named("name holder fence since_at until_at")),
    "workers": Classed(
        "a day after its process ended without a word",
        secret=("secrets",),
        plain=_named("name host pid roles version since seen_at generation settings key_mark skew"),
    ),
    "mutes": Classed(
        "until it is taken back; whoever erases is told of one that stands",
        author=_named("value"),
        staff=_named("who"),
        plain=_named("n brand kind at until offered undone_at"),
    ),
    "presses": Classed(
        "30 days, to know a press that Slack tells twice; what was pressed goes when it is worked off",
        words=_named("body"),
        plain=_named("id at result"),
    ),
    "desk_changes": Classed(
        ALWAYS,
        author=_named("value before"),  # ignored authors stand in them
        staff=_named("who"),
        plain=_named("n key at undone_at"),
    ),
    "holds": Classed(
        ALWAYS, words=_named("ground"), staff=_named("who who_id ended_by"), plain=_named("n case_id at until ended_at")
    ),
    "sealed": Classed("until the hold ends, 90 days at most at a time", words=_named("body"), plain=_named("case_id")),
    "held_requests": Classed(
        "whom it names, until the hold ends",
        author=_named("names posts"),
        staff=_named("who who_id"),
        plain=_named("n case_id why way at done_at"),
    ),
    "forgotten": Classed(ALWAYS, plain=_named("hash what key_mark at")),  # under a key that lies elsewhere
    "erasures": Classed(ALWAYS, staff=_named("who"), plain=_named("n source way at posts cases")),
    "audit": Classed(
        "audit_retention: it serves security, and holds no words of posts",
        staff=_named("who who_id address about detail"),
        plain=_named("n at event way"),
    ),
    "sources": Classed(
        RUNS,
        staff=_named("paused_by"),
        plain=_named(
            "name kind next_due_at own_next_due_at last_read_at last_success_at last_new_at last_error last_error_at "
            "remedy failures failing_since refused announced_at quiet_announced_at paused_at quota_remaining "
            "quota_reset_at spent spent_month settings_mark talk_next_due_at"
        ),
    ),
    "walks": Classed(RUNS, plain=_named("source what cursor complete started_at saved_at")),
    "gaps": Classed(ALWAYS, plain=_named("n source start_at end_at reason noted_at")),
    "channels": Classed(
        "while the channel is used",
        plain=_named("name failures failing_since broken error remedy next_try_at announced_at last_sent_at"),
    ),
    "event_readers": Classed(
        "while settings name it", plain=_named("name failures error next_try_at lost_from lost_to lost_count")
    ),
    "events": Classed(
        "until it is taken; what is told is made of the case as it is then",
        staff=_named("who"),
        plain=_named("n id reader case_id name at why tries next_try_at"),
    ),
    "periods": Classed(ALWAYS, plain=_named("key at detail")),
    "facts": Classed(ALWAYS, plain=_named("key value at")),  # talk:SOURCE names conversations, while they are followed
    "users": Classed(
        ALWAYS,
        staff=_named("name role zone subject"),
        secret=_named("password factor recovery"),
        plain=_named("created_at disabled_at factor_step"),
    ),
    "absences": Classed(
        "30 days after they are back", staff=_named("person name said_by"), plain=_named("n since_at until_at")
    ),
    "sessions": Classed(
        "until it ends",
        staff=_named("name"),
        secret=_named("id csrf"),
        plain=_named("created_at seen_at expires_at proven_at way"),
    ),
    "tokens": Classed(
        "until it ends",
        staff=_named("name role owner"),
        secret=_named("id"),
        plain=_named("purpose created_at expires_at used_at"),
    ),
    "incidents": Classed(
        "its words and summary until fewer than three of its posts stand; its figures always",
        words=_named("summary"),
        derived=_named("words"),
        staff=_named("owner owner_id said_url ended_by"),
        plain=_named(
            "id n brand cause_id story_id kind start_at opened_at peak_at peak usual people mentions reach answered "
            "last_at said_publicly_at said_source told ended_at"
        ),
    ),
    "assistant_answers": Classed(
        "30 days; less if a post or a case that it was made of is forgotten",
        derived=_named("body"),  # without whoever was known: they are put back each time
        plain=_named("mark task at"),
    ),
    "assistant_about": Classed("as its answer", post_keys=_named("id"), plain=_named("mark what")),
    "assistant_days": Classed(ALWAYS, plain=_named("day answers failures tokens")),
    "incident_mentions": Classed("as its post", post_keys=_named("mention_id"), plain=_named("incident_id at")),
    "schema_steps": Classed(ALWAYS, plain=_named("n at hash")),
}  # fmt: skip

_DONE = "until it is done: a job is deleted when it ends"
# On PostgreSQL only, made by the library of jobs: names of ticks, sources and channels, and nothing that anybody wrote.
JOBS: dict[str, Classed] = {
    "procrastinate_jobs": Classed(
        _DONE,
        plain=_named(
            "id queue_name task_name priority lock queueing_lock args status scheduled_at attempts abort_requested "
            "worker_id"
        ),
    ),
    "procrastinate_events": Classed(_DONE, plain=_named("id job_id type at")),
    "procrastinate_periodic_defers": Classed(
        "until its next turn", plain=_named("id task_name defer_timestamp job_id periodic_id")
    ),
    "procrastinate_workers": Classed("half a minute after its process ended", plain=_named("id last_heartbeat")),
}

# What an emptied column holds where that is not the empty text.
_EMPTY = {
    **dict.fromkeys(("reasons", "churn", "priority_reasons"), "'[]'"),
    **dict.fromkeys(("payload", "detail"), "'{}'"),
    "mentions.words": "'[]'",
    "incidents.words": "'[]'",
    "fingerprint": "0",
    **dict.fromkeys(("band0", "band1", "band2", "band3"), "-1"),  # no text has it: nothing is like a forgotten story
    "reach": "NULL",
    "raw": "''",
}  # fmt: skip


def emptied(table: str, but: Iterable[str] = ()) -> str:
    """The assignments that empty the personal columns of a row."""
    columns = [column for column in TABLES[table].personal if column not in set(but)]
    return ", ".join(f"{each} = {_EMPTY.get(f'{table}.{each}', _EMPTY.get(each, repr('')))}" for each in columns)


def personal_tables() -> list[str]:
    """The tables that hold anything of authors, or say of which posts they speak."""
    return [name for name, table in TABLES.items() if table.personal or table.post_keys]
