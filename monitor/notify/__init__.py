"""How what is known reaches staff, and how their button presses come back.

`outbox` claims what is owed, `gathering` asks the measure of noise what of it leaves in which message, `rendering` says
it as values, `sender` sends it one channel at a time, and `repeats` says how often what may have arrived is sent again.
`event_sender` tells programs, `system_notices` speaks to the operator, `listening` hears presses over Slack's
sockets, `interactions` works them off. Collecting and telling meet only in the database.
"""
