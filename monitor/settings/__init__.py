"""What the operator writes in settings.toml, and what a care lead changes on the page: read, checked, and asked.

`models` holds the frozen tables, `loading` reads a file into them, `checks` finds what spans tables, `errors` says what
is wrong with a file, `secrets` fills in what stands elsewhere, `overrides` lays the page's changes over the file's, and
`rules` answers questions: which channel, which target, which hours, who is on duty.
"""
