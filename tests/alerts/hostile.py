"""Texts that have broken monitors before, written for Earful; the public corpora hold none of these."""

from __future__ import annotations

HOSTILE: tuple[str, ...] = (
    "",
    " \t ",
    "a NUL \x00 in the middle",
    "lone surrogates \ud83d and \udc00 here",
    "line\u2028separator and paragraph\u2029separator, next line\x85, vertical\x0btab, form\x0cfeed",
    "a subject\r\nBcc: everybody@example.org\r\n\r\nand a body",
    "<!channel> <!here> <!everyone> <@U012AB3CD> <!subteam^S012AB3CD> <#C012AB3CD> <https://evil.example|bank.example>",
    "&lt;!channel&gt; &amp;lt;!channel&amp;gt; &#60;!channel&#62;",
    "<script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=alert(1)>",
    "javascript:alert(1) data:text/html,<b>x</b> {{7*7}} ${7*7} %s %(x)s {0} {a.__class__}",
    "[bold red]markup[/] [link=file:///etc/passwd]here[/link] [/] [[[ \\[x]",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\ \x9b31m \x08\x08\x08",
    "right to left \u202eevil\u202c \u2066isolate\u2069 \u200bzero\u200bwidth\ufeff",
    "Z\u0351\u036b\u0343\u036a\u0302" * 500,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 300,
    "\U000e0001\U000e0041 tags, private \ue000, not a character \uffff \U0010ffff",
    "x" * 3_001,
    "five words and a space " * 500,
    "nothing but & & < > " * 700,
    "&" * 50_000,
    "w" * 1_000_000,
    "new\n" * 5_000,
    "\u00e9\u4e2d\u6587 \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea",
    "' OR 1=1; DROP TABLE mentions; --",
    '=HYPERLINK("https://evil.example","click")',
)
