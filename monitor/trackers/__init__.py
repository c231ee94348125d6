"""A case or a problem as an issue in GitHub or Jira: created by one press, followed until it is closed there.

`clients` loads what settings name, `prefill` writes what the form begins with, `creating` is the press, `following`
looks up what nobody knows and asks how issues stand, `closing` says what follows. Nothing in here creates anything by
itself: what runs by itself only asks.
"""
