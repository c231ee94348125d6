"""The words of the person who wrote an entry, without what the site's program wrote around them.

Boilerplate names people, forums and the site itself: heard as words, a user called "acme_fan" would be a mention. Only
what stands at an entry's very end or beginning, in a form that programs write, is dropped. All patterns are bounded.
"""

from __future__ import annotations

import html
import re

from connectors.text import plain

_TAIL = 400  # characters at the end in which one piece of boilerplate may stand
_LONGEST_ALT = 300
_SHORTEST_TITLE = 12  # characters: a shorter one may well stand in what a person writes

_IMAGE = re.compile(r"""<img\b[^<>]*?\balt\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')[^<>]*>""", re.IGNORECASE)
_LAST_LINK = re.compile(
    r"""<(p|div)\b[^<>]*>\s*<a\b[^<>]*?href\s*=\s*["']([^"'<>]*)["'][^<>]*>[^<>]{1,80}</a>\s*</\1>\s*$""", re.IGNORECASE
)
_SUBMITTED = re.compile(
    r"(?:^|\s)submitted by\s+/?u/\S+(?:\s+to\s+/?r/\S+)?(?:\s+\[link\])?(?:\s+\[(?:\d+\s+)?comments?\])?\s*$", re.I
)
# One line or paragraph at the end, whole.
_ENDINGS = re.compile(
    "|".join(
        (
            # WordPress: "The post X appeared first on Y.", as its translations say it
            r"the post .{1,300} (?:appeared first|first appeared) on .{1,100}",
            r"(?:der )?beitrag .{1,300} erschien zuerst (?:auf|bei) .{1,100}",
            r"l.article .{1,300} est apparu en premier sur .{1,100}",
            r"la entrada .{1,300} (?:se publicó primero|aparece primero|apareció primero|se publicó antes) en .{1,100}",
            r"l.articolo .{1,300} proviene da .{1,100}",
            r"o post .{1,300} apareceu primeiro em .{1,100}",
            r"het bericht .{1,300} verscheen eerst op .{1,100}",
            r"artykuł .{1,300} pochodzi z serwisu .{1,100}",
            r"inlägget .{1,300} dök först upp på .{1,100}",
            r"indlægget .{1,300} blev først udgivet på .{1,100}",
            r"(?:запись|сообщение) .{1,300} (?:впервые появилась|появились сначала) (?:на )?.{1,100}",
            r"příspěvek .{1,300} se nejdříve objevil na .{1,100}",
            r".{1,300} yazısı ilk önce .{1,100} üzerinde ortaya çıktı",
            r"投稿 ?.{1,300}は.{1,100}に最初に表示されました",
            r"文章 ?.{1,300}最先出现在.{1,100}",
            r".{1,300} was originally published (?:in|on) .{1,200}",
            r".{1,300} originally appeared on .{1,100}",
            r"thanks for reading .{1,100}! subscribe .{0,150}",
            # blogs
            r"(?:continue|keep) reading\b.{0,300}",
            r"read (?:more|(?:the )?(?:full|rest)(?: of .{1,100}| (?:topic|story|article|post))?)(?: on .{1,60})?"
            r"[\s→»›>…]*",
            r"(?:weiterlesen|lire la suite|seguir leyendo|leer más|continua a leggere|leggi tutto)\b.{0,100}",
            r"(?:continue lendo|leia mais|lees (?:meer|verder)|czytaj (?:dalej|więcej))\b.{0,100}",
            r"(?:läs mer|læs mere|les mer)\b.{0,100}",
            r"(?:читать (?:далее|дальше)|続きを読む|阅读更多)\b.{0,100}",
            r"\(?more(?:…|\.\.\.|→|»)\)?",
            r"\[?(?:…|\.\.\.)\]?",
            # Discourse, phpBB, Hacker News, Lobsters
            r"vollständiges thema lesen|lire le sujet(?: en entier| complet)?|leer el tema completo",
            r"leggi l.intero argomento|ler o tópico completo|volledig (?:onderwerp|topic) lezen",
            r"przeczytaj cały temat|читать тему полностью",
            r"(?:statistics|statistik|statistiques|estadísticas|statistiche|estatísticas|statystyki|статистика)"
            r" ?: .{1,300}",
            r"(?:article|comments) url: \S{1,2000}",
            r"(?:points|# comments): \d{1,6}",
            r"\[?(?:link|comments)\]?|\[link\] \[comments\]",
        )
    ),
    re.IGNORECASE,
)
# "3 posts - 2 participants", in any language: only before "Read full topic".
_WORD = r"[^\W\d_]{3,20}(?:\(\w{1,3}\))?[^\W\d_]{0,3}"
_COUNTED = re.compile(rf"(?:^|\n)\d{{1,5}} {_WORD} [-–—] \d{{1,5}} {_WORD}\s*$", re.IGNORECASE)
# At the end of the last line: WordPress's "[…]", and its link to the rest.
_CUT_SHORT = re.compile(r"\s?(?:\[(?:…|\.\.\.)\]|continue reading [^\n→»]{0,200}[→»])\s*$", re.IGNORECASE)
_SHARE = re.compile(
    r"\n(?:share this|like this|teilen mit|gefällt mir|partager|compartir|condividi)\s?:(?:\n[^\n]{0,60}){0,20}$", re.I
)
_ANSWERS = (
    r"in reply to|als antwort auf|antwort auf|en réponse à|en respuesta a|in risposta a|em resposta a|als antwoord op"
    r"|w odpowiedzi do|som svar på|som svar til|в ответ на"
)
_WROTE = r"posted a (?:photo|video)|wrote|schrieb|a écrit|escribió|ha scritto|escreveu|schreef"
_BEGINNINGS = re.compile(
    r"submitted by \S{1,80} to \S{1,80}\s+\d{1,7} points? \| \d{1,7} comments?\s*"  # Lemmy
    rf"|(?:(?:{_ANSWERS})\s[^\n]{{1,80}}?\.\s*(?:\n|$)|@?[^\n:]{{1,60}} (?:{_WROTE})\s?:\s*(?:\n|$))",
    re.IGNORECASE,
)
_ON_TITLE = r"(?:on|commented on|replied to|posted in|opened|closed|reopened|pushed to|created|starred)\s+"
_BY = r"(?:by|von|par|por|di|da|de|door|przez|av|af|от)"
_COMMENT_ON = re.compile(
    r"(?:comments? (?:on|to)|new comment on|re|kommentar(?:e)? zu|commentaires? sur|comentarios? (?:en|em|sobre)"
    r"|comentário(?:s)? (?:em|sobre)|commenti? (?:su|a)|reacties? op|komentarz do|kommentarer? (?:till|på|til)"
    r"|комментарий (?:к|на))\s*:?\s+",
    re.IGNORECASE,
)


def words_of(text: str, *, title: str, site: str, link: str, publisher: str) -> str:
    """The person's own words out of an entry's HTML. `title` and `site` are plain, as is `publisher`."""
    shown = _IMAGE.sub(lambda image: _alt(image, title), text)
    last = _LAST_LINK.search(shown[-2_000:])
    leads_here = bool(last and link and html.unescape(last[2]).partition("#")[0] == link.partition("#")[0])
    if last and leads_here:
        shown = shown[: len(shown) - len(shown[-2_000:]) + last.start()]
    words = plain(shown)
    if publisher and title and _same(words, f"{title} {publisher}"):
        return title
    words = _SHARE.sub("", words) if "\n" in words else words
    words = _without_ending(_without_count(words) if leads_here else words, title, site).strip()
    begins = _BEGINNINGS.match(words[:_TAIL])
    return words[begins.end() :].strip() if begins else words


def _alt(image: re.Match[str], title: str) -> str:
    """What a picture says, or nothing; the title once more is nothing."""
    alt = (image[1] or image[2] or "").strip()
    return f" {alt} " if alt and len(alt) <= _LONGEST_ALT and not _same(plain(alt), title) else " "


def _same(one: str, other: str) -> bool:
    return _bare(one) == _bare(other)


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _without_ending(words: str, title: str, site: str) -> str:
    while words:
        tail = words[-_TAIL:]
        shorter = words[: -len(tail)] + _CUT_SHORT.sub("", _SUBMITTED.sub("", tail))
        if shorter == words:
            head, mark, last = words.rpartition("\n")
            line = last.strip().rstrip(".。 ")
            if _ENDINGS.fullmatch(line) or (mark and _names_itself(line, title, site)):
                shorter = _without_count(head.rstrip())
        if shorter == words:
            return words
        words = shorter.rstrip()
    return words


def _names_itself(line: str, title: str, site: str) -> bool:
    """Tell a last line that holds the entry's title and the site's name: no person signs like that."""
    if len(title) < _SHORTEST_TITLE or not site or len(line) > len(title) + len(site) + 60:
        return False
    return title.casefold() in line.casefold() and site.casefold() in line.casefold()


def _without_count(words: str) -> str:
    tail = words[-_TAIL:]
    return words[: -len(tail)] + _COUNTED.sub("", tail) if tail else words


def title_of(title: str, author: str, publisher: str) -> str:
    """A title without the names that the site's program put into it; empty if nothing else was there."""
    if publisher:
        title = re.sub(rf"\s[-–—|]\s{re.escape(publisher)}$", "", title)
    name = author.removeprefix("/u/").removeprefix("u/").removeprefix("@")
    if not name:
        return title
    who = re.escape(name)
    title = re.sub(rf"^(?:/?u/|@)?{who}(?: \(@[^()]{{1,60}}\))? {_ON_TITLE}", "", title, count=1, flags=re.IGNORECASE)
    if re.fullmatch(rf"(?:{_BY}|[^\W\d_]{{1,10}})\s?:\s*@?{who}", title, re.IGNORECASE):
        return ""
    ends = re.search(rf"\s{_BY}\s:?\s?@?{who}$", title, re.IGNORECASE)
    begins = _COMMENT_ON.match(title)
    return title[begins.end() : ends.start()].strip() if begins and ends and begins.end() < ends.start() else title
