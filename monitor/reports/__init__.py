"""What managers read: figures of a span, how long people waited, and the weekly letter.

`response_times` reads waits from the cases' logs, `statistics` makes figures of them, `formatting` says them in words,
`digest` is the letter.
"""
