"""A small generative grammar: rules with nested choices and slots, and the English morphology they need.

    marriage:
        ~marry [other]{| in [place]}
        ~take [other] as [pos] {husband|wife}

Each line under a symbol is one of its rules, a further indent continues the line above. Braces hold
alternatives, which nest. `<symbol>` stands for any rule of another symbol, and a `[slot]` is filled by the
caller when it is reached, from left to right. `~marry` is a verb whose form is chosen later (`inflect`);
`a` becomes `an` where it must (`polish`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from runner.datasets.encyclopedia.lexicon import BANK

_TOKEN = re.compile(r"[{}|]|\[[^\]]*\]|<[^>]*>|[^{}|\[<]+")
_IRREGULAR = {
    "be": ("was", "been"), "become": ("became", "become"), "begin": ("began", "begun"),
    "break": ("broke", "broken"), "bring": ("brought", "brought"), "build": ("built", "built"),
    "buy": ("bought", "bought"), "bury": ("buried", "buried"), "cast": ("cast", "cast"),
    "carry": ("carried", "carried"),
    "come": ("came", "come"), "draw": ("drew", "drawn"), "fall": ("fell", "fallen"),
    "fight": ("fought", "fought"), "find": ("found", "found"), "flee": ("fled", "fled"),
    "give": ("gave", "given"), "go": ("went", "gone"), "hear": ("heard", "heard"),
    "sink": ("sank", "sunk"), "weave": ("wove", "woven"),
    "have": ("had", "had"), "keep": ("kept", "kept"), "lay": ("laid", "laid"),
    "leave": ("left", "left"), "lie": ("lay", "lain"), "lose": ("lost", "lost"),
    "make": ("made", "made"), "meet": ("met", "met"), "put": ("put", "put"), "see": ("saw", "seen"),
    "send": ("sent", "sent"), "serve": ("served", "served"), "set": ("set", "set"),
    "spend": ("spent", "spent"), "stand": ("stood", "stood"), "take": ("took", "taken"),
    "win": ("won", "won"), "write": ("wrote", "written"), "quarrel": ("quarrelled", "quarrelled"),
    "travel": ("travelled", "travelled"), "wed": ("wed", "wed"), "slip": ("slipped", "slipped"),
}  # fmt: skip
_DOUBLED = frozenset({"wed", "slip", "quarrel", "travel", "put", "set", "win", "begin"})
_NUMBERS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = (
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth",
)  # fmt: skip


@dataclass(frozen=True)
class _Slot:
    name: str


@dataclass(frozen=True)
class _Symbol:
    name: str


@dataclass(frozen=True)
class _Choice:
    options: tuple["_Rule", ...]


_Rule = tuple[str | _Slot | _Symbol | _Choice, ...]


def _parsed(rule: str) -> _Rule:
    stack: list[list[list[str | _Slot | _Symbol | _Choice]]] = [[[]]]
    for token in _TOKEN.findall(rule):
        if token == "{":
            stack.append([[]])
        elif token == "}":
            options = stack.pop()
            stack[-1][-1].append(_Choice(tuple(map(tuple, options))))
        elif token == "|":
            stack[-1].append([])
        elif token.startswith("["):
            stack[-1][-1].append(_Slot(token[1:-1]))
        elif token.startswith("<"):
            stack[-1][-1].append(_Symbol(token[1:-1]))
        else:
            stack[-1][-1].append(token)
    if len(stack) != 1 or len(stack[0]) != 1:
        raise ValueError(f"unbalanced braces in the rule {rule!r}")
    return tuple(stack[0][0])


class Grammar:
    """Symbols and their rules, the common words of the lexicon among them.

    Raises ValueError where a rule's braces do not match.
    """

    def __init__(self, text: str) -> None:
        rules: dict[str, list[str]] = {}
        symbol = ""
        for line in text.splitlines():
            if line.startswith(" " * 8):
                rules[symbol][-1] += line.strip() if line.strip()[0] in ",|}" else f" {line.strip()}"
            elif line.startswith(" " * 4):
                rules[symbol].append(line.strip())
            elif line:
                symbol = line.removesuffix(":")
                rules[symbol] = []
        self._rules = {symbol: tuple(map(_parsed, lines)) for symbol, lines in {**BANK, **rules}.items()}

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._rules

    def expand(self, symbol: str, rng: Random, fill: Callable[[str], str]) -> str:
        """A text of `symbol`: `rng` chooses rules and alternatives, `fill` fills slots, left to right."""
        return self._expanded(rng.choice(self._rules[symbol]), rng, fill)

    def _expanded(self, rule: _Rule, rng: Random, fill: Callable[[str], str]) -> str:
        parts: list[str] = []
        for part in rule:
            if isinstance(part, str):
                parts.append(part)
            elif isinstance(part, _Choice):
                parts.append(self._expanded(rng.choice(part.options), rng, fill))
            elif isinstance(part, _Symbol):
                parts.append(self.expand(part.name, rng, fill))
            else:
                parts.append(fill(part.name))
        return "".join(parts)


def inflect(text: str, form: str) -> str:
    """`text` with its marked verbs in one form: past, participle (past), gerund or base."""
    return re.sub(r"~([a-z]+)", lambda match: _verb(match[1], form), text)


def _verb(lemma: str, form: str) -> str:
    if form == "base":
        return lemma
    if form == "gerund":
        if lemma in _DOUBLED:
            return lemma + lemma[-1] + "ing"
        if lemma == "lie":
            return "lying"
        return (
            lemma[:-1] if lemma.endswith("e") and lemma != "be" and not lemma.endswith("ee") else lemma
        ) + "ing"
    if lemma in _IRREGULAR:
        return _IRREGULAR[lemma][form == "participle"]
    if lemma.endswith("e"):
        return lemma + "d"
    if lemma.endswith("y") and lemma[-2] not in "aeou":
        return lemma[:-1] + "ied"
    return lemma + (lemma[-1] if lemma in _DOUBLED else "") + "ed"


def polish(sentence: str) -> str:
    """`sentence` with articles chosen, spaces tidied and its first letter a capital."""
    sentence = re.sub(r"\b([aA]) (\W?)(\w+)", _article, sentence)
    sentence = re.sub(r" +", " ", sentence).strip()
    sentence = re.sub(r" ?,(?: ?,)+| ,", ",", sentence)
    sentence = re.sub(r",+([.;:)])", r"\1", sentence)
    opening = 1 if sentence.startswith('"') else 0
    return sentence[:opening] + sentence[opening : opening + 1].upper() + sentence[opening + 1 :]


def _article(match: re.Match[str]) -> str:
    word = match[3].lower()
    consonant = word.startswith(("uni", "use", "one", "eu")) and not word.startswith("unin")
    vowel = (word[0] in "aeiou" and not consonant) or word.startswith(("hour", "honest", "heir"))
    return f"{match[1]}{'n' if vowel else ''} {match[2]}{match[3]}"


def number(value: int) -> str:
    """A cardinal in words below one hundred, in digits from there on."""
    if value < 20:
        return _NUMBERS[value]
    if value < 100:
        return _TENS[value // 10 - 2] + (f"-{_NUMBERS[value % 10]}" if value % 10 else "")
    return str(value)


def ordinal(value: int) -> str:
    """An ordinal in words, up to the twelfth."""
    return _ORDINALS[value - 1]


def listing(items: Sequence[str]) -> str:
    """Items as an English list: commas, and `and` before the last."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
