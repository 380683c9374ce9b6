"""Cultures of the universe: how each makes its names, and its own words for the things it lives with."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

_ONSETS = (
    "b", "ch", "d", "dh", "f", "g", "h", "j", "k", "kh", "l", "m", "n", "ny", "p", "r", "s", "sh", "t",
    "th", "ts", "v", "w", "y", "z", "zh",
)  # fmt: skip
_CLUSTERS = (
    "br", "dr", "fr", "gr", "kr", "kl", "pl", "pr", "sk", "sl", "st", "tr", "vr", "gw", "mr", "hr",
    "rh", "sv",
)  # fmt: skip
_DIPHTHONGS = (
    "ai", "au", "ea", "ei", "ia", "io", "ou", "ua", "oe",
)  # fmt: skip
_CODAS = (
    "n", "r", "l", "s", "t", "k", "m", "th", "sh", "v", "d", "g", "nd", "rn", "lk", "st", "rd", "nt",
    "rm",
)  # fmt: skip
_MASCULINE = (
    "o", "on", "or", "us", "ek", "an", "ar", "im", "ud", "eth", "in", "os", "ul", "ash", "ent",
)  # fmt: skip
_FEMININE = (
    "a", "ia", "e", "is", "ai", "ena", "il", "ure", "ith", "ana", "ya", "ela", "une", "ah", "iet",
)  # fmt: skip
_PARTICLES = (
    "ke", "ibn", "ap", "da", "nar", "vel", "te", "sor", "mac", "ul",
)  # fmt: skip

GLOSSES: Mapping[str, tuple[str, ...]] = {
    "instrument": (
        "a lute of five strings", "a flute cut from heron bone", "a drum as tall as a child",
        "a small harp held on the knee",
        "a horn of beaten copper", "a zither strung with silk", "a fiddle with a single string",
        "a set of tuned stones",
        "a reed pipe with two mouths", "a bowed box of cedar", "a rattle of river shells", "a water organ",
    ),
    "crop": (
        "a black barley", "a bitter bean", "a red millet", "a hill rice", "a marsh root", "a blue flax",
        "a salt-loving wheat",
        "a climbing pea", "a sweet gourd", "a dwarf olive", "a winter rye", "a thorny almond",
    ),
    "drink": (
        "a plum spirit", "a beer of roasted rye", "a tea of pine needles", "a fermented mare's milk",
        "a honey wine",
        "a broth drunk cold", "a smoked cider", "a cordial of green walnuts", "a sour whey",
        "a wine kept in goatskin",
    ),
    "garment": (
        "a cloak fastened at the left shoulder", "a felt cap with ear flaps", "a sash of nine colours",
        "a long coat of eelskin",
        "a veil weighted with beads", "a quilted apron", "a straw mantle", "a collar of stiff linen",
        "a pair of painted gloves",
    ),
    "festival": (
        "the feast of the first ice", "the night of open doors", "the counting of the herds",
        "the blessing of the nets",
        "the week of silence", "the burning of the old rope", "the race of the widows",
        "the washing of the statues",
        "the fast of the new moon", "the day of returned debts",
    ),
    "coin": (
        "a square silver coin", "a ring of stamped bronze", "a shell counted by the string",
        "a gold piece the size of a lentil",
        "an iron bar of fixed weight", "a coin with a hole", "a clay token backed by grain",
        "a piece of cut amber",
    ),
    "form": (
        "a poem of nine lines", "a dialogue in alternating verse", "a lament for two voices",
        "a poem that names no colour",
        "a riddle in couplets", "a praise song", "a poem whose last line is its first",
        "a ballad with a spoken refrain",
        "a prayer in prose", "a verse letter",
    ),
    "beast": (
        "a shaggy ox", "a hunting lynx", "a tame heron", "a mountain pony", "a water buffalo",
        "a dog bred for truffles",
        "a white goat", "a racing camel", "a long-haired mule", "a fishing cormorant",
    ),
    "script": (
        "a script of knots", "a script written from bottom to top", "an alphabet of thirty signs",
        "a script pressed into wax",
        "a script that leaves out vowels", "a shorthand of hooks and dots",
        "a court hand used only in green ink",
    ),
    "plant": (
        "a fever bark", "a grey lichen", "a root that dulls pain", "a moss used on wounds",
        "a bell-shaped poison flower",
        "a creeper eaten in famine", "a mountain lily", "a resin burned against moths",
        "a mint that grows in snow",
    ),
}  # fmt: skip
GODS = (
    "of wells", "of thresholds", "of the drowned", "of the late harvest", "of debts", "of small fires",
    "of the north wind", "of bees",
    "of travellers", "of silence", "of the second birth", "of millstones", "of thunder", "of lost things",
    "of oaths", "of salt",
)  # fmt: skip
TITLES = (
    "sovereign", "judge", "governor", "priest", "archivist", "admiral", "master",
)  # fmt: skip


@dataclass(frozen=True)
class Phonology:
    """The sounds of one language and how its syllables are put together."""

    onsets: tuple[str, ...]
    vowels: tuple[str, ...]
    codas: tuple[str, ...]
    coda_chance: float
    name_length: int
    masculine: tuple[str, ...]
    feminine: tuple[str, ...]

    def stem(self, rng: Random, syllables: int) -> str:
        """A stem that ends in a consonant, lower case."""
        text = rng.choice(self.vowels) if rng.random() < 0.15 else ""
        for position in range(syllables):
            text += rng.choice(self.onsets) + rng.choice(self.vowels)
            if position + 1 < syllables and rng.random() < self.coda_chance:
                text += rng.choice(self.codas)[0]
        return text + rng.choice(self.codas)

    def given_name(self, rng: Random, female: bool) -> str:
        """A name, nearly always unlike all others of the language."""
        while True:
            name = self.stem(rng, rng.choice((1, 1, 2))) + rng.choice(
                self.feminine if female else self.masculine
            )
            if 3 < len(name) <= self.name_length:
                return name.capitalize()

    def word(self, rng: Random) -> str:
        """A common noun, lower case."""
        while True:
            word = self.stem(rng, rng.choice((1, 1, 2))) + rng.choice(("", "", rng.choice(self.vowels)))
            if 5 <= len(word) <= 8:
                return word


@dataclass(frozen=True)
class Culture:
    """A people with one language. `words` maps a kind of thing to the language's word and what it means."""

    name: str
    adjective: str
    phonology: Phonology
    naming: str
    particle: str
    gods: tuple[tuple[str, str], ...]
    words: Mapping[str, tuple[str, str]]
    titles: Mapping[str, str]
    hereditary: bool


def make_culture(
    rng: Random, taken: set[str], glosses: Mapping[str, list[str]], domains: list[str]
) -> Culture:
    """A culture whose words are not among `taken`, which they join; its things are taken out of `glosses`."""
    phonology = Phonology(
        onsets=(*rng.sample(_ONSETS, 12), *rng.sample(_CLUSTERS, 4)),
        vowels=(*"aeiou", *rng.sample("aeiou", 3) * 2, *rng.sample(_DIPHTHONGS, 2)),
        codas=tuple(rng.sample(_CODAS, 8)),
        coda_chance=rng.uniform(0.1, 0.5),
        name_length=rng.randrange(7, 10),
        masculine=tuple(rng.sample(_MASCULINE, 4)),
        feminine=tuple(rng.sample(_FEMININE, 4)),
    )

    def fresh_word() -> str:
        while (word := phonology.word(rng)) in taken:
            pass
        taken.add(word)
        return word

    stem = phonology.stem(rng, 1)
    country, adjective = (
        stem.capitalize() + ending
        for ending in rng.choice(
            (("a", "an"), ("or", "oran"), ("e", "ish"), ("ia", "ian"), ("esh", "eshi"), ("ovar", "ovari"))
        )
    )
    return Culture(
        name=country,
        adjective=adjective,
        phonology=phonology,
        naming=rng.choice(("patronymic", "matronymic", "clan first", "clan last", "town")),
        particle=rng.choice(_PARTICLES),
        gods=tuple((fresh_word().capitalize(), domains.pop()) for _ in range(2)),
        words={kind: (fresh_word(), glosses[kind].pop()) for kind in GLOSSES},
        titles={kind: fresh_word() for kind in TITLES},
        hereditary=rng.random() < 0.6,
    )
