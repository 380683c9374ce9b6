"""Common English words by what they can stand for, shared by the grammars as symbols."""

from collections.abc import Mapping

_LISTS = {
    "trader": """
        tanner dyer cooper fuller saddler chandler ropemaker thatcher furrier brewer cutler glover
        grocer fishmonger carter ferryman barber innkeeper pawnbroker beekeeper falconer mason
        plasterer tinsmith locksmith basketmaker charcoal_burner gravedigger candle_maker
        horse_dealer notary scribe auctioneer wet_nurse fortune_teller ratcatcher miller shepherd
        smuggler goldsmith water_seller
    """,
    "goods": """
        wool tallow hides hemp flax copper tin pitch timber alum indigo saffron pepper dried_fish
        salted_herring cheese barrels millstones roof_tiles needles parchment candles soap rope
        sailcloth charcoal whale_oil cork honey figs raisins vinegar mustard glass_beads feathers
        ivory amber horn saltpetre sulphur second-hand_books lamp_oil
    """,
    "creature": """
        goose heron jackdaw mule ferret hedgehog tortoise peacock raven sow hare carp nanny_goat
        lapdog donkey owl toad parrot bear_cub mastiff weasel starling ram snail cricket pigeon
        marmot stork viper beetle
    """,
    "premises": """
        granary bathhouse tannery brewery stable chapel guildhall customs_house watchtower mill
        bakery warehouse ropewalk cattle_market fish_market prison gatehouse cistern boathouse
        slaughterhouse monastery dovecote toll_house lime_kiln public_oven armoury mint
        parish_school leper_house old_theatre
    """,
    "trait": """
        patience bluntness memory temper thrift handwriting punctuality vanity kindness caution
        stubbornness wit appetite silence obstinacy modesty superstition tact generosity exactness
        impatience piety suspicion cheerfulness laziness curiosity absent-mindedness courage
        jealousy deafness
    """,
    "food": """
        onions lentils black_bread boiled_eggs smoked_eel pickled_plums goat_cheese barley_soup
        chestnuts oysters roast_hare stewed_pears garlic sour_milk cabbage dried_apricots tripe
        mussels honey_cakes porridge turnips walnuts cold_fish mutton figs
    """,
    "object": """
        tin_mirror umbrella walking_stick brass_kettle oak_chest writing_desk prayer_rug
        silver_spoon sundial fiddle globe featherbed spinning_wheel chess_set lantern telescope
        birdcage pair_of_scales leather_trunk fur_hat astrolabe wooden_leg sealed_letter cradle
        copper_bath hunting_horn tapestry signet_ring inkwell fishing_rod
    """,
    "subject": """
        the_tides arithmetic genealogy grammar the_weather inheritance_law bees the_price_of_grain
        ghosts local_history the_afterlife hunting good_manners proverbs music roofing
        foreign_policy the_stars diet the_calendar chess tax gardening the_education_of_girls
        the_origin_of_rivers dreams old_coins siegecraft the_soul horses drainage
    """,
    "weather": """
        hail fog drizzle a_late_frost thunder a_dust_storm the_first_snow a_warm_wind driving_rain
        a_clear_night sleet an_eclipse great_heat a_spring_tide a_rainbow low_cloud
    """,
    "relative": """
        brother-in-law stepmother cousin uncle aunt nephew niece half-brother godmother
        sister-in-law great-aunt father-in-law former_nurse landlady neighbour clerk cook steward
        tutor lodger
    """,
    "manner": """
        quietly grudgingly in_haste without_ceremony with_great_care under_protest
        at_[pos]_own_expense to_general_relief against_all_advice after_long_hesitation
        with_evident_pleasure in_secret half_in_jest on_an_empty_stomach with_borrowed_money
        at_the_second_attempt in_bad_weather to_the_dismay_of_[pos]_family by_a_majority_of_one
        with_tears amid_much_talk for_want_of_anything_better
    """,
    "feature": """
        a_broken_nose a_low_voice a_scar_on_the_chin ink-stained_hands a_slow_smile grey_eyes a_limp
        bad_teeth a_shaved_head a_long_neck a_stammer freckles a_loud_laugh crooked_fingers
        a_birthmark a_squint heavy_eyebrows a_soldier's_walk a_singer's_chest small_feet
    """,
    "pastime": """
        fishing chess wrestling skating falconry gossip dice swimming whittling singing_rounds cards
        mending_clocks grafting_trees copying_out_proverbs watching_executions collecting_shells
        feeding_crows reading_aloud walking_at_night pruning_vines keeping_accounts cooking
        arguing_with_priests sketching_strangers
    """,
}  # fmt: skip
BANK: Mapping[str, tuple[str, ...]] = {
    symbol: tuple(entry.replace("_", " ") for entry in words.split()) for symbol, words in _LISTS.items()
}
