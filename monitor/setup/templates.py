"""The texts that `earful init`, `earful service` and `earful slack-manifest` fill in. `str.format` reads them."""

from __future__ import annotations

# What a demonstration of a live brand has besides.
QUICK = """
# For the demo: alerts at once, at any hour.
group_wait        = "5s"
edit_every        = "15s"
messages_per_hour = 100
"""

QUIET_OPERATOR = """operator = []    # for the demo: the screen shows which sources can't be read
"""

# Every line below is counted: what `init` writes has at most 25 lines for one person and 40 for a team. What can be
# known or has a good default is not in it, and the pages of docs/ say how to add the rest.
HEAD = """\
# Earful's settings for {name}. After a change: earful check, then earful reload. Every option: Earful's settings.toml.
"""
# With a line for the trade, the first two lines of one person's file are one.
HEAD_OF_ONE = """\
[earful]    # After a change: earful check, then earful reload. Every option: Earful's settings.toml.
"""
_BRAND = """\
[[brands]]
name  = {name}
query = {query}{trade}
#accounts = {{ mastodon = ["@you@example.social"] }}    # your own, per source: a reply from one of them stops the clock
"""
_SOURCES = """\
[[sources]]
kind = "hackernews"
[[sources]]
kind = "mastodon"    # hashtags made from the query's words
[[sources]]
kind = "bluesky"
[[sources]]
name = "news"
"""
ONE = (
    "{head}"
    """\
zone = {zone}
"""
    + _BRAND
    + _SOURCES
    + """\
kind = "rss"         # Google News. More sources: earful add
{channel}[[people]]
name = {person}
[desk]    # when you may be called; response clocks run then
hours = {hours}
"""
)

CONSOLE = """\
[[channels]]
kind = "console"     # or your phone: docs/connect-ntfy.md
"""

NTFY = """\
[[channels]]
name  = "ntfy"
kind  = "apprise"
url   = {{ env = "NTFY_URL" }}    # in earful.env
wakes = true
"""

TEAM = (
    HEAD
    + """
[earful]
zone = {zone}
{operator}
"""
    + _BRAND
    + """
# These sources need no key. X, Reddit and more: earful sources lists them, earful add adds one.
"""
    + _SOURCES
    + """\
kind = "rss"         # Google News: listed only, since news needs no reply

[[channels]]
kind = "console"
{slack}
[alerts]
notify = ["console"]    # with Slack: ["slack:#care"]; for mail see docs/connect-mail.md
{quick}
{people}[desk]
hours = {hours}
"""
)

SLACK = """\
#[[channels]]
#kind      = "slack"    # docs/connect-slack.md
#token     = { env = "SLACK_TOKEN" }
#app_token = { env = "SLACK_APP_TOKEN" }
"""

# Whoever is not in this list can still press buttons in Slack or log in to the page; people in it can be called.
PEOPLE = """\
#[[people]]             # one table for each person
#name   = "Ana"
#email  = "ana@example.org"
"""
SHIFTS = """\
#shifts = [{ days = ["mon", "tue", "wed"], start = "09:00", end = "17:00" }]
"""

SLACK_STEPS = """\
1. Open https://api.slack.com/apps, press "Create New App", "From a manifest", choose the workspace, paste the JSON.
2. Press "Install to Workspace". "OAuth & Permissions" now shows the bot token (xoxb-...): set it as token.
3. "Basic Information", "App-Level Tokens", "Generate": add the scope connections:write. Set that token (xapp-...)
   as app_token, so that buttons work without a public address (Socket Mode). A manifest can't create it.
4. In each channel that gets alerts: /invite @Earful
"""
