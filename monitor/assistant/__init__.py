"""What a language model of your own may help with: drafts, translation, questions. Off until [assistant] says where.

The shape, for whoever adds a task:

    class Translated(BaseModel, extra="forbid"):               # what must come back; pydantic checks it
        sentences: list[str]

    data = Data(
        blocks=(Block("post", post.text),),                    # what others wrote: data, never instructions
        people=assistant.people_of([post]),                    # who is taken out of it before, and put back after
        posts=(post_id,), cases=(case_id,),                    # forgotten with these: the answer that is kept
    )
    found = assistant.ask("translate", "Translate the post into German.", data, Translated, now=now)
    if isinstance(found, Unavailable):
        return found.words                                     # a sentence for a person; nothing else changes
    found.value.sentences                                      # a checked Translated, with the names put back

`answers` asks (budget, cache, checks of shape), `redaction` takes people out and puts them back, `blocks` fences what
others wrote, `client` speaks to the server. What an answer must not say is each task's own matter: it checks
`found.value` by code of ours before anybody sees it, and never acts on it. Nothing here raises for a server that is
slow, dead or wrong, and nothing here posts, writes to a case or reads the clock.
"""
