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
# Earful listens for {name} with this file. Every option, its default and its reason stand in the settings.toml
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
answerable  = false    # nobody answers a newspaper: listed for your information

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

UNIT = """\
# Four commands install it (secrets as NAME=VALUE lines in earful.env beside the settings, mode 0600):
#   {command} | sudo tee /etc/systemd/system/earful.service
#   sudo systemctl daemon-reload
#   sudo systemctl enable --now earful
#   systemctl status earful        (and its log: journalctl -fu earful)

[Unit]
Description=Earful: hears every complaint, and keeps at it until somebody has answered
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={start}
ExecReload=/bin/kill -HUP $MAINPID
User={user}
WorkingDirectory={folder}
EnvironmentFile=-{environment}

# It says every minute that it is well; silence, and it is started anew. Unsound settings (78) need a person.
WatchdogSec=60
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=78
TimeoutStartSec=60
TimeoutStopSec=30

# It reads foreign words all day: it may write in its own folder, and do nothing else.
ReadWritePaths={written}
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077
MemoryMax=768M
TasksMax=128
LimitNOFILE=4096

[Install]
WantedBy=multi-user.target
"""

SLACK_STEPS = """\
1. Open https://api.slack.com/apps, press "Create New App", "From a manifest", choose the workspace, paste the JSON.
2. Press "Install to Workspace". "OAuth & Permissions" then shows the bot token (xoxb-...): token in [[channels]].
3. "Basic Information", "App-Level Tokens", "Generate": add the scope connections:write. The token (xapp-...) is
   app_token; with it buttons work without any public address (Socket Mode). A manifest cannot make this token.
4. In each channel that gets alerts: /invite @Earful
"""
