"""How what is known reaches staff, and how their button presses come back.

`outbox` claims what is owed, `rendering` says it as values, `sender` sends it one channel at a time, `system_notices`
speaks to the operator, `interactions` takes presses in. Collecting and telling meet only in the database.
"""
