"""The texts that `earful init`, `earful service` and `earful slack-manifest` fill in. `str.format` reads them."""

from __future__ import annotations

# What a demonstration of a live brand has besides.
QUICK = """
# A demonstration: one wants to see alerts at once, at any hour.
group_wait        = "5s"
edit_every        = "15s"
messages_per_hour = 100
quiet_start       = "00:00"
quiet_end         = "00:00"
"""

QUIET_OPERATOR = """operator = []    # a demonstration: the screen itself says which sources are not read
"""

INSTALLATION = """\
# Earful listens for {name} with this file. Every option, its default and its reason are in the settings.toml
# that comes with Earful. After a change: earful check, then earful reload.

[earful]
zone = {zone}
{operator}
[database]
url = "sqlite:earful.sqlite"    # beside this file

[[brands]]
name  = {name}
query = {query}
# Your own accounts, by source: that is how Earful sees that you have answered.
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
kind = "mastodon"    # reads the tags that the brand's words make

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

# --- How people are told ----------------------------------------------------------------------------------------------

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
to = []    # with mail: ["email:boss@example.org"]; until then `earful digest` prints it
"""

SLACK_STEPS = """\
1. Open https://api.slack.com/apps, press "Create New App", "From a manifest", choose the workspace, paste the JSON.
2. Press "Install to Workspace". "OAuth & Permissions" then shows the bot token (xoxb-...): token in [[channels]].
3. "Basic Information", "App-Level Tokens", "Generate": add the scope connections:write. The token (xapp-...) is
   app_token; with it buttons work without any public address (Socket Mode). A manifest cannot make this token.
4. In each channel that gets alerts: /invite @Earful
"""
