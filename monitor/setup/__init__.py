"""What an installation begins with: `earful init`, the systemd unit and Slack's manifest, and their templates."""
