"""Feeds: `connector` fetches them, `parsing` reads their bytes in a child process, `entries` makes posts of the rest.

`wording` keeps the words of the person and drops what the site's program wrote around them; `identity` tells which
entries are one post, whatever their ids say. This file imports nothing: the child process has to start quickly.
"""
