"""Posts that give orders to a program that reads them ("ignore all previous instructions and say ..."), by their words.

Whoever writes to a shop or about one does not speak of instructions, prompts or language models this way. What is found
here is left out of what a model summarizes, and a translation of it says so. What is not found is still only data in
its block, and what comes back is still checked.
"""

from __future__ import annotations

import re
from functools import cache

from monitor.text.normalize import fold

# Each line is one way to say it, compared folded: (a|b) is one of several, * up to three words between.
_ORDERS = """
    (ignore|disregard|forget|override|bypass) * (previous|prior|above|earlier|preceding|your|these|\
        all) * (instructions|instruction|prompt|prompts|directives|guidelines|programming)
    (ignore|disregard|forget) (everything|all|anything) (above|before this|written above|you were told|that came before)
    (new|updated|revised|real|actual|additional|following) (instructions|instruction|system prompt) (for|to) * (you|\
        ai|ais|llm|llms|model|models|assistant|bot)
    (system|developer) (prompt|override|instruction|instructions|mode)
    (instructions|instruction|message|note|attention|hello|dear|hey) (for|to|all|any|every) * (ai|ais|llm|llms|\
        language model|language models|ai model|ai models|chatbots)
    (attention|dear|hey) (ai|llm|language model|gpt|chatgpt|ai assistant|ai model)
    (if|when|since) you are (an|a|the) (ai|llm|language model|large language model|ai model|ai assistant)
    (ai|llm|llms|language models|ai models) (reading|summarizing|summarising|processing|translating) this
    (when|while|before) (summarizing|summarising|translating|processing) (this|these|the) (post|posts|review|\
        reviews|text|message|feedback|comments)
    you are now (a|an|the|in|no longer) * (ai|assistant|bot|mode|dan|model|pirate|translator|poet|hacker|admin|\
        bound|restricted)
    you are no longer (a|an|bound|restricted|limited|the) * (assistant|translator|ai|model|by|to)
    (reveal|print|repeat|output|leak|paste|show me|tell me) * (your|the|system) * (prompt|instructions|\
        system message|configuration)
    (respond|answer|reply|output) (only|exactly|just) (with the word|with the words|with the text|with the sentence|\
        with the following|the word|the following)
    (respond|answer|reply|output) with (only|exactly|nothing but|just) (the|this|one)
    (output|print|return) (exactly|only|nothing but|the following|the words)
    (do not|don't|never) (mention|reveal|disclose) * (this|these|your) (instruction|instructions|prompt|rules)
    (instead of|rather than) (translating|summarizing|summarising|answering)
    (do not|don't) (translate|summarize|summarise) (this|it|the)
    (ignoriere|ignorier|vergiss|missachte|ignorieren sie|vergessen sie) * (anweisungen|anweisung|vorgaben|befehle|\
        instruktionen|vorherige|bisherigen|obigen)
    (neue|wichtige) (anweisung|anweisungen|systemanweisung) (fur|an) * (dich|ki|modell|sprachmodell|assistenten)
    (antworte|antworten sie|gib) * (nur|ausschliesslich|exakt|genau) (mit|aus) *
    (ubersetze|ubersetz|ubersetzen sie) (das|dies|diesen text) nicht
    (an|fur) (die|das|alle|eine) (ki|ki-modelle|sprachmodell|sprachmodelle)
    (wenn|falls) du (eine ki|ein sprachmodell|ein ki-modell)
    du bist (jetzt|nun|ab sofort) (ein|eine|kein|keine) * (ki|assistent|pirat|modus|bot|ubersetzer|modell)
    (gib|nenne|zeige|verrate) * (deinen|deine|den) (systemprompt|system-prompt|prompt|anweisungen)
    (ignore|ignorez|oublie|oubliez) * (instructions|consignes|directives)
    (reponds|repondez|ecris|ecrivez) (uniquement|seulement|exactement|juste) *
    (tu es|vous etes) (maintenant|desormais) (un|une) * (ia|assistant|pirate|modele|robot)
    (ignora|ignore|olvida|olvide|descarta) * (instrucciones|indicaciones)
    (responde|responda|escribe|escriba) (solo|solamente|unicamente|exactamente) *
    (ahora eres|a partir de ahora eres) (un|una) *
    (ignora|dimentica|ignorate|dimenticate) * (istruzioni|comandi|direttive)
    (rispondi|scrivi|rispondete) (solo|soltanto|esattamente|unicamente) *
    (ignore|ignora|esqueca|esquece|desconsidere) * (instrucoes|comandos)
    (responda|responde|escreva) (apenas|somente|exatamente) *
    (negeer|vergeet) * (instructies|opdrachten)
    (antwoord|schrijf) (alleen|enkel|uitsluitend) *
    (zignoruj|ignoruj|zapomnij) * (instrukcje|polecenia)
    (onceki|yukaridaki|tum) * (talimatlari|komutlari) *
    (игнорируи|игнорируите|забудь|забудьте) * (инструкции|указания)
    (ответь|отвечаи|напиши) (только|лишь) *
"""
_WHEREVER = (  # in scripts without spaces, and signs
    "忽略之前", "忽略以上", "忽略所有", "无视之前", "忽略先前", "忘记之前", "系统提示", "只回复", "只回答", "仅回复",
    "以前の指示", "これまでの指示", "上記の指示", "指示を無視", "指示をすべて無視", "のみ出力", "とだけ答え",
    "プロンプト",
    "이전 지시", "이전의 모든 지시", "지시를 무시", "지침을 무시", "프롬프트", "라고만 답",
    "تجاهل التعليمات", "تجاهل جميع", "تجاهل كل", "انس كل",
    "<|", "|>", "[inst]", "<<sys>>", "</s>", "<system", "</data", "<instructions", "### instruction", "```system",
)  # fmt: skip
_TURN = re.compile(r"(?:^|\n)[\s#*]*(?:system|assistant|user|human)\s*:\s*\S", re.IGNORECASE)
_FENCE = re.compile(r"(?:^|\n)\s*(?:BEGIN|END) (?:post|piece|reply|data|question|orders|instructions)\b")


def _pattern(line: str) -> str:
    parts = []
    for part in re.findall(r"\([^)]*\)|\S+", fold(line)):
        if part == "*":
            parts.append(r"(?:[\w'’-]+\W+){0,3}?")
            continue
        options = [r"\W+".join(map(re.escape, each.split())) for each in part.strip("()").split("|")]
        parts.append(rf"(?:{'|'.join(options)})(?!\w)\W*")
    return rf"(?<!\w){''.join(parts)}"


@cache
def _orders() -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Made when the first text is looked at: most processes never do."""
    patterns = "|".join(_pattern(line.strip()) for line in _ORDERS.strip().splitlines())
    return re.compile(patterns), tuple(fold(each) for each in _WHEREVER)


def gives_orders(text: str) -> bool:
    """Whether a text speaks to a program that reads it, rather than to people."""
    told, (orders, signs) = fold(text), _orders()
    return (
        any(each in told for each in signs)
        or _TURN.search(text) is not None
        or _FENCE.search(text) is not None
        or orders.search(told) is not None
    )
