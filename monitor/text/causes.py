"""What a post is about: which of a brand's causes ("late delivery", "charged twice") its words speak of.

Each cause has words of its own: a word, "word*" for any ending, "lost * bag" for up to three words between. What staff
say of cases is learned on top of that, as weights of single words and of pairs of words for each cause. Pure: texts in,
ids out. A post has two causes at most, and none where nothing speaks for one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.text import SPACELESS
from monitor.text.normalize import fold, windows, without_addresses

MOST = 2  # causes of one post
LONGEST_GAP = 3  # words that a "*" may stand for
MOST_GAPS = 2  # of one phrase: each is tried at every word, in four ways
LONGEST = 4000  # characters that are read; of a longer text, pieces
MOST_WORDS = 400  # of one cause
MOST_EXAMPLES = 50  # of one cause
ALIKE = 0.6  # of an example's longer words that a text has to hold, and two of them, to be like it
MOST_LESSONS = 1000  # the newest that staff gave
LINE = 0.6  # points from which a post is of a cause
HINT = 0.45  # points of a word that only hints at one; a plain word has 1, a phrase 1.5
ALONE = 0.65  # points of a cause that is only hinted at while nothing speaks for another
SECOND = 0.6  # of the first one's points, from which there is a second

_LONGER = 4  # letters of a word that an example is known by
_token = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_glued = re.compile(f"[{SPACELESS}]")
_ROUNDS, _STEP, _DECAY = 16, 0.5, 0.01
_TRUST = 3.0  # log odds that a point is worth


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause as it is found: its id, its name, and the words that speak for it. Examples are whole sentences."""

    id: str
    name: str
    words: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What staff said of one text: the ids of its causes, none for "none of these"."""

    text: str
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of answers: for each word or pair of words what it adds to each cause (in their order)."""

    weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    lean: tuple[float, ...] = ()  # of each cause, whatever the words
    answers: int = 0


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A cause's words as tokens: ("lost", "*", "bag"); a token with a star at its end stands for any ending."""

    cause: int
    rest: tuple[str, ...]
    points: float


class Classifier:
    """Finds the causes of posts for one brand. Made once for a list, and used by several threads."""

    def __init__(self, causes: Sequence[Cause], answers: Sequence[Answer] = ()) -> None:
        """Compile the words of `causes`, and learn of `answers`, the oldest first."""
        self.causes = tuple(causes)
        self._exact: dict[str, list[_Phrase]] = {}
        self._begins: dict[str, list[tuple[str, _Phrase]]] = {}  # by the first three letters
        self._examples: list[tuple[int, int]] = []  # (cause, how many longer words)
        self._in_examples: dict[str, list[int]] = {}
        self._inside: list[tuple[str, int]] = []  # in scripts without spaces
        for number, cause in enumerate(self.causes):
            for words in cause.words[:MOST_WORDS]:
                self._know(number, words)
            for example in cause.examples[:MOST_EXAMPLES]:
                self._know_example(number, example)
        self.learned = self._learn(answers[-MOST_LESSONS:]) if answers and self.causes else Learned()

    def of(self, text: str) -> tuple[str, ...]:
        """The ids of a text's causes, the likeliest first: two at most, none where too little speaks for one."""
        points, odds, none, order = self._weigh(text)
        if not order or odds[order[0]] <= none:
            return ()
        first, *others = order
        theirs = [n for n in others if points[n] >= max(LINE, SECOND * points[first])]
        return tuple(self.causes[n].id for n in [first, *theirs][:MOST])

    def guesses(self, text: str) -> tuple[str, ...]:
        """The ids of all causes for which anything speaks, the likeliest first: what somebody is offered to choose."""
        points, _, _, order = self._weigh(text)
        return tuple(self.causes[n].id for n in order if self.learned.answers or points[n])

    def _weigh(self, text: str) -> tuple[list[float], list[float], float, list[int]]:
        """The points of each cause, its odds with what was learned, the odds of "none", and the likeliest first.

        Of two that are as likely, the one that is written of first: people begin with what is wrong.
        """
        tokens = tokens_of(text)
        points, places = self._points(text, tokens)
        odds = self._odds(
            points, _features(tokens) if self.learned.answers else {}, self.learned.weights, self.learned.lean
        )
        none = odds.pop()
        return points, odds, none, sorted(range(len(odds)), key=lambda n: (-odds[n], places[n], n))

    # -- words -------------------------------------------------------------------------------------------------------

    def _know(self, cause: int, words: str) -> None:
        folded = fold(words).strip()
        hint = folded.endswith("?")
        if _glued.search(folded):
            self._inside.append((folded.rstrip("?"), cause))
            return
        parts = re.findall(r"[^\W_]+(?:'[^\W_]+)?\*?|\*", folded)
        while parts and parts[0] == "*":
            parts = parts[1:]
        while parts and parts[-1] == "*":
            parts = parts[:-1]
        if not parts or parts.count("*") > MOST_GAPS:
            return
        said = sum(1 for each in parts if each != "*")
        phrase = _Phrase(cause, tuple(parts[1:]), HINT if hint else 1.0 if said == 1 else 1.5)
        first = parts[0]
        if first.endswith("*"):
            self._begins.setdefault(first[:3], []).append((first[:-1], phrase))
        else:
            self._exact.setdefault(first, []).append(phrase)

    def _know_example(self, cause: int, example: str) -> None:
        words = {token for token in tokens_of(example) if len(token) >= _LONGER}
        if len(words) < 2:
            return
        for word in words:
            self._in_examples.setdefault(word, []).append(len(self._examples))
        self._examples.append((cause, len(words)))

    def _points(self, text: str, tokens: Sequence[str]) -> tuple[list[float], list[int]]:
        """How much speaks for each cause, and at which word that begins.

        Every phrase counts once, the second of a cause for half, and so on.
        """
        found, places = self._said(text, tokens)
        points = [0.0] * len(self.causes)
        for cause, phrases in found.items():
            for rank, each in enumerate(sorted(phrases.values(), reverse=True)):
                points[cause] += each / (1 + rank)
        for number, held in Counter(n for token in set(tokens) for n in self._in_examples.get(token, ())).items():
            cause, longer = self._examples[number]
            if held >= 2 and held >= ALIKE * longer:
                points[cause] += 2 * held / longer
        spoken = [number for number, each in enumerate(points) if each]
        if len(spoken) == 1:
            points[spoken[0]] = max(points[spoken[0]], ALONE)
        return points, places

    def _said(self, text: str, tokens: Sequence[str]) -> tuple[dict[int, dict[tuple[str, ...], float]], list[int]]:
        """The phrases of each cause that a text holds, with their points; and the first word of each cause's first."""
        found: dict[int, dict[tuple[str, ...], float]] = {}
        places = [len(tokens)] * len(self.causes)
        for place, token in enumerate(tokens):
            for phrase in self._exact.get(token, ()):
                if _follows(phrase.rest, tokens, place + 1):
                    found.setdefault(phrase.cause, {})[token, *phrase.rest] = phrase.points
                    places[phrase.cause] = min(places[phrase.cause], place)
            for begin, phrase in self._begins.get(token[:3], ()):
                if token.startswith(begin) and _follows(phrase.rest, tokens, place + 1):
                    found.setdefault(phrase.cause, {})[begin, *phrase.rest] = phrase.points
                    places[phrase.cause] = min(places[phrase.cause], place)
        if self._inside and _glued.search(text):
            folded = fold(text)
            for words, cause in self._inside:
                if words in folded:
                    found.setdefault(cause, {})[(words,)] = 1.5
        return found, places

    # -- what was learned --------------------------------------------------------------------------------------------

    def _odds(
        self,
        points: Sequence[float],
        features: Mapping[str, float],
        weights: Mapping[str, Sequence[float]],
        lean: Sequence[float],
    ) -> list[float]:
        odds = [_TRUST * each for each in (*points, LINE)]
        if lean:
            odds = [a + b for a, b in zip(odds, lean, strict=True)]
        for name, value in features.items():
            if (known := weights.get(name)) is not None:
                for number, each in enumerate(known):
                    odds[number] += value * each
        return odds

    def _learn(self, answers: Sequence[Answer]) -> Learned:
        """Logistic regression on what the words alone say, in rounds over all answers: seconds at the very most."""
        place = {cause.id: number for number, cause in enumerate(self.causes)}
        size = len(self.causes) + 1
        lessons = []
        for answer in answers:
            wanted = [place[each] for each in answer.causes if each in place] or (
                [size - 1] if not answer.causes else []
            )
            if not wanted:
                continue  # of a cause that is gone
            tokens = tokens_of(answer.text)
            goal = [0.0] * size
            for number in wanted:
                goal[number] = 1 / len(wanted)
            lessons.append((self._points(answer.text, tokens)[0], _features(tokens), goal))
        weights: dict[str, list[float]] = {name: [0.0] * size for _, features, _ in lessons for name in features}
        lean = [0.0] * size
        for turn in range(_ROUNDS):
            step = _STEP / (1 + turn / 8)
            for points, features, goal in lessons:
                shares = _softmax(self._odds(points, features, weights, lean))
                off = [step * (want - got) for want, got in zip(goal, shares, strict=True)]
                for name, value in features.items():
                    mine = weights[name]
                    for number, each in enumerate(off):
                        mine[number] += value * each - step * _DECAY * mine[number]
                for number, each in enumerate(off):
                    lean[number] += 0.03 * each
        return Learned({name: tuple(each) for name, each in weights.items()}, tuple(lean), len(lessons))


def tokens_of(text: str) -> list[str]:
    """The words of a text as they are compared: folded, without links and handles; of a long one, of its pieces."""
    if len(text) > LONGEST:
        text = "\n".join(windows(text, size=LONGEST // 4, most=4))
    return _token.findall(fold(without_addresses(text)))


def _follows(rest: Sequence[str], tokens: Sequence[str], place: int) -> bool:
    """Whether the rest of a phrase stands from this place on; a star stands for up to three words."""
    for index, part in enumerate(rest):
        if part == "*":
            after = rest[index + 1 :]
            return any(_follows(after, tokens, place + skip) for skip in range(LONGEST_GAP + 1))
        if place >= len(tokens) or not _is(tokens[place], part):
            return False
        place += 1
    return True


def _is(token: str, part: str) -> bool:
    return token.startswith(part[:-1]) if part.endswith("*") else token == part


def _features(tokens: Sequence[str]) -> dict[str, float]:
    """Its words, of one length for every text."""
    names = set(tokens)
    return dict.fromkeys(names, 1 / math.sqrt(len(names) or 1))


def _softmax(odds: Sequence[float]) -> list[float]:
    top = max(odds)
    raised = [math.exp(each - top) for each in odds]
    total = sum(raised)
    return [each / total for each in raised]
