"""Answering in public, where settings switch it on: one press of a person, for exactly one text.

`writers` loads what can write, `drafts` keeps what is not sent, `press` sends, `outcome` writes down what came of it,
`looking_up` finds out what nobody knows, `taking_back` deletes. Nothing in here runs by itself but the looking up,
which only reads.
"""
