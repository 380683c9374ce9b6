"""What can be said of an event in one verb phrase: the grammar's symbols are kinds of event, with their
        note.

`[other]` is the other person of the event, `[pos]` the subject's possessive, `[opos]` the other's. A
        symbol that
ends in "of another" tells the event from the side of the one to whom it was done.
"""

from runner.datasets.encyclopedia.grammar import Grammar

PHRASES = Grammar("""
marriage:
    ~marry [other]{|| in [place]}
    ~be married {at|in} [place] to [other]
    ~wed [other]{| before the altar of [god]| during [festival]}
    ~take [other] as [pos] [spouse]
    ~enter into a marriage {arranged by [pos] family|of convenience|that surprised [place]} with [other]
    ~exchange {rings|knots of red thread|cups of [drink]} with [other]{| in [place]}
remarriage:
    ~marry again, {this time|taking as [pos] new [spouse]} [other]
    ~find a new [spouse] in [other]
    ~take [other] as [pos] [ordinal] [spouse]
pupil:
    ~be {apprenticed|bound|sent} to [other]{| in [place]}
    ~become {a pupil|an apprentice|the youngest pupil} of [other]{| in [place]}
    ~enter the {household|workshop|service} of [other]
    ~begin to {study|learn [pos] calling} under [other]
    ~leave {[home]|[pos] parents' house} to learn from [other]
pupil of another:
    ~take {on|in} [other] as {a pupil|an apprentice}
    ~accept [other], then [age of other] years old, as {a pupil|an apprentice}
    ~begin to teach [other]
    ~receive [other] into [pos] {house|workshop} as a {pupil|learner}
work:
    ~[verb of making] [work]
    ~[verb of making] [work], [kind of work],
    ~[verb of making] [kind of work], [work],
    ~finish [work], [kind of work], {after many delays|for a wager|on commission|against the advice of
        friends}
    ~present [work] to {[ruler]|the elders of [place]|the priests of [god]|a small circle of friends}
work in grief:
    ~[verb of making] [work] in memory of [dead]
    ~answer the death of [dead] with [work], [kind of work],
    ~[verb of making], for [dead], [kind of work] called [work]
journey study:
    ~travel to [place] {to read in its archive|to study with its masters|to hear its teachers}
    ~spend {some time|several seasons} studying in [place]
journey trade:
    ~take a cargo of {<goods>|[crop]|<goods> and <goods>} to [place]
    ~travel to [place] {to sell {<goods>|[drink]}|to buy {<goods>|[crop]}}
journey pilgrimage:
    ~walk {barefoot |}to [place] as a pilgrim
    ~make the pilgrimage to {the shrine of [foreign god] in |}[place]
journey embassy:
    ~be sent {as an envoy|on an embassy} to [place]{| by [ruler]}
    ~carry {gifts|letters|an ultimatum|an offer of marriage} to [place]{| on behalf of [ruler]}
journey collecting:
    ~travel to [place] in search of {old inscriptions|seeds|songs|[foreign plant]|maps|proverbs}
    ~go to [place] to collect {songs|plants|dialects|stories about the dead|weights and measures}
journey health:
    ~go to [place] {for the sake of [pos] lungs|on the advice of a physician|to take the waters}
journey curiosity:
    ~leave for [place], {giving no reason|moved by nothing but curiosity|to see the sea}
    ~follow {a troupe of actors|the herds|a caravan} to [place]
journey commission:
    ~be {called|invited} to [place] {to take up a commission|by a rich widow|to settle a dispute between
        guilds}
journey debt:
    ~{flee|slip away} to [place] {to escape [pos] creditors|from [pos] debts}
homecoming:
    ~return {home|to [place]}
    ~come {back to [place]|home to [place]}
    ~make [pos] way back to [place]
feud:
    ~quarrel with [other]
    ~fall into a {bitter|long|petty|very public} dispute with [other] {over|about} [matter]
    ~accuse [other] of [fault]
    ~begin {a feud|a quarrel} with [other] over [matter]
    ~break with [other], whom [s] {charged with|suspected of} [fault]
feud of another:
    ~be drawn into {a feud|a dispute|a quarrel} with [other] over [matter]
    ~be accused by [other] of [fault]
    ~make an enemy of [other], who {accused|suspected} [obj] of [fault]
feud ended duel:
    ~meet [other] in a duel{| at dawn| on a frozen pond| outside the walls of [place]}
    ~fight [other] with {knives|swords|staves|slings}
feud ended court:
    ~see [pos] {quarrel|dispute} with [other] {settled|judged} by [judge]
    ~take [pos] {quarrel|dispute} with [other] before [judge]
    ~bring [pos] case against [other] to the court of [judge]
feud ended court of another:
    ~be summoned, in [pos] dispute with [other], before [judge]
    ~have to defend [self] against [other] in the court of [judge]
feud ended court of a judge:
    ~judge the {long |}dispute between [other] and [third]
    ~hear the case of [other] against [third]
feud ended peace:
    ~make peace with [other]{| over {a cup|a jug} of [drink]| at a funeral| through the good offices of a
        neighbour}
    ~be reconciled with [other]
    ~end [pos] quarrel with [other]
founding school:
    ~found a school {for [callings]|in [place]|for the children of {weavers|soldiers|widows|sailors}}
    ~open a {small |free |}school in [place]
founding theatre:
    ~build a {wooden |roofless |}theatre in [place]
    ~found a company of {eight|ten|a dozen} actors in [place]
founding library:
    ~found {the|a} library {in|of} [place]{| with {forty|sixty|two hundred} books}
    ~give [pos] books to [place] as a public library
founding hospital:
    ~found a hospital for {lepers|sailors|travellers|foundlings} in [place]
    ~open a house for the sick in [place]
founding observatory:
    ~set up an observatory {on the roof of the granary|above the harbour|in a disused tower} in [place]
    ~build an observatory near [place]
founding garden:
    ~lay out a garden of {medicinal herbs|four hundred plants|[crop] and [plant]} in [place]
    ~plant the {public|physic|walled} garden of [place]
founding choir:
    ~gather a choir of {women|boys|widows|boatmen|masons} in [place]
    ~found a school for players of the [instrument] in [place]
founding workshop:
    ~open a workshop {of [pos] own |}in [place]
    ~set up [pos] own workshop {beside the river|near the north gate|in a former stable} in [place]
founding shipyard:
    ~lay out a shipyard {at|near} [place]
    ~buy the old shipyard of [place]
founding almshouse:
    ~endow an almshouse for {crippled soldiers|war widows} in [place]
founding market:
    ~win for [place] the right to hold a {wool|grain|horse|winter} market
    ~open a trading house in [place]
founding shrine:
    ~consecrate a shrine to [god] {in|near} [place]
    ~found a community of {hermits|sisters|brothers} near [place]
founding foundry:
    ~build a foundry {outside|below} [place]
founding inn:
    ~open an inn {at the {west|river|salt} gate of|in} [place]
discovery remedy:
    ~find that {[plant]|the juice of [crop]|boiled willow bark} {lowers fevers|eases the pain of
        stones|stops bleeding}
    ~introduce a remedy made from [plant]
discovery contagion:
    ~show that the {spotted|autumn|river} fever was carried by {water|lice|grain|cloth}
discovery comet:
    ~observe {a|the} comet {with two tails|visible by day|that others took for a torch}
    ~see a new star in the constellation of the {Plough|Heron|Ladder|Two Widows}
discovery eclipse:
    ~predict an eclipse of the {sun|moon} {to the hour|within a day|that frightened [place]}
discovery pass:
    ~find a pass {through|over} the mountains {north|east|south} of [place]
discovery island:
    ~sight {an island|a group of islands} {unknown to any chart|covered with seabirds|inhabited by seals}
discovery plant:
    ~describe [plant]{, hitherto known only to herders|}
    ~discover {eleven|six|nineteen} {grasses|mosses|orchids} {unknown to science|near [place]}
discovery graft:
    ~succeed in grafting {pear on quince|almond on plum|one olive on another}
discovery current:
    ~chart the {cold|circular|winter} current off [place]
discovery proof:
    ~prove a {theorem|proposition} on {tangents|sums of squares|the regular solids|infinite sets of
        fractions}
discovery error:
    ~find an error in {the accepted value of the circle|the oldest proof in the schools|[pos] teacher's
        best-known argument}
discovery manuscript:
    ~find a {lost |forgotten |}manuscript {in a wall|behind an altar|wrapped around a fish|in a chest of
        flour} in [place]
discovery forgery:
    ~show that the {charter|oldest chronicle|royal pedigree} of [place] was a forgery
discovery kinship of tongues:
    ~show that [language] and [other language] {descend from one tongue|had never been related}
discovery glaze:
    ~obtain a glaze {the colour of {smoke|plums|shallow water|old bone}|that did not crack}
discovery pigment:
    ~make a {blue|green|lasting red} {pigment |}from {cobalt|burnt shells|copper and vinegar|[plant]}
discovery dye:
    ~learn to dye wool {black|violet|a lasting green} with [plant]
discovery mortar:
    ~mix a mortar that set under water
discovery arch:
    ~build the first {pointed|flat|double} arch in [place]
discovery escapement:
    ~invent an escapement that lost only {a minute|half an hour} a {day|week}
discovery alloy:
    ~cast a {new |}bronze with {more tin|a little silver|powdered bone}
discovery hull:
    ~design a hull {with two keels|that could be steered from the bow|for shallow rivers}
discovery preserve:
    ~preserve {[crop]|plums|river fish} in {ash|honey|sealed jars|[drink]}
discovery tuning:
    ~propose a new tuning for the [instrument]
friendship:
    ~befriend [other]
    ~meet [other], who became [pos] {closest|lifelong|most useful} friend
    ~form a {close |}friendship with [other]
friendship inn:
    ~share a table {at an inn|in a tavern} in [place] with [other], and ~{keep the habit|talk until
        morning}
friendship storm:
    ~shelter from a storm {with|in the house of} [other]
friendship correspondence:
    ~begin a correspondence with [other]
friendship game:
    ~lose {a horse|a month's wages|a coat} at dice to [other]
patronage:
    ~find a patron in [other]
    ~enter the service of [other]
    ~be granted a {pension|house|yearly barrel of [drink]} by [other]
patronage of another:
    ~become the patron of [other]
    ~take [other] under [pos] protection
    ~grant [other] a {pension|house}
illness eyes:
    ~begin to lose [pos] sight
    ~go blind in one eye
illness voice:
    ~lose [pos] voice {for a whole winter|to a fever}
illness fever:
    ~come close to dying of a {marsh|spotted|quartan} fever
    ~lie ill for {months|a whole season} with fever
illness joints:
    ~become {lame|stiff} {from gout|in both knees}
illness melancholy:
    ~sink into a melancholy {that lasted until the thaw|from which [pos] friends could not rouse [obj]}
illness hand:
    ~lose the use of [pos] {left|right} hand
illness sleeplessness:
    ~begin to suffer from sleeplessness
illness plague:
    ~survive the {plague|sweating sickness} {in|at} [place]
illness hearing:
    ~become deaf{| in one ear}
loss fire:
    ~lose {[pos] house|nearly all [pos] papers|[pos] workshop|a year's work} in a fire
    ~see [pos] house in [place] burn {to the ground|down}
loss flood:
    ~lose {everything|[pos] fields|[pos] library|two mules} in the {spring |great |}flood
loss theft:
    ~be robbed of {[pos] savings|a chest of manuscripts|[pos] tools} {on the road|by a servant|by [pos] own
        cousin}
loss debt:
    ~be {imprisoned|distrained upon} for {debt|a debt of {forty|two hundred} [coin word]}
loss lawsuit:
    ~lose a {lawsuit|case} over {an inheritance|a wall|the use of a well|a lame horse}
loss collapse:
    ~be {buried for a day|injured} when {a scaffold|a roof|a gallery} in [place] collapsed
loss censorship:
    ~be forbidden {to publish|to speak in public|to teach} by the {council|priests} of [place]
vow:
    ~vow {never again to {eat meat|ride a horse|cut [pos] hair|speak before noon}|to {fast every new
        moon|build a chapel}}
    ~{dedicate [self]|consecrate [pos] house} to [god], {god|the god} [domain]
move:
    ~move to [place]
    ~settle in [place]
    ~{buy|rent|inherit} a house in [place]
appointment chosen:
    ~be {appointed|chosen|named|elected} [office]
    ~become [office]
    ~{take up|assume} the office of [office]
    ~be raised to the office of [office], {succeeding [predecessor]|a post that [s] had not sought|to
        general surprise}
appointment first:
    ~be {appointed|chosen|named|elected} [office]
    ~become [office]
    ~be the first in memory to be made [office]
appointment inherited:
    ~succeed [predecessor] as [office]
    ~inherit the throne and ~become [office]
    ~be {crowned|proclaimed|acclaimed} [office]
leaving resigned:
    ~resign as [office]
    ~give up [pos] office as [office]
leaving dismissed:
    ~be dismissed as [office]
    ~be removed from [pos] office as [office]
leaving retired:
    ~retire from the office of [office]
leaving defeat:
    ~be deposed as [office]
leaving exile:
    ~lose [pos] office as [office]
enlisted soldier:
    ~{join|be drafted into|volunteer for} the [own] {army|forces|levy} in [war]
    ~take up arms in [war]
enlisted:
    ~serve as a [role] in [war]
    ~join the [own] {army|forces} as a [role] when [war] broke out
fought won:
    ~fight in the {victory|battle won} at [place]
    ~take part in the {victorious |}battle of [place]
    ~be {among the victors|present at the victory} at [place]
fought lost:
    ~{fight|stand} in the {lost|disastrous|hopeless} battle {of|at} [place]
    ~escape from the {defeat|rout} at [place]
wounded hand:
    ~lose {two fingers|a thumb|[pos] left hand} at [place]
wounded eye:
    ~lose an eye at [place]
wounded leg:
    ~be wounded in the {leg|thigh|foot} at [place]{, and limped ever after|}
wounded shoulder:
    ~be struck in the shoulder by {an arrow|a stone} at [place]
wounded head:
    ~receive a head wound at [place]
wounded hearing:
    ~be left half deaf by {a collapsing wall|a blow} at [place]
captured:
    ~be {captured|taken prisoner} by the [enemy] {army|side|forces} at [place]
released:
    ~be {released|ransomed|exchanged} {at the end of the war|when peace was made}
    ~come home from captivity
exile defeat:
    ~flee to [place] {after the defeat in|at the end of} [war]
    ~be driven into exile in [place] by the {loss|outcome} of [war]
exile work:
    ~be {banished|exiled} to [place] by [other] {on account of|because of|for having written} [guilty work]
exile court:
    ~be banished to [place] by the court
exile work of another:
    ~banish [other] on account of [guilty work]
    ~send [other], the author of [guilty work], into exile
recall:
    ~be {recalled|pardoned|allowed to return} from exile
    ~return from exile to [place]
bereaved:
    ~lose [pos] [kin] [dead name] {to|through} [death by]
    ~bury [pos] [kin] [dead name]
    ~mourn the death of [pos] [kin] [dead name], {lost to|carried off by} [death by]
child:
    ~become the [parent] of {a [child kind]|[child]|a [child kind], [child],}
    ~have a [child kind], [child],
first child:
    ~become the [parent] of [pos] first child, [child],
    ~have [pos] first child, [child],
""")
