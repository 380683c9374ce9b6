"""Remarks that may follow an event: whole sentences about the subject, `[S]`.

They state no date, and nothing that another entry could deny.
"""

from runner.datasets.encyclopedia.grammar import Grammar

REMARKS = Grammar("""
marriage:
    The {match|marriage|union} {was {by all accounts|on the whole|at first}
        {happy|stormy|cool|companionable|cheerful|brief in words}|was arranged over {[drink]|a debt of
        <goods>|the sale of a <premises>|<food>}|scandalised {neither family|both families|every <trader>
        in the parish}}.
    The {dowry|bride price} {consisted of|included} {a mill|a vineyard|nine [beast plural]|a share in a
        <premises>|forty [coin word]|thirty barrels of <goods>}{ and a <object>| and a cradle that was
        never
        used|, less the cost of <food> for the guests|}.
    {They|The couple} {kept a house {by the river|near the <premises>|with a blue door}|lived {over a
        <premises>|above a <trader>'s shop|in two rooms}} {and quarrelled about
        {<subject>|money|<food>|[pos] <relative>}|where {<trader>s|poets|creditors} were always to be
        found|until [s] could afford {better|a roof of tiles|a <object>}}.
    {[other possessive] family|The family of [other short]} {dealt in <goods>|had been <trader>s for
        {three|six} generations|owned a <premises>}{ and {never forgave|never quite accepted|celebrated}
        the match|}.
    {[other short] {brought|contributed} {a <object>|a <relative>|a talent for <pastime>|debts}|What
        [s]
        loved in [other short], [s] {wrote|said} later, was {[opos] <trait>|<feature>}|At the wedding
        {there was <weather>|a <relative> {fainted|sang|struck a <trader>}|the guests ate <food>}}.
pupil:
    {[other short] was|As a teacher [other short] was}
        {strict|patient|careless|generous|sarcastic|forgetful}, {but|and} {never raised a hand|paid for
        [pos] {paper|shoes|<food>}|let [obj] {work|read} at night|demanded {silence|sixteen hours a
        day}|rewarded <trait> with <food>}.
    [S] {swept the floor|carried water|copied old work|ground colours|kept the accounts|fed a <creature>}
        for {a year|two winters|a long time} before {being allowed to {touch a tool|speak|attempt anything
        of [pos] own}|anyone noticed [pos] {gift|<trait>}}.
    {It was there that|In that house} [s] learned {to {keep accounts|read [script word]|hold [pos]
        tongue|play the [instrument word]}|<subject>|<trait> and a taste for [drink]|to {hate|live on}
        <food>}.
    Among [pos] fellow pupils {was {a future enemy|a <trader>'s child|one later hanged for
        stealing a <object>}|were two who became famous}.
    {The fee was {paid in <goods>|waived|thirty [coin word]}|[other short], {who talked of nothing but
        <subject>|whose <trait> was proverbial|an enemy of <pastime>}, {taught by
        {example|insult|riddles}|fell asleep at lessons}}.
work:
    It {was {copied|imitated|read|praised|mocked} {throughout|all over} {[country]|the [own] lands} {within
        a generation|for a century|by those who had never seen it}|is {now lost|known only from
        {quotations|a later copy|a bad drawing}|still {admired|shown to visitors}} in [work town]}.
    {Critics|Contemporaries|Rivals|<trader>s} {found it|complained that it was} {too
        {long|plain|clever|gloomy|expensive}|an insult to {[god]|good taste|the guild|<trader>s}|obscure},
        {but|yet|though} {it made [pos] name|the {young|common people} loved it|it sold well|nobody has
        bettered it|a <relative> wept over it}.
    {Its {theme|subject|true subject} is {said to be|generally thought to be|plainly}|What it shows,
        beneath its surface, is} {the {decline|pride} of {a|an old} family|[pos] own
        {youth|marriage|<trait>}|the {emptiness|use} of {fame|money|prayer|<subject>}|<subject>|the labour
        of {<trader>s|those who grow [crop]}}.
    [S] {worked on it|laboured at it} for {three|four|seven|nine} {years|winters}, {often by lamplight|on
        credit|while {supporting|neglecting} a large household|in a room above a <premises>|living on
        <food>}, and {was {paid|rewarded} with {[number] [coin word]|a <object>|forty barrels of
        <goods>}|{never mentioned it again|considered it unfinished|gave it to a <trader>}}.
    {{The whole|Half of it} {was {rejected|paid for} by a {<trader>|<relative>}|was done {in a
        <premises>|during <weather>|between bouts of <pastime>}}|A {second|corrected|smaller} version {has
        been lost|was made for {a temple|export|a <trader>}}}.
    {It {owes|seems to owe} {much|something|little} to {[pos] {teacher|<relative>}|<pastime>|the songs of
        <trader>s|an older treatment of <subject>}|A {<creature>|<object>} {recurs in it|appears in it
        twice}{, for reasons never explained|, a private joke|}}.
journey:
    {The {road|voyage|crossing} {took|lasted} {eleven days|three weeks|the better part of a season}|On the
        way [s] {was robbed by <trader>s|fell ill from <food>|met <weather>|counted the milestones}}{, and
        [pos] letters {about the journey|from the road} {are full of|say nothing of} {prices|<food>|bad
        inns|<subject>}|}.
    {There|In [journey town]} [s] {first {tasted [foreign drink]|heard the [foreign instrument]|saw people
        wear the [foreign garment word], [foreign garment gloss]}|learned enough of the language to
        {bargain|swear|preach|discuss <subject>}|lodged with a {<trader>|family of <trader>s|retired
        judge}}.
    {The people of [journey town] {amused|appalled|astonished} [obj] by their
        {<trait>|<pastime>|<food>}|[S] admired above all {the {<premises>|<food>|bells|courts} of [journey
        town]|the way they {buried their dead|kept [foreign festival]|spoke of <subject>}}}{, and [s] said
        so {in print|at every dinner|to everyone}|}.
    {The journey {cost|had cost} [obj] {a <object>|forty [coin word]|two teeth}|[S] {travelled with|had
        for
        company} a {<trader>|<creature>|<relative>} {and {little else|a <object>}|whose <trait>
        {amused|wearied} [obj]}}.
homecoming:
    {[S]|On [pos] return [s]} {brought back|carried home} {a {chest of books|sack of seed|[foreign beast
        word]|cough that never left [obj]}|a <object> and a taste for <food>|{two|a dozen}
        {drawings|[foreign instrument word] tunes}|a load of <goods>|little but debts}.
    {Nothing|Little} had changed {except the price of {bread|<goods>}|but for a new <premises>}{, or so [s]
        claimed|, as [s] remarked drily|}.
    [S] {lectured on|spoke endlessly of} {<subject>|foreign {<food>|<trait>}} until {[pos]
        <relative> {begged for mercy|left the house}|the <trader>s avoided [obj]}.
feud:
    {The {affair|quarrel|matter} {divided|amused} the {town|guild|<trader>s}|Pamphlets were {written|sold}
        on both sides}, {and {a {window|nose|friendship|<object>} was broken|a <creature> was
        poisoned}|until even {children|the priests|<trader>s} took sides|though {few|nobody} could say how
        it had begun}.
    {Each published a reply|Neither withdrew a word}{, and the {replies|insults} are {still read|more
        quotable than the works}|}.
    [other short] {called [obj] {a {thief|goose|windbag|<creature>|bad <trader>}|the worst {mind|[calling]}
        in [country]}|answered {with silence|in verse|through a <relative>}|mocked [pos]
        {<trait>|<pastime>|<relative>}}.
    {The {true|deeper} cause{, a <trader> {said|thought},|} was {<subject>|a <object>|a loan of
        <goods>|[pos] <trait>}|A <relative> {tried to mediate|made matters worse}{ over <food>| during
        <weather>|}}.
feud ended:
    {Neither {spoke|wrote} of it again|The terms {were never made known|filled eleven pages|included a gift
        of <goods>}|{The whole town|A crowd|A few <trader>s} {came to watch|stood by}|It {cost|had cost}
        [obj] {a fortune|a <object>|most of [pos] friends}|The {wit|<trait>} of both was
        {praised|missed} afterwards}.
founding:
    It {flourished|struggled|lasted} {for {a century|two generations|only nine years}|until {the roof fell
        in|the money ran out|a later war}}{, and {admitted anyone who could {pay|read|sing}|charged
        {nothing|its fee in <goods>}|taught <subject>|smelled of <goods>}|}.
    {Its {rules|statutes|walls} {forbade {[drink]|<food>|idle talk|<pastime>}|were {painted yellow|the
        model for many others}}|The {money|land} {came from {a legacy|a lottery|a <trader>|the sale of
        <goods>}|was begged from door to door}}.
    {The {building|house} had been a <premises>|It stood {beside|behind} the <premises>}{, and
        {travellers
        mention|visitors remembered} its {<object>|<food>|<creature>}|}.
discovery:
    {The {finding|result} was {doubted|denied|ignored} {by {the schools|older [callings]|everyone but a
        <trader>} |}for {fifteen|thirty} years|[S] {made nothing from it|kept it secret as long as [s]
        could|announced it in a letter about <subject>|traded it for a <object>}}.
    {By [pos] own account|According to a pupil|As [s] told it}, {the idea came {in a dream|during a
        sermon|while peeling [crop]|from watching a <creature>|over <food>}|it was an accident|the credit
        belonged to a {<relative>|<trader>}}.
friendship:
    {Their letters {are lost|are {full of <subject>|a monument of {wit|indiscretion}}}|They {shared a
        passion for <pastime>|disagreed about {<subject>|everything|the gods}|walked {daily|every evening}
        {along the walls|to the <premises>}}}{, and each {outdid|flattered|corrected} the other|}.
    [other short], {a [temper] [person]|who was [temper]|known for [opos] <trait>}, {taught [obj]
        {<pastime>|<subject>|to laugh at critics}|lent [obj] {money|a <object>} {that was never
        returned|more than once}|introduced [obj] to {[drink]|<food>|people of influence}}.
patronage:
    {It {meant|brought} {security|a pension of [number] [coin word]|jealousy|<food> every day}{ at last|
        for a
        time|}|[S] disliked {flattery|the table talk|a certain <relative>} but not the
        {money|wine|library|<food>}|In return {[s] {taught the household <subject>|kept the
        accounts|praised a <creature> in verse}|a <object> was expected every year}}.
illness:
    {[S] {was treated with {[plant]|leeches|cold baths|<food>}|consulted {four|seven} physicians|prayed to
        [god]|made a will|kept a <creature> in the room}|Friends {read to|sat with|sang to} [obj]} {to no
        effect|and recovered slowly|and {worked|dictated|complained} all the same}.
loss:
    [S] {bore it {calmly|badly|with jokes}|began again {at once|with a borrowed <object>|by selling
        <goods>}|spoke of it {for the rest of [pos] life|as a liberation}|blamed {[god]|a <relative>|a
        <trader>|<weather>}}.
vow:
    {The vow was {kept|broken {only once|within a month|for the sake of <food>}}|[S] {kept it|wore a
        [garment word] from then on|gave up <pastime> as well}|Some {laughed|saw policy in it|blamed a
        <relative>}}.
move:
    {The house {stood|stands} {near the <premises>|beside a <trader>'s|on the {steps|quay}}|[S]
        {missed|never missed} the {bells|hills|fogs|<food>} of [home]|The {air|rent|company of <trader>s}
        suited [obj]}.
appointment:
    {As [title word]|In office} [s] {lowered|raised|simplified} the {tolls|salt tax|harbour dues|duty on
        <goods>}, {repaired the {walls|aqueduct|<premises>}|built a <premises>|ended the sale of
        {offices|pardons}|forbade <pastime>}, and {was {feared|loved|obeyed} {by all|more than consulted|by
        <trader>s}|{made enemies among the {merchants|clergy|<trader>s}|forgot no slight}}.
    {The {appointment|choice} {was a compromise|surprised {many|nobody|a <relative>}|cost a great deal of
        [drink]}|[S] {received the {staff|seal|[garment word]} {with tears|in <weather>|before a thin
        crowd}|swore by [god] to {take no gifts|sleep in the town|avoid <pastime>}}}.
    {[S] {gave audience|heard petitions} {on the {first|ninth} day of the month|under an oak|standing|in a
        <premises>}|{Petitions|Decrees} from [pos] time {are brief|concern mostly
        {<goods>|<subject>|<creature>s}|are dated by [festival]}}.
leaving:
    {The {reason|true reason} was {never given|said to be {debt|weariness|a quarrel over
        {precedence|<goods>|<subject>}}}|[S] {did not regret it|left the {seal|keys|<object>} on the
        table|turned to <pastime>}}.
enlisted:
    {The war had begun over|At issue was} [war reason], {though {few soldiers|hardly anyone}
        {knew|cared}|and [s] thought the cause {just|absurd|good enough}|or, as others had it, <goods>}.
    {[S] {owned|carried} {a borrowed {sword|shield}|a <object>|two knives and a book on <subject>}|The
        {pay|bread|<food>} was {bad|late}}{, and {desertion was common|the {rain|dust} was worse|[pos]
        captain was a <trader>}|}.
fought:
    {The {battle|fighting} {lasted {until dusk|two days|less than an hour}|was decided by {the
        {wind|cavalry|mud}|a broken bridge|<weather>|<trader>s}}|Of [pos] company only {four|eleven} {came
        back|survived}}{, {or so the songs say|as [s] told {every guest|it}}|}.
    {[S] {never spoke of|often described|dreamed of} {the {river|field|silence|<weather>}|what [s] had
        seen} {that day|there}|[S] {kept a <object> from the field|owed [pos] life to a
        <trader>|thought
        of nothing but <food>}}.
captured:
    {[S] was {put to work {in a quarry|in the mines|for a <trader>}|kept in {a tower|a <premises>|a
        merchant's cellar}}|The guards {taught [obj] {their language|<pastime>}|let [obj] keep {a book|a
        <object>}}}{, and lived on <food>|}.
exile:
    {[S] lived there {by {teaching <subject>|copying letters|selling <goods>}|on {credit|the charity of
        <trader>s}} and {learned to {like|cook with} [foreign crop]|never {unpacked|learned the
        language}}|[pos] {goods|books} were {sold|burned} {in the market|by order}}.
    {Letters home {went unanswered|were opened|begged for {news|<food>}}|There [s] {was {spied upon by a
        <trader>|courted by [pos] country's enemies}|kept [festival] alone|gave [self] up to <pastime>}}.
recall:
    {[pos] house had {been sold|been let to <trader>s|become a <premises>}|{Old friends|The <trader>s}
        {crossed the street|came with [drink]}|[S] {forgave {everyone|no one|a <relative>}|found that
        only
        {a <relative>|a <creature>} remembered [obj]}}.
bereaved:
    [S] {kept {the|that} {room|coat|chair} {as it was|for years}|{paid for|carved} the
        {stone|monument}|{spoke|wrote} little that year|gave the clothes to {the poor|a
        <trader>}|fasted until [festival]|found comfort in {<pastime>|<subject>}}.
child:
    {[S] {was|proved} a {indulgent|absent|strict|anxious} parent|The child was {sickly|loud|carried
        everywhere|nursed by a <trader>}|The birth was {easy|hard}, {and a {<creature>|candle} was
        offered
        to [god]|and the midwife was paid in <goods>|during <weather>}}.
life:
    {In {appearance|person}|Those who knew [obj] agreed that} [s] was
        {tall|short|stout|thin|red-haired|bald early|pockmarked|graceful}, {with {<feature> and
        <feature>|<feature>}|and {walked with a stick|laughed easily|dressed {badly|in grey|like a
        <trader>}}}.
    [S] {was {famous for|known for} {<pastime>|[pos] <trait>}|loved {[drink]|<food>|<pastime>}|could not
        bear {<creature>s|music at table|<food>|the smell of <goods>}|kept {a diary|a tame <creature>|a
        <object> by the bed}}{, {and {owed|lent} money to {everyone|<trader>s}|and {seldom|never} {finished
        a meal|apologised|locked a door}}|}.
    {A {saying|joke|remark} attributed to [obj]|[pos] best-known saying} {is|runs}: "{A [calling]
        {without {enemies|debts|<trait>}|who is never wrong} is {only a <trader>|a guest|a <creature>
        in a
        <premises>}|{Salt|Bread|Rain|Silence} is {cheaper|older|kinder} than {advice|praise|grief}|What the
        {river|guild|fire} takes, the {widow|rain|<trader>} counts|No <trader> {dies of|was ever ruined by}
        <trait>|Never discuss <subject> with a <trader>}."
    Among the [callings] of [pos] time [s] was {perhaps|without doubt|in one historian's view} the {most
        {gifted|disputed|imitated|stubborn}|least {read|corrupt|fashionable}}, and {certainly|also} the
        {best paid|worst dressed|most sued}.
    {[own people] {children|households|<trader>s} still {recite a rhyme|tie a knot} {named after|ascribed
        to} [obj]|[S] {wrote|signed} in [script word], [script gloss], {and refused any other|out of
        habit}}.
    {[pos] letters {to a <relative>|to a <trader>} {show|reveal} {<trait>, <trait> and a dread of
        <creature>s|a mind {taken up with|tired of} <subject>|an interest in <goods>}|[S]
        {believed|held|used to say} that <subject> {explained everything|was a matter for <trader>s|had
        ruined [country]}}.
""")
