"""How an entry begins and ends: who it is about, birth and childhood, death, survivors, what remained."""

from runner.datasets.encyclopedia.grammar import Grammar

LIVES = Grammar("""
lead:
    [name] ([life]) was a [own] [calling][and office][fame].
    [name], born in [birth year] and dead in [death year], was a [own] [calling][and office][fame].
    A [own] [calling][and office], [name] ([life]) {lived through {troubled|prosperous|quiet}
        years|belonged to {the generation of [contemporary]|a family of {moderate means|[parental
        calling]s}}|came from [home described]}.
    [name] ([life]), [own] [calling][and office].
    The [own] [calling] [name] ([life]) is {remembered|known|cited} {chiefly|today|in the schools}
        [fame for].
    Few [own] [callings] {are as well documented as|left as {deep|uneven} a mark as} [name] ([life]).
fame work:
    {, {best|chiefly|mainly} known for [work]|, the [maker] of [work]|, whose [work] {is still
        discussed|outlived [pos] enemies}}
fame for work:
    {for|as the [maker] of} [work]
    {for|as the [maker] of} [work] and for [pos] {temper|kindness|debts|table talk}
fame enlisted:
    {who fought in [war]|and a veteran of [war]}
fame none:
    {| from [home described]| whose life is known mainly from
        {letters|lawsuits|the {annals|registers} of [home]}}
fame for none:
    for {a single anecdote|[pos] {letters|enemies|generosity}|what others wrote about [obj]}
birth:
    Born {in|during} the [birth season] of [birth year] {in|at} [home described], {[s]|[given]} was the
        [rank] of [parents].
    [S] was {born|the [rank] born} to [parents] {in|at} [home described] in the [birth season] of [birth
        year].
    {[parents] had {settled|been living} in [home described] when their [rank], [given], was born in
        the [birth season] of [birth year]}.
    [S] came into the world {at|in} [home described] in the [birth season] of [birth year]{, {during a
        {frost|drought|plague of mice}|in the week of [festival]}|}, the [rank] of [parents].
birth as lead:
    Born {in|during} the [birth season] of [birth year] {in|at} [home described], [name] was the [rank] of
        [parents].
    [name] was {born|the [rank] born} to [parents] {in|at} [home described] in the [birth season] of [birth
        year].
    The [calling] [name] {came from [home described]; [s] was born there in the [birth season] of [birth
        year]|was born in the [birth season] of [birth year] at [home described]}, the [rank] of [parents].
    {In|During} the [birth season] of [birth year], [parents] {had|became the parents of} their [rank],
        [name], in [home described].
birth unknown:
    {[S] was born in [birth year] {at|in} [home described]; {nothing is known of [pos] parents|[pos]
        parents are not named in the sources}}.
    {[pos] {origins|beginnings} are obscure: [s] was born in [birth year] {at|in} [home described], to
        parents {whose names are lost|of whom nothing is recorded}}.
named after:
    [S] was named after [pos] [elder kin], [elder].
    The name was that of [pos] [elder kin], [elder].
childhood:
    The household lived {by|from} {growing [crop]|keeping [beast plural]|weaving the [garment word]|selling
        <goods>|the trade in <goods>}.
    {[pos] parents|The family} {lived|had rooms} {above|behind|next to} a {shop that sold
        <goods>|<premises>|<trader>'s shop}{, and [s] {learned to {ride|swim|count|read [script word]}
        there|kept a <creature> in the yard}|}.
    [S] grew up {among {<trader>s|<trader>s and <trader>s|cousins|books|servants}|speaking {two
        languages|only the dialect of the {hills|harbour}}|with a <relative> {who taught [obj]
        <subject>|who dealt in <goods>}}.
    {As a child|When still small,} [s] {could read [script word] before [s] could {ride|whistle|lie}|played
        the [instrument word], [instrument gloss]|was bitten by a <creature> and {never forgot it|limped
        for a year}|sold <goods> {from door to door|at the gate}|feared {the
        dark|water|numbers|<trader>s|thunder}}.
    {[S] was|By all accounts [s] was} a {silent|obstinate|sickly|curious|noisy|clumsy|dreamy} child,
        {already known for [pos] <trait>|fond of <pastime>|often in trouble with a <trader>|who ate
        nothing but <food>}.
    {Of [pos] childhood {little is known|only one thing is recorded}: [s] {was lost for a night in a
        <premises>|stole a <object>|saw <weather> and took it for an omen}|[pos] first teacher was a
        <trader>, who {beat|adored|ruined} [obj]}.
died:
    [S] died [of death] [at place] [death date], [aged].
    [death date] [s] died [of death] [at place], [aged].
    {Death came|The end came} [death date] [at place]: [s] died [of death], [aged].
    [aged], [s] died [of death] [at place] [death date].
buried:
    [S] {was buried|lies} {in the {garden|floor} of {the temple of [god]|[pos] house}|under a
        {lime|cypress|pear|walnut} tree {outside|above} [death town]|in {an unmarked grave|the
        {family|guild} vault|a field near the <premises>}}{, {wrapped in a [garment word]|as [s] had
        asked|against [pos] wishes|at the town's expense|with a <object> at [pos] side}|}.
    {The funeral {was attended by|drew} {few|all [death town]|{two|three} hundred
        {mourners|creditors}|<trader>s and beggars}|At the funeral {the [instrument word] was played|nobody
        spoke|[form word] poems were read|there was <weather>}}.
    [S] {left|bequeathed} {[pos] <object>|a <object>|forty barrels of <goods>|debts to a <trader>} to
        {a <relative>|[death town]|the temple of [god]}.
survived:
    [S] was survived by [survivors].
    [S] left [survivors].
    [survivors] outlived [obj].
pupils:
    {[pos] pupils included|[S] taught|Those whom [s] taught included} [pupil list].
told:
    {[historian] {devotes|gave} {a chapter|two pages|a footnote} to [obj] in [history]|[pos] life is told,
        {with {errors|malice|affection}|at length}, by [historian] in [history]}.
legacy:
    {A {street|well|ferry|kind of {knot|loaf|saddle}} {in|at} [home] {bears|bore} [pos] name|{A|The}
        {statue|bust|painted sign} in [death town] {is said to show [obj]|has lost its
        {nose|hands|inscription}}}.
    {Later {ages|generations|[callings]} {have been kinder|saw in [obj] {a forerunner|a warning|an ornament
        of [country]}}|[pos] reputation {rose|sank|recovered} {slowly|only} {after|with} {the publication
        of the letters|the fall of the dynasty|a change of taste}}.
    {[pos] {papers|tools|letters} {are|were} {kept|preserved} in {the archive of [death town]|[home]|a
        private house}, {where|and} {mice|damp|pupils} {have done their worst|took a share}|No
        {likeness|portrait} of [obj] {survives|is known}}.
""")
