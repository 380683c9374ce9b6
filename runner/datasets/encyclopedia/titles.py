"""Callings, the works they leave, and the titles of works and names of wars."""

from collections.abc import Callable, Mapping
from random import Random

from runner.datasets.encyclopedia.grammar import Grammar

# Calling → the genre of what it makes.
CALLINGS: Mapping[str, str] = {
    "poet": "verse", "playwright": "play", "historian": "chronicle", "philosopher": "treatise",
    "physician": "medicine",
    "midwife": "medicine", "astronomer": "tables", "mathematician": "treatise", "cartographer": "map",
    "botanist": "herbal",
    "composer": "music", "painter": "picture", "potter": "vessel", "glassmaker": "window",
    "weaver": "tapestry",
    "architect": "building", "engineer": "building", "bridge builder": "building", "shipwright": "ship",
    "soldier": "memoir",
    "navigator": "voyage", "merchant": "letters", "jurist": "code", "priest": "sermons",
    "interpreter": "dictionary",
    "bell founder": "bell", "clockmaker": "clock", "cook": "recipes", "singer": "music", "spy": "memoir",
}  # fmt: skip
ELIGIBLE: Mapping[str, frozenset[str]] = {
    "judge": frozenset({"jurist", "philosopher", "priest", "interpreter", "historian"}),
    "governor": frozenset(
        {"soldier", "merchant", "jurist", "engineer", "architect", "spy", "bridge builder"}
    ),
    "priest": frozenset({"priest", "poet", "physician", "midwife", "singer", "astronomer"}),
    "archivist": frozenset(
        {"historian", "interpreter", "mathematician", "astronomer", "cartographer", "botanist"}
    ),
    "admiral": frozenset({"navigator", "shipwright", "soldier", "merchant", "cartographer"}),
    "master": frozenset(
        {"potter", "glassmaker", "weaver", "bell founder", "clockmaker", "cook", "painter", "composer"}
    ),
}

_SMALL = frozenset(["a", "an", "and", "at", "for", "from", "in", "of", "on", "the", "to", "with", "what"])


def title(symbol: str, rng: Random, fill: Callable[[str], str]) -> str:
    """A title for a work of a genre, or the name of a war, its principal words in capitals."""
    words = _GRAMMAR.expand(symbol, rng, fill).split()
    return " ".join(
        word if index and word in _SMALL and words[index - 1][-1] != ":" else word[:1].upper() + word[1:]
        for index, word in enumerate(words)
    )


_GRAMMAR = Grammar("""
noun:
    {salt|ash|glass|rain|iron|smoke|honey|dust|snow|clay|bread|thread|sand|ink|bone|milk|amber|frost|tar|wax|reeds
        |lead|moss}
thing:
    {lantern|orchard|ferry|bridge|well|ladder|mirror|kiln|anchor|loom|granary|threshold|candle|oar|needle|gate
        |beehive|millstone|cradle|furrow|lighthouse|key|rope|window|drum|scale|plough|shroud|harbour|nest|staircase
        |ledger|hinge|sparrow|heron|fox|eel}
quality:
    {blind|borrowed|broken|crooked|drowned|empty|faithful|false|frozen|gilded|hidden|hollow|idle|late|lesser|lost
        |mute|narrow|patient|quiet|second|severed|sleeping|stolen|stubborn|tired|unlit|unwritten|wandering|white
        |wounded|young|bitter|burning|common}
idea:
    {mercy|debt|patience|exile|thirst|obedience|sleep|memory|rumour|justice|grief|envy|silence|doubt|distance|hunger
        |courage|winter|forgetting|measure|shame|counsel|luck|haste|kinship|age|hospitality}
many:
    {two|three|four|five|six|seven|nine|eleven|twelve|twenty|thirty|forty|a hundred}
things:
    {letters|answers|nights|winters|doors|songs|questions|rivers|brothers|wells|birds|roads|lies|harvests|bells
        |proofs|stones}
verse:
    the <quality> <thing>
    <many> <things>
    <noun> and <noun>
    the <thing> of <noun>
    {against|in praise of|after} <idea>
    to {the <quality> <thing>|my <quality> <thing>}
    what the <thing> said
    elegies for {the|my} <thing>
    <many> <things> to the <quality> <thing>
play:
    the <thing> {thief|maker|keeper|seller}
    the <quality> {bride|judge|heir|uncle|widow|guest|envoy|twin}
    a <thing> for the {widow|judge|stranger|king}
    the {trial|wedding|marriage|burial|sale} of the <thing>
    <many> {guests|masks|beggars|sisters}
    the {envoy|miller|tyrant|ferryman}'s <thing>
chronicle:
    the book of [place]
    annals of the <quality> {years|house|throne}
    a history of the {gates|wells|walls|kings|markets} of [place]
    the <thing> of years
    <many> {reigns|sieges|treaties}
    on the {causes|fall|deeds|errors} of the <quality> {kings|years|generals}
    the <quality> chronicle
life:
    the life of [name]
    [given], a life
    in memory of [name]
    the <quality> <thing>: a life of [given]
    the deeds and sayings of [name]
    conversations with [given]
    what [given] taught
treatise:
    on <idea>{| and <idea>}
    against <idea>
    the <thing> of <idea>
    <many> {questions|doubts|propositions} concerning <idea>
    the <quality> {number|circle|sum|angle|argument}
    on the {weight|division|measure|number|shape} of {<noun>|<things>}
    the elements of <idea>
medicine:
    on the {fevers|wounds|coughs|eyes|teeth|joints} of {children|sailors|the old|miners|women|horses}
    the <quality> {pulse|liver|hand|breath}
    <many> remedies
    the <thing> of health
    on {bleeding|diet|childbed|poisons|bad air|the setting of bones}
    a {regimen|manual|handbook} for the <quality>
tables:
    the [place] tables
    tables of the <quality> {star|moon|sun}
    a catalogue of <quality> stars
    on the {wandering|return|colour} of {comets|planets|the moon}
    a calendar of <many> {moons|feasts|years}
map:
    the [place] map
    a chart of the <quality> {coast|sea|strait|hills}
    <many> {islands|roads|passes} drawn to scale
    the <quality> atlas
    the road from [place]
herbal:
    the [place] herbal
    on {mosses|grasses|grafting|poisonous flowers|water plants|seeds|the olive|mushrooms}
    the <quality> garden
    <many> useful {plants|roots|barks}
    the orchard of <idea>
music:
    {songs|a lament|airs|dances} for the <quality> <thing>
    the <thing> songs
    <many> dances from [place]
    <noun> and <thing>
    the <quality> {choir|shepherd|bride|piper}
    variations on <idea>
    music for {a wedding|a drowned town|the first snow|an empty hall|harvest|two flutes}
picture:
    the <quality> <thing>
    {woman|man|boy|girl|old man|beggar|nun} with <thing>
    the <thing> at [place]
    <many> {figures|birds|judges|boats}
    <idea> and <idea>
    still life with <noun>
portrait:
    [name], seated
    portrait of [name]
    [given] in old age
    [name] reading
vessel:
    the <quality> {bowl|jar|ewer|cup}
    the [place] {bowl|jar|dishes}
    <many> {cups|jars|dishes}
    the <thing> {jar|cup|bowl}
window:
    the <quality> window
    the <thing> window
    the window of <idea>
    the <many> lights of [place]
tapestry:
    the <quality> {hunt|banquet|fleet|orchard}
    the tapestry of the <thing>
    <many> {horsemen|ships|queens|hounds}
    the labours of <idea>
building:
    the {bridge|gate|cistern|aqueduct|granary|tower|library|bathhouse|market hall} of the <quality> <thing>
    the <quality> {bridge|tower|gate|canal|cistern|dam|hall}
    the <many> {arches|towers|gates} of [place]
    the <thing> {canal|bridge|tower|hall|gate}
ship:
    the <quality> <thing>
    the <thing> of [place]
    the <quality> {sister|daughter|bride|widow}
memoir:
    <many> {campaigns|sieges|marches|retreats}
    a soldier's <thing>
    what I {carried|burned|saw|denied} at [place]
    the <quality> {banner|camp|company|oath}
    on {sieges|the crossing of rivers|retreat|sentries|loyalty|codes and ciphers}
voyage:
    a pilot book of the <quality> {sea|coast|strait}
    to [place] and back
    <many> {harbours|shoals|landfalls}
    the voyage of the <quality> <thing>
    on {tides|currents|the winds of [place]|steering by night}
letters:
    letters {from [place]|to a <quality> partner|on <idea>}
    the price of <noun>
    the <quality> ledger
    <many> years of {trade|<noun>}
    advice to a young merchant
code:
    the [place] code
    on {inheritance|boundaries|perjury|dowries|the rights of strangers|tolls|wrecks}
    <many> {judgements|oaths|articles}
    the <quality> law
    the scales of <idea>
sermons:
    {sermons|hymns|prayers|meditations} on <idea>
    the <quality> <thing>
    {hymns to|the garden of|the mercy of} [god]
    <many> {nights|steps} with [god]
    the mirror of <idea>
dictionary:
    a glossary of the <quality> tongues
    <many> words for {<noun>|<idea>}
    the <thing> of languages
    a grammar of [place]
    on {untranslatable words|false friends|oaths and curses}
bell:
    the <quality> bell
    old <idea>
    the bell of [place]
    the <thing> bell
clock:
    the <quality> clock
    the [place] clock
    the clock of <many> {birds|hours|saints|moons}
    the <thing> clock
recipes:
    on {sauces|pickling|bread|feasts|river fish|game|fasting}
    the <quality> table
    <many> {dishes|banquets|soups} of [place]
    the cook's <thing>
war:
    the <thing> War
    the War of the <quality> {<thing>|heir|envoy|bride|treaty|harvest}
    the War of <many> <things>
    the <noun> War
    the War of <idea>
    the [place] War
    the <quality> War
""")
