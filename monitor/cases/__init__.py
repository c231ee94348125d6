"""What one person answers: which case a post joins, what people say of it, and who is called when nobody comes.

`assignment` finds the case, `opening` opens it or lets it grow, `grouping` knows which cases share one message,
`actions` is all that a person or a reply can do to it, `verbs` what each of that changes, `showing` has the messages
edited that show it, `brand_replies` sees our own answers, `escalation` calls people until somebody has it. The pure
rules (priorities, clocks) are in `alerts.case_policy` and `alerts.hours`.
"""
