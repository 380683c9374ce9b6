"""Particulars of an event: kinds of work and how they are made, ways to die, what people fell out over."""

from runner.datasets.encyclopedia.grammar import Grammar

WORKS = Grammar("""
verse:
    a {cycle|book|sequence} of {<many> |}{short poems|verse letters|elegies|[form plural]|poems on
        <subject>}
    a long poem {on {<subject>|the sea|a lawsuit|the sorrows of a <trader>}|in
        {short|alternating|unrhymed} lines}
    a [form word], [form gloss], {about a <creature>|addressed to a <relative>|in praise of <food>}
play:
    a {tragedy|comedy|farce|masque} {in {three|four|five} acts|for {two|six} actors|about a <trader> and
        a <relative>|set in a <premises>}
    a play in which {a <trader> inherits a <object>|two <trader>s exchange wives|a <creature>
        speaks the truth}
chronicle:
    a {history|chronicle} {in {four|seven|ten|twelve} books|full of digressions on <subject>|compiled from
        the memories of <trader>s}
    an account of {the town|its families|the old dynasty|the guild of <trader>s|the trade in <goods>}
life:
    a memoir {in {verse|letters|three parts}|written {above|in} a <premises>}
    a {life|portrait} {in prose|drawn from letters|of great tenderness|that passes over the <trait>}
treatise:
    a {treatise|dialogue} {in {two|three|six} parts|written for beginners|that few could follow|between
        a <trader> and a god}
    an inquiry into <subject>{| that ends with a defence of <trait>}
medicine:
    a {handbook|treatise} {for {midwives|army surgeons|village healers}|illustrated by [pos] own hand|that
        recommends <food> for everything}
    a book of cases, among them {a <trader> who could not sleep|a <relative> bitten by a
        <creature>}
tables:
    a {set of tables|catalogue} {computed over many nights|used by {sailors|tax
        collectors|priests|<trader>s}|drawn up in a <premises>}
map:
    a map {drawn on {calfskin|silk|eleven sheets}|on which south is at the top|that marks every
        <premises>|made for <trader>s}
herbal:
    a {herbal|description} of {two|three|six} hundred plants{|, with a chapter on [plant]|, arranged by
        smell}
    a treatise on {the growing of [crop]|plants useful to <trader>s|poisons}
music:
    a {suite|song cycle|set of dances|work} for [instrument]{| and voices| and drums}
    {songs|airs|dances} for a {<trader>'s wedding|procession|<premises>}
picture:
    a {panel|fresco|scroll|painting} {on {limewood|silk|wet plaster}|in {ochre and black|three greens}|that
        shows a <trader> with a <creature>}
    a {large|small|dark} painting of {a <premises>|<weather>|<food> and a <object>}
portrait:
    a portrait {in {oils|tempera|red chalk}|on {poplar|copper}|with a <object> in the background|that
        does not hide <feature>}
vessel:
    a {vessel|piece} in {black slip|celadon|red clay|white clay} {decorated with {herons|oak leaves|a
        <creature>}|without ornament|made to hold <goods>}
window:
    a window of {three|nine|fifty} panes {for the {temple|guildhall|court} of [place]|given by the
        <trader>s|with a <creature> in one corner}
tapestry:
    a tapestry {eleven|twenty|thirty} paces long, {in|woven from} {wool and silk|undyed wool|gold thread
        and hemp}
    a hanging that shows {<trader>s at work|a <creature> among lilies|<weather> over a <premises>}
building:
    a structure of {brick|granite|cedar|limestone} {much admired for its vaults|that took nine years to pay
        for|on the site of a <premises>}
    a {building|work} {paid for by the <trader>s|with room for forty barrels of <goods>}
ship:
    a {three-masted|flat-bottomed|fast|broad} {galley|grain ship|ferry|warship}{| built to carry <goods>|
        with a <creature> at the prow}
memoir:
    a {memoir|book of recollections} {in plain prose|dictated to a clerk|full of scores to settle|silent
        about <subject>}
    a {guide|manual} for {recruits|spies|young officers}, {with remarks on <food>|written in a
        <premises>}
voyage:
    a {pilot book|log|guide} {for {coasting captains|the western passage|the carriers of <goods>}|with
        {soundings|drawings of headlands|a warning against <trader>s}}
letters:
    a {collection of letters|manual of trade} {addressed to {a <relative>|[pos] partners}|with tables of
        exchange|on the buying of <goods>}
code:
    a {code of law|commentary|collection of judgements} {in {thirty|ninety} articles|for use in country
        courts|on disputes among <trader>s|concerning <goods>}
sermons:
    a {collection|book} of {sermons|prayers|hymns} {for {the feast days|<trader>s|the dying}|in the spoken
        language|against <pastime>|in praise of <trait>}
dictionary:
    a {word list|grammar|dictionary} {of {[language]|[other language]|three languages}|of the speech of
        <trader>s|with examples drawn from <subject>}
bell:
    a bell {weighing as much as {six|nine|twelve} oxen|paid for by the <trader>s|cast from {old swords|a
        <object>}}
clock:
    a {water clock|tower clock|clock} with {moving figures|a single hand|a chime of five bells|a
        <creature> that strikes the hours}
recipes:
    a {cookery book|collection of recipes} {for {great houses|the poor|fast days|<trader>s}|with [crop] on
        every page|that begins with <food>}
    a book on {the preparation of <food>|the uses of [crop]|the feeding of {guests|armies|children}}
many:
    {six|nine|twelve|twenty|thirty|forty|sixty}
""")

MAKING = Grammar("""
verse:
    {write|compose|complete}
play:
    {write|put on|complete}
chronicle:
    {write|compile|publish}
life:
    {write|complete}
treatise:
    {write|publish|circulate}
medicine:
    {write|publish}
tables:
    {compute|publish|compile}
map:
    {draw|engrave|complete}
herbal:
    {write|compile|illustrate}
music:
    {compose|write|perform}
picture:
    {paint|complete}
portrait:
    {paint|draw}
vessel:
    {fire|make|glaze}
window:
    {make|install|design}
tapestry:
    {weave|design|complete}
building:
    {build|design|complete}
ship:
    {build|launch|design}
memoir:
    {write|dictate}
voyage:
    {write|publish|dictate}
letters:
    {publish|write}
code:
    {draft|write|compile}
sermons:
    {write|collect|preach}
dictionary:
    {compile|write|complete}
bell:
    {cast|pour}
clock:
    {build|make|design}
recipes:
    {write|compile|publish}
""")

DEATHS = Grammar("""
age:
    {of old age|in [pos] sleep|of {nothing but|simple} old age|peacefully, in a chair}
fever:
    of {a|the marsh|the spotted|a sudden} fever
cough:
    of {consumption|a winter cough|an inflammation of the lungs}
illness:
    {after {a short|a long|an unexplained} illness|of {dropsy|the stone|a tumour}}
fall:
    after a fall {from {a horse|a ladder|a roof|the town wall}|on icy steps|down a well}
drowned:
    by drowning {in {the river|a flooded cellar|the harbour}|while {bathing|fishing|crossing a ford}}
stroke:
    of a stroke{| at table| in the street| while dictating}
accident:
    {in an accident with a {cart|bell|crane}|under a falling beam|of a lightning stroke|from the kick of a
        mule|of {bad
        mussels|poisonous mushrooms}|of a <creature>'s bite}
childbirth:
    in childbirth
battle:
    {fighting|in the fighting} in [war]
duel:
    in a duel with [opponent]
sea:
    {at sea|in a shipwreck|on board a {grain ship|ferry}}
road:
    {on a journey|far from home|in a snowstorm on the road|at the hands of robbers}
captivity:
    {in captivity|a prisoner of war}
""")

CAUSES = Grammar("""
age:
    old age
fever:
    {a|the marsh|a spotted} fever
cough:
    {consumption|a winter cough}
illness:
    {an|a long|a short} illness
fall:
    {a fall|a fall from a {roof|horse}}
drowned:
    {the river|drowning|the sea}
stroke:
    a stroke
accident:
    {an accident|a falling beam|lightning}
childbirth:
    childbirth
battle:
    {the fighting|[war]}
duel:
    a duel
sea:
    {the sea|a shipwreck}
road:
    {robbers|a snowstorm|the hardships of a journey}
captivity:
    {imprisonment|captivity}
""")

QUARRELS = Grammar("""
work:
    the {authorship|originality|meaning} of [thing]
debt:
    {a|an unpaid} {loan|debt} of [number] [coin word]
boundary:
    {a {hedge|boundary stone|strip of land}|the line of a wall}
insult:
    {a remark at {a wedding|a dinner}|a {satirical verse|nickname}}
dowry:
    {a niece's|an unpaid|a cousin's} dowry
dog:
    {a {dog|goat|peacock}|the killing of a {dog|swan|mule}}
calendar:
    the {reform of the calendar|date of [festival]}
seat:
    {a seat in the {temple|theatre|council}|the order of a procession}
letter:
    {an intercepted letter|a letter that was read aloud}
well:
    {the use of a well|a blocked drain|the smell of a tannery}
translation:
    the {translation|spelling} of a single word
office:
    the office of [thing]
""")

FAULTS = Grammar("""
work:
    having {copied|stolen} {much|the best part} of [thing] from {a dead colleague|older sources}
debt:
    {refusing to repay|denying} a debt of [number] [coin word]
boundary:
    moving a boundary stone{ by night|}
insult:
    {spreading a {nickname|slander}|having insulted a guest}
dowry:
    {withholding|stealing} a dowry
dog:
    {poisoning a dog|stealing a {goat|peacock}}
calendar:
    falsifying the {calendar|date of [festival]}
seat:
    {usurping a seat of honour|jostling in a procession}
letter:
    {opening|forging} a letter
well:
    {fouling|locking} a common well
translation:
    {mistranslating a {treaty|psalm}|ignorance of grammar}
office:
    {buying|abusing} the office of [thing]
""")

REASONS = Grammar("""
toll:
    the tolls {on the river|at the passes}
envoy:
    {the murder of an envoy|an envoy kept waiting in the rain}
succession:
    {a disputed succession|two wills of one dead king}
fishing:
    {herring|the fishing grounds}
border:
    {a line of {hills|boundary stones}|the border}
dowry:
    {an unpaid|a royal} dowry
grain:
    {grain ships seized in a famine|the price of grain}
relic:
    {a stolen {relic|idol}|the bones of a saint}
insult:
    {a toast refused|a joke made at a banquet}
pirates:
    {pirates|the sheltering of pirates}
wells:
    {three wells|the desert wells}
debt:
    a {loan|war debt} {a century old|never repaid}
""")
