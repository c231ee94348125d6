"""The texts that `earful init`, `earful service` and `earful slack-manifest` fill in. `str.format` reads them."""

from __future__ import annotations

# What a demonstration of a live brand has besides.
QUICK = """
# For the demo: alerts at once, at any hour.
group_wait        = "5s"
edit_every        = "15s"
messages_per_hour = 100
quiet_start       = "00:00"
quiet_end         = "00:00"
"""

QUIET_OPERATOR = """operator = []    # for the demo: the screen shows which sources can't be read
"""

INSTALLATION = """\
# Earful's settings for {name}. Every option, with its default and the reason for it, is in the settings.toml
# that comes with Earful. After a change: earful check, then earful reload.

[earful]
zone = {zone}
{operator}
[database]
url = "sqlite:earful.sqlite"    # beside this file

[[brands]]
name  = {name}
query = {query}
# Your own accounts per source; a reply from one of them stops the clock.
#accounts = {{ mastodon = ["@you@example.social"], x = ["you"] }}

# --- Sources that need no key -----------------------------------------------------------------------------------------

[[sources]]
name = "hackernews"
kind = "hackernews"

[[sources]]
name        = "news"
kind        = "rss"
google_news = true
answerable  = false    # news needs no reply: listed only, no deadline

[[sources]]
name = "mastodon"
kind = "mastodon"    # reads hashtags made from the query's words

[[sources]]
name = "bluesky"
kind = "bluesky"

# --- Sources that need a key: remove the # and set the secret ---------------------------------------------------------

#[[sources]]
#name         = "x"
#kind         = "x"
#bearer_token = {{ env = "X_BEARER_TOKEN" }}

#[[sources]]
#name          = "reddit"
#kind          = "reddit"
#client_id     = {{ env = "REDDIT_CLIENT_ID" }}
#client_secret = {{ env = "REDDIT_CLIENT_SECRET" }}

# --- How people are alerted -------------------------------------------------------------------------------------------

[[channels]]
name = "console"
kind = "console"

#[[channels]]
#name      = "slack"
#kind      = "slack"
#token     = {{ env = "SLACK_TOKEN" }}
#app_token = {{ env = "SLACK_APP_TOKEN" }}

#[[channels]]
#name     = "email"
#kind     = "email"
#host     = "smtp.example.org"
#sender   = "earful@example.org"
#username = {{ env = "SMTP_USERNAME" }}
#password = {{ env = "SMTP_PASSWORD" }}

[alerts]
notify = ["console"]    # with Slack: ["slack:#care"]
{quick}
[desk]
hours = {hours}

[digest]
to = []    # with mail: ["email:boss@example.org"]; until then, `earful digest` prints it
"""

SLACK_STEPS = """\
1. Open https://api.slack.com/apps, press "Create New App", "From a manifest", choose the workspace, paste the JSON.
2. Press "Install to Workspace". "OAuth & Permissions" now shows the bot token (xoxb-...): set it as token.
3. "Basic Information", "App-Level Tokens", "Generate": add the scope connections:write. Set that token (xapp-...)
   as app_token, so that buttons work without a public address (Socket Mode). A manifest can't create it.
4. In each channel that gets alerts: /invite @Earful
"""
