"""The language of a brand's query: what it finds, what it leaves, and what it says when it cannot be read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.words import FEW
from monitor.text.query.matching import Queries, brands_in, wanted_by
from monitor.text.query.parsing import QueryError, parse
from monitor.text.query.subject import Subject, View
from monitor.text.query.terms import Term


def found(query: str, text: str, **rest: str) -> tuple[str, ...] | None:
    return parse(query).match(Subject(text, **rest))


@pytest.mark.parametrize(
    ("query", "text", "words"),
    [
        ("acme", "My ACME broke", ("ACME",)),
        ("acme", "#Acme broke", ("Acme",)),
        ("acme", "@acme broke", ("acme",)),
        ("acme", "Acme’s app broke", ("Acme",)),
        ("acme", "le colis d'Acme", ("d'Acme",)),
        ("acme", "il servizio dell'Acme", ("dell'Acme",)),
        ("acme", "scritto all’Acme ieri", ("all’Acme",)),
        ("acme", "un'Acme nuova", ("un'Acme",)),
        ("acme", "nell'Acme", ("nell'Acme",)),
        ("acme", "jusqu'Acme", ("jusqu'Acme",)),
        ("acme", "y'all'acme", None),
        ('"acme air"', "il banco dell'Acme Air", ("dell'Acme Air",)),
        ("acme", "acmeist poetry", None),
        ("acme", "acme_support wrote", None),
        ("acme*", "#AcmeFail", ("AcmeFail",)),
        ("acme*", "an acm", None),
        ("acme refund", "refund me, Acme", ("Acme", "refund")),
        ("acme AND refund", "acme only", None),
        ("acme OR tgt", "off to TGT", ("TGT",)),
        ("acme OR tgt", "acme, tgt", ("acme", "tgt")),
        ("acme -jobs", "acme jobs", None),
        ("acme NOT jobs", "acme jobs", None),
        ("acme NOT jobs", "acme job", ("acme",)),
        ("acme -(jobs OR hiring)", "acme hiring", None),
        ('"acme air"', "Acme  Air lost it", ("Acme  Air",)),
        ('"acme air"', "acme by air", None),
        ('"acme air"', "late again #AcmeAir", ("AcmeAir",)),
        ('"acme air"', "@acmeair’s desk", ("acmeair",)),
        ('"acme air"', "acmeair lost it", None),
        ('"acme air"', "mail x@acmeair.com", None),
        ('"acme air"', "#AcmeAirlines", None),
        ('"acme air*"', "#AcmeAirlines", ("AcmeAirlines",)),
        ('acme -"acme air"', "acme and #AcmeAir", None),
        ('"acme air" NEAR/2 late', "late: #AcmeAir", ("AcmeAir", "late")),
        ("Acme-Air", "#acmeair", ("acmeair",)),
        ("7-Eleven", "#7Eleven", ("7Eleven",)),
        ('="The Gap"', "#TheGap", ("TheGap",)),
        ('="The Gap"', "#thegap", None),
        ('"acme air*"', "the acme airlines app", ("acme airlines",)),
        ("“acme air”", "acme air", ("acme air",)),
        ("(acme OR tgt) store", "the TGT store", ("TGT", "store")),
        ("acme OR tgt store", "acme", ("acme",)),
        ("=Target", "on target", None),
        ("=Target", "at Target's till", ("Target",)),
        ('case:"The Gap"', "mind the gap", None),
        ('="The Gap"', "in The Gap", ("The Gap",)),
        ("acme NEAR/3 refund", "refund from my acme", ("acme", "refund")),
        ("acme NEAR/3 refund", "refund of a pair of acme", None),
        ("acme NEAR/1 (refund OR money)", "my money acme", ("acme", "money")),
        ("@acme", "mail x@acme.com", None),
        ("@acme", "(@ACME) please", ("ACME",)),
        ("#acme", "acme", None),
        ("#acme", "so #acme", ("acme",)),
        ("AT&T", "at t-shirt", None),
        ("AT&T", "love at&t.", ("at&t",)),
        ("C++", "C is old", None),
        ("C++", "c++ is too", ("c++",)),
        ("coca-cola", "Coca Cola", ("Coca Cola",)),
        ("nestle", "Nestlé", ("Nestlé",)),
        ("Nestlé", "NESTLE", ("NESTLE",)),
        ("mcdonald's", "McDonalds", ("McDonalds",)),
        ("mcdonalds", "McDonald’s", ("McDonald",)),
        ("アクメ", "アクメのアプリが落ちる", ("アクメ",)),
        ("ห้าง", "ไปห้างมา", ("ห้าง",)),
        ("🍎", "my 🍎 broke", ("🍎",)),
        ("acme", "Ac\u200bme", ("Acme",)),
        ("acme", "\u202eＡＣＭＥ", ("ＡＣＭＥ",)),
        ("acme", "Аcme with a Cyrillic first letter", ("Аcme",)),
        ("acme", "ⓐⓒⓜⓔ", ("ⓐⓒⓜⓔ",)),
        ("мир", "Мир труд", ("Мир",)),
        ("straße", "STRASSE", ("STRASSE",)),
        # Beside letters of scripts that are written without spaces, or glue words to a name.
        ("acme", "昨日acmeを買った", ("acme",)),
        ("acme", "Acmeさん、返事がない", ("Acme",)),
        ("acme", "ｱｸﾒとacmeﾃﾞｽ", ("acme",)),
        ("acme", "人々acmeの話", ("acme",)),
        ("acme", "我的acme坏了", ("acme",)),
        ("acme", "ＡＣＭＥ的客服不回复", ("ＡＣＭＥ",)),
        ("acme", "acme는 별로, Acme에서 환불 안 해줌", ("acme",)),
        ("acme", "แอปacmeเข้าไม่ได้", ("acme",)),
        ("acme", "ແອັບacmeເປີດບໍ່ໄດ້", ("acme",)),
        ("acme", "កម្មវិធីacmeខូច", ("acme",)),
        ("acme", "လိုင်းacmeမရဘူး", ("acme",)),
        ("acme", "خدمة الacme سيئة", ("acme",)),
        ("acme", "האפליקציה של הacme נפלה", ("acme",)),
        ("acme", "acmeका ऐप बंद है", ("acme",)),
        ("acme", "acme’s、返金して", ("acme",)),
        ('"acme air"', "昨日Acme Airに乗った", ("Acme Air",)),
        ("#acme", "#acme最悪", ("acme",)),
        ("@acme", "@acmeさん早くして", ("acme",)),
        ("=LINE", "LINEで送れない", ("LINE",)),
        ("=LINE", "lineで送れない", None),
        ("acme*", "AcmeAirの遅延", ("AcmeAir",)),
        ("acme NEAR/3 refund", "acmeのrefundはまだ", ("acme", "refund")),
        ("acme", "macmeの店", None),
        ("acme", "acme2の店", None),
        ("أكمي", "الأكمي مغلق", None),
        ("ソニーPlay", "新しいソニーPlayは高い", ("ソニーPlay",)),
        ("ソニーPlay", "ソニーPlayerは高い", None),
        # Signs that belong to a name.
        ('"E*TRADE"', "why is e*trade down", ("e*trade",)),
        ('"E*TRADE"', "etrade is down", None),
        ('"M*A*S*H"', "the M*A*S*H app", ("M*A*S*H",)),
        ('="E*TRADE"', "E*Trade is down", None),
        (".NET", ".NET is down", (".NET",)),
        (".NET", "we use (.net) here", (".net",)),
        (".NET", "the net is full", None),
        (".NET", "write to me@example.net", None),
        ('".NET Core"', "in .NET  Core again", (".NET Core",)),
        ("!K7", "new on !K7 today", ("!K7",)),
        ("!K7", "the K7 race", None),
        ("P!nk", "p!nk tickets", ("p!nk",)),
        ("C#", "my C# build", ("C#",)),
        ("C#", "a C in maths", None),
        ("C++", "C++が動かない", ("C++",)),
        ("Disney+", "disney+ froze", ("disney+",)),
        ("Disney+", "disney froze", None),
        ("AT&T", "AT&amp;T cut me off", ("AT&T",)),
        ('"B&Q"', "B&amp;Q’s till", ("B&Q",)),
        ("acme", "Acme™ kettle", ("Acme",)),
        ("acme", "Acme® kettle", ("Acme",)),
        ("Acme™", "the acme kettle", ("acme",)),
        ("Yahoo!", "yahoo mail", ("yahoo",)),
        ("¡Hola!", "compro Hola", ("Hola",)),
    ],
)
def test_a_query_finds_these_words_and_only_these(query: str, text: str, words: tuple[str, ...] | None) -> None:
    assert found(query, text) == words


def test_a_word_buried_in_accents_is_still_found() -> None:
    assert found("acme", "a\u0301\u0323cme" + "\u0301" * 5_000 + " broke") is not None


def test_the_title_counts_but_no_phrase_runs_from_title_into_text() -> None:
    assert found("acme", "is down", title="Acme app") == ("Acme",)
    assert found('"acme app"', "app is down", title="my acme") is None
    assert found('"app is"', "my app is down", title="my acme") == ("app is",)


@pytest.mark.parametrize(
    ("query", "rest", "matches"),
    [
        ("x author:bob", {"author": "@Bob"}, True),
        ("x author:bob", {"author": "bobby"}, False),
        ("x author:bob*", {"author": "bobby"}, True),
        ("x -author:acme_jobs", {"author": "acme_jobs"}, False),
        ('x author:"Bob Smith"', {"author": "bob smith"}, True),
        ("x source:reddit", {"source": "Reddit"}, True),
        ("x lang:en", {"lang": "en-GB"}, True),
        ("x lang:en", {"lang": "eng"}, False),
        ("x domain:example.com", {"url": "https://news.example.com/1"}, True),
        ("x domain:example.com", {"url": "https://badexample.com/example.com"}, False),
    ],
)
def test_fields_narrow_a_query(query: str, rest: dict[str, str], matches: bool) -> None:
    assert (found(query, "x", **rest) is not None) is matches


def test_a_domain_is_also_looked_for_in_the_links_of_the_text() -> None:
    assert found("x domain:example.com", "x https://shop.example.com/a") == ("x",)


@pytest.mark.parametrize(
    ("query", "position", "says"),
    [
        ("", 1, "empty"),
        ("  ", 1, "empty"),
        ("(acme", 1, "not closed"),
        ("acme)", 5, "closes nothing"),
        ("acme ()", 7, "expected"),
        ('acme "air', 6, "not closed"),
        ("acme OR", 8, "ends"),
        ("acme OR OR x", 9, "expected"),
        ("acme or x", 6, "OR in capitals"),
        ("acme AND", 9, "ends"),
        ("colour:red acme", 1, "author:"),
        ("acme author:", 6, "before nothing"),
        ("-acme", 1, "without any word"),
        ("acme OR -x", 1, "without any word"),
        ("lang:en", 1, "without any word"),
        ("acme OR lang:en", 1, "without any word"),
        ("a*", 1, "two letters"),
        ("ac*me", 1, 'in quotes: "ac*me"'),
        ("=acme*", 2, "leave one"),
        ("acme && x", 6, "no letter"),
        ("acme NEAR/0 x", 6, "NEAR/1 to"),
        ("acme NEAR/101 x", 6, "NEAR/1 to"),
        ("acme NEAR/5", 12, "ends"),
        ("acme NEAR/5 (x y)", 13, "two sides"),
        ("a NEAR/5 b NEAR/5 c", 12, "joins two"),
        ("アクメ NEAR/2 x", 1, "AND"),
        ("(" * 51 + "a" + ")" * 51, 51, "50 levels"),
        ("x" * 2001, 2000, "2001 characters"),
        (" ".join(['"' + "a " * 21 + '"']), 1, "20 words"),
    ],
)
def test_a_query_that_cannot_be_read_says_where_and_what_to_write(query: str, position: int, says: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert caught.value.position == position
    assert says in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("query", "text", "matches"),
    [
        ("C&A", "the coat from C & A is torn", True),
        ("C&A", "the coat from C &amp; A is torn", True),
        ("C&A OR clamda", "torn, C &A", True),
        ('"C & A"', "the coat from C&A is torn", True),
        ('"Ben & Jerry\'s"', "my Ben&Jerry’s melted", True),
        ("Marks&Spencer", "Marks & Spencer sent the wrong size", True),
        ("C&A", "vitamin C and A", False),
        ("C&A", "ABC & ABBA", False),
        ("C&A", "C - A", False),
        ("=C&A", "C & A", False),
    ],
)
def test_a_name_with_an_and_sign_is_found_with_space_around_it_and_without(
    query: str, text: str, matches: bool
) -> None:
    found = parse(query)
    assert (found.match(Subject(text)) is not None) == matches
    assert wanted_by([found])(text) or not matches


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("acme", ("acme",)),
        ('Acme OR "Acme Air" OR #acmefail OR @acme', ("Acme", "Acme Air", "#acmefail", "@acme")),
        ('(acme OR "acme corp") (refund OR broken OR late) -jobs', ("acme", "acme corp")),
        ("=Target lang:en", ("Target",)),
        ("acme* -x", ("acme",)),
        ("acme NEAR/3 (refund OR money)", ("acme",)),
        ("acme lang:en OR tgt lang:de", ("acme", "tgt")),
        ('"E*TRADE" OR .NET', ("E*TRADE", ".NET")),
    ],
)
def test_a_source_is_asked_for_the_fewest_words_that_every_match_holds(query: str, terms: tuple[str, ...]) -> None:
    assert parse(query).terms() == terms


@pytest.mark.parametrize(
    ("query", "brand", "names"),
    [
        ("(target OR tgt) store", "Target", ("target", "tgt")),
        ("store (target OR tgt)", "Target", ("target", "tgt")),
        ("(target OR tgt) store", "Target Stores", ("target", "tgt")),
        ("(target OR tgt) NEAR/5 store", "Target", ("target", "tgt")),
        ('("l\'oreal paris" OR loreal) shampoo', "L’Oréal", ("l'oreal paris", "loreal")),
        ("acme (refund OR broken OR late) -jobs", "Acme", ("acme",)),
        ("(@acme OR acme) app OR tgt", "Acme", ("@acme", "acme", "tgt")),
        ("(one OR two) store", "Something Else", ("store",)),
    ],
)
def test_of_words_that_stand_together_those_like_the_brands_name_are_its_names(
    query: str, brand: str, names: tuple[str, ...]
) -> None:
    assert parse(query).names(brand) == names


def test_one_post_may_be_about_several_brands() -> None:
    queries = {"Acme": parse("acme"), "Target": parse("=Target OR tgt"), "Gap": parse('"the gap"')}
    assert brands_in(Subject("Acme is better than Target"), queries) == {"Acme": ("Acme",), "Target": ("Target",)}
    assert brands_in(Subject("nothing here"), queries) == {}


WORDS = ("acme", "air", "refund", "late", "Target", "über", "AT&T", "アクメ")
_terms = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(['"acme air"', "ref*", "=Target", '="acme air"', "#acme", "@acme", '"or"', "l'acme"]),
)
_fields = st.sampled_from(["lang:en", "source:x", 'author:"bob s"', "domain:example.com"])
_expressions = st.recursive(
    _terms | _fields | st.builds("{} NEAR/2 {}".format, st.sampled_from(WORDS[:4]), st.sampled_from(WORDS[:4])),
    lambda inner: st.one_of(
        st.builds("({} OR {})".format, inner, inner),
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} {})".format, inner, inner),
        st.builds("-({})".format, inner),
        st.builds("NOT {}".format, inner),
    ),
    max_leaves=8,
)
_texts = st.one_of(
    st.lists(st.sampled_from([*WORDS, "acme's", "#acme", "@acme", "the", "or", ".", "\u200b"]), max_size=8).map(
        " ".join
    ),
    st.text(max_size=60),
)
_subjects = st.builds(
    Subject,
    _texts,
    _texts,
    st.sampled_from(["bob s", ""]),
    st.sampled_from(["x", ""]),
    st.sampled_from(["en", ""]),
    _texts,
)


@given(_expressions)
def test_a_query_written_out_and_read_again_is_the_same_query(expression: str) -> None:
    query = parse(f"acme OR ({expression})" if _anchored(expression) else f"acme ({expression})")
    again = parse(str(query))
    assert again == query
    assert str(again) == str(query)
    assert again.terms() == query.terms()


def _anchored(expression: str) -> bool:
    try:
        parse(expression)
    except QueryError:
        return False
    return True


@given(
    st.text(alphabet=st.sampled_from(list("ab()-\"*:=@#'&/NEAROT12 \u3042\u0301\u200b\ud800|.")), max_size=40)
    | st.text()
)
def test_reading_a_query_raises_nothing_but_its_own_error(text: str) -> None:
    try:
        query = parse(text)
    except QueryError:
        return
    assert parse(str(query)) == query
    assert query.terms()
    query.match(Subject(text))


@given(_expressions, _subjects)
def test_not_turns_a_query_round(expression: str, subject: Subject) -> None:
    """Beside a word that always stands in the text, a query or its opposite matches, never both."""
    here = Subject(f"{subject.text} anchor", subject.title, subject.author, subject.source, subject.lang, subject.url)
    holds = parse(f"anchor ({expression})").match(here)
    holds_not = parse(f"anchor -({expression})").match(here)
    assert (holds is None) is not (holds_not is None)


@given(_expressions, _expressions, _subjects)
def test_and_needs_both_and_or_needs_either(left: str, right: str, subject: Subject) -> None:
    here = Subject(f"{subject.text} anchor", subject.title, subject.author, subject.source, subject.lang, subject.url)

    def holds(expression: str) -> bool:
        return parse(f"anchor ({expression})").match(here) is not None

    assert holds(f"({left}) AND ({right})") is (holds(left) and holds(right))
    assert holds(f"({left}) OR ({right})") is (holds(left) or holds(right))


@given(_subjects)
def test_a_match_names_words_and_holds_one_of_the_terms(subject: Subject) -> None:
    query = parse('acme (refund OR late OR air) OR "target" OR アクメ')
    words = query.match(subject)
    if words is not None:
        assert words
        assert all(isinstance(word, str) and word for word in words)


@given(st.text(max_size=80) | st.text(alphabet="acme' _\u2019\u0301\u0903é-l's", max_size=40))
def test_the_quick_way_and_the_thorough_way_agree(text: str) -> None:
    """A plain word is looked for without cutting the text into words; cutting it must give the same answer."""
    for sample in (text, f"{text[:5]}acme{text[5:]}", f"{text} ACME {text}"):
        query, view = parse("acme"), View(Subject(sample))
        assert isinstance(query.root, Term)
        assert (query.match(Subject(sample)) is not None) is bool(query.root.places(view))


_dressed = st.sampled_from(
    ["ＡＣＭＥ", "ac\u200bme", "\u0410cme", "acmé", "Acme\u2122", "AT&amp;T", "最アクメ最", "aır", "l\u2019acme"]
)
_many = st.lists(_expressions, min_size=1, max_size=12)
OTHERS = tuple(f"brand{number}" for number in range(FEW + 1))  # so that there are enough for the automaton


@given(_many, _subjects, st.lists(_dressed | st.sampled_from(WORDS), max_size=6))
def test_queries_asked_together_answer_as_each_by_itself(
    expressions: list[str], subject: Subject, words: list[str]
) -> None:
    """The same brands in the same order with the same words, whatever the queries and the text."""
    here = replace(subject, text=f"{subject.text} {' '.join(words)}")
    each = {f"{number}": parse(f"acme ({one})") for number, one in enumerate(expressions)}
    each |= {f"{number} alone": parse(one) for number, one in enumerate(expressions) if _anchored(one)}
    each |= {name: parse(name) for name in OTHERS}
    found = brands_in(here, each)
    assert list(brands_in(here, Queries(each)).items()) == list(found.items())
    said = wanted_by(each.values())(f"{here.text}\n{here.title}")
    assert said or not found, "what a query matches is never left out before"


def test_of_many_queries_only_those_are_asked_of_which_a_word_is_there() -> None:
    queries = Queries({f"b{number}": parse(f"name{number:05} OR (acme{number:05} air)") for number in range(2_000)})
    view = View(Subject("ACME00007 and näme01999, which holds name0199 as well"))
    assert [brand for brand, _ in queries.among(view)] == ["b7", "b1999"]
    assert brands_in(Subject("acme00003 air"), queries) == {"b3": ("acme00003", "air")}
    assert queries.among(View(Subject("nothing here"))) == []
    phrases = Queries({f"b{number}": parse(f'"monday name{number:05}"') for number in range(100)})
    assert [brand for brand, _ in phrases.among(View(Subject("name00042 on Monday")))] == ["b42"], "all its words"


def test_hostile_lengths_are_matched_in_part() -> None:
    """The beginning and the end of a huge post are looked at."""
    for filler in ("a", "a ", "😀", "Аcmo ", "\u0301\u0323", "\ud800"):
        text = "acme " + filler * (1_000_000 // len(filler)) + " refund"
        assert parse("acme refund").match(Subject(text)) == ("acme", "refund")
        assert parse('"a a a a a a a a a b" OR a NEAR/100 b OR zz*').match(Subject(text)) is None
