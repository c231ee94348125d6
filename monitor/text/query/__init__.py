"""The language in which a brand's query is written, and the matching of posts against it.

    acme                    the whole word, in any case, with or without accents; also #acme, @acme and acme's
    acme refund             both (AND is understood between neighbours)
    acme OR "acme air"      either; a phrase stands in quotes, and is found as #AcmeAir and @acmeair, too
    target -shooting        without the word; NOT shooting is the same
    (target OR tgt) store   parentheses group
    acme*                   words that begin so, #AcmeFail among them
    =Target                 exactly so spelled; case:Target is the same
    acme NEAR/5 refund      at most five words apart, in either order
    @acme  #acme            only the handle, only the tag
    author:bob  source:reddit  lang:en  domain:example.com

Operators are in capitals. Every match must hold at least one word that a source can be asked for, so a query made of
NOT and fields alone is refused. Words of scripts written without spaces (Japanese, Chinese, Thai, Korean particles)
match anywhere inside the text, and a Latin name glued to them is a word of its own ("acmeのケトル"). A term with a sign
of its own (AT&T, C++, .NET) matches with that sign; a name that holds a star stands in quotes: "E*TRADE".

No regular expression is made from what a person wrote. The queries of many brands are looked for at once, by one
automaton of their words (`matching.Queries`).

`subject.py` makes a post ready to be asked, `terms.py` looks for words in it, `matching.py` joins what was found to the
answer of a whole query, `parsing.py` reads what a person wrote and says where it goes wrong.
"""
