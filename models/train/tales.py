"""Short plain-English tales from a text grammar, written for this model."""
from markup import expand

BOYS = ("Tom Ben Sam Max Jack Leo Will Henry Peter Oliver George Arthur Felix "
        "Hugo Simon Daniel Thomas Edward").split()
GIRLS = ("Anna Lucy Mary Rose Clara Emma Ruth Lily Alice Grace Nora Ella Jane "
         "Martha Sarah Helen Daisy Kate").split()
ANIMALS = ("fox rabbit bear mouse owl cat dog duck frog goat hen horse lamb "
           "wolf deer hedgehog squirrel turtle donkey crow").split()
PLACES = ["forest", "village", "garden", "valley", "meadow", "farm", "hills",
          "town", "woods", "orchard"]
THINGS = ["red ball", "silver key", "blue hat", "little bell", "golden ring",
          "wooden boat", "warm scarf", "green kite", "old book", "small drum",
          "bright lantern", "toy horse"]
SPOTS = ["under the bed", "behind the door", "beside the river",
         "in the tall grass", "under the old oak tree", "in the kitchen",
         "near the well", "on top of the hill", "in the barn",
         "behind the stone wall"]
FOODS = ["bread", "cake", "soup", "pie", "cheese", "honey", "apples",
         "berries", "pears", "nuts"]
FEARS = ["the dark", "deep water", "loud thunder", "high places",
         "the big bridge", "the old mill"]
GOALS = ["the sea", "the great mountain", "the big city",
         "the end of the river", "the snow", "the king's castle"]
BUILDS = ["house", "boat", "bridge", "cart", "nest", "tower"]
PLANTS = ["an apple tree", "a rose", "a sunflower", "a pumpkin", "a tall bean"]

OPENINGS = [
    "[Once upon a time|Long ago|Once], there was a {trait} {kind} named {n}. "
    "{He} lived [in|near] the {place} with {his} {family}.",
    "[Once upon a time|Many years ago], [in a quiet {place}|in a small house "
    "near the {place}], there lived a {trait} {kind} called {n}.",
    "{n} was a {trait} {kind} who lived [near the {place}|by the river|in a "
    "little house on the hill]. {He} loved [to play|to sing|to run|to read] "
    "[in the sun|every day|with {his} friends].",
    "There was once a {trait} {kind} [named|called] {n}. Every morning {he} "
    "[walked|went] to the {place} [to look for {food}|to play|to see {his} "
    "friend {m}].",
]

PLOTS = {
    "losing something": (
        "One day {n} could not find {his} {thing}. {He} looked [under the "
        "table|in every room|all around the house], but it was not there. "
        "[{He} felt very sad.|{n} began to cry.]\n\n"
        "\"What is wrong?\" asked {m} the {mkind}.\n\n"
        "\"I have lost my {thing},\" said {n}. \"[I have looked everywhere.|I "
        "do not know where it is.]\"\n\n"
        "\"[Do not worry|Do not cry],\" said {m}. \"[We will look for it "
        "together.|I will help you.]\"\n\n"
        "They looked {spot}, and they looked {spot2}. [At last|Then], {spot3}, "
        "{m} saw something [bright|small] on the ground. It was the {thing}!"
        "\n\n\"[Thank you|Oh, thank you], {m},\" said {n}. \"You are a good "
        "friend.\" [From that day on, {n} took good care of the {thing}.|They "
        "went home together, and both of them were happy.]"),
    "helping": (
        "One [cold|warm|fine] [morning|evening], {n} was walking by the "
        "[river|road] when {he} heard a small voice. \"Help! Please help me!\" "
        "It was {m} the {mkind}, who was [stuck in the mud|caught in a net|"
        "caught in a bush].\n\n"
        "{n} was [tired|hungry] and wanted to go home, but {he} stopped. \"[Do "
        "not be afraid|Be still],\" {he} said. \"I will help you.\" {He} "
        "[pulled and pulled|worked for a long time] until {m} was free.\n\n"
        "\"Thank you,\" said {m}. \"[One day I will help you too.|I will never "
        "forget this.]\"\n\n"
        "Not long after, [there was a great storm|the snow fell for three "
        "days], and {n} lost {his} way in the {place}. {He} did not know where "
        "to go. Then {he} saw a little light. It was {m}, with a lantern.\n\n"
        "\"Come with me,\" said {m}. \"I know the way.\" Soon they were safe "
        "and warm at home. [A kind act is never lost.|{n} was glad that {he} "
        "had been kind.]"),
    "being brave": (
        "There was one thing that {n} did not like. {He} was afraid of {fear}. "
        "[The others laughed at {him}.|{He} did not tell anyone about it.]"
        "\n\nOne day {his} friend {m} the {mkind} said, \"Why are you afraid?\""
        "\n\n\"I do not know,\" said {n}. \"[My heart beats fast, and I want to "
        "run away.|I think that something bad will happen.]\"\n\n"
        "\"[I was afraid once|I was afraid too],\" said {m}. \"Take one small "
        "step, and I will stay with you.\"\n\n"
        "So {n} took one small step, and then another. [The wind blew|A bird "
        "sang], and nothing bad happened. \"I can do it!\" said {n}. {He} "
        "[laughed|smiled] and was very proud.\n\n"
        "After that, {n} was not afraid of {fear} any more. [To be brave is to "
        "try, even when you are afraid.|{He} had learned to be brave.]"),
    "sharing": (
        "One day {n} had a [large|big] basket of {food}. \"This is all for "
        "me,\" {he} said. {He} sat down {spot} and began to eat.\n\n"
        "Then {m} the {mkind} came by. \"I am so hungry,\" said {m}. \"I have "
        "had nothing to eat all day.\"\n\n"
        "At first {n} said nothing. {He} looked at the {food}, and {he} looked "
        "at {m}, who was [thin|cold] and sad. \"[There is enough for two|I have "
        "more than I need],\" said {n} at last. \"Come and sit with me.\"\n\n"
        "They ate together and talked [until the sun went down|all "
        "afternoon]. \"[The {food} is better|It is better] when we share,\" "
        "said {n}. And {m} [agreed|smiled].\n\n"
        "[From that day on, they were good friends.|The next day, {m} came "
        "back with some {food2} to share with {n}.]"),
    "a journey": (
        "{n} wanted to see {goal}. \"It is a long way,\" said {his} mother. "
        "\"[Take some {food} with you|Be careful], and come home again.\"\n\n"
        "So {n} [set out|started] early in the morning. {He} walked over the "
        "hills and through the {place}. On the second day {he} met {m} the "
        "{mkind}.\n\n\"Where are you going?\" asked {m}.\n\n"
        "\"I am going to see {goal},\" said {n}. \"[Will you come with me|Do "
        "you know the way]?\"\n\n\"[Yes|Of course],\" said {m}, and they went "
        "on together. [At night they slept under the stars.|They sang songs on "
        "the road.]\n\nAt last they came to {goal}. It was [more beautiful "
        "than|greater than] {n} had ever dreamed. They [looked at it for a long "
        "time|sat down and were quiet].\n\n\"Now I am ready to go home,\" said "
        "{n}. \"[The world is wide, but home is best.|I have so much to tell my "
        "mother.]\""),
    "building": (
        "{n} wanted to build a {build}. {He} found some [wood|old wood] {spot} "
        "and worked all day. But in the night [the wind blew|the rain came], "
        "and in the morning the {build} was broken.\n\n"
        "\"[I will never build anything again|It is too hard],\" said {n}.\n\n"
        "\"[Do not give up|Try again],\" said {m} the {mkind}. \"[The work was "
        "too quick.|You need stronger wood.] I will help you, and this time we "
        "will go slowly.\"\n\nSo the two friends worked together. {m} carried "
        "the wood, and {n} [cut it|tied it with a rope]. They worked for "
        "[three days|a whole week].\n\nWhen the {build} was done, it was "
        "strong. The wind blew again, but the {build} did not fall. "
        "\"[Good work takes time|We did it together],\" said {n}."),
    "a storm": (
        "One evening the sky grew dark, and a great storm came over the "
        "{place}. The rain fell and the wind was loud. {n} shut the door and "
        "sat by the fire.\n\nThen there was a knock at the door. It was {m} the "
        "{mkind}, who was wet and cold. \"May I come in?\" asked {m}. \"[My "
        "house has fallen down.|I cannot find my way home.]\"\n\n"
        "\"Come in,\" said {n}. \"Sit by the fire and have some {food}.\" "
        "[Soon they were warm and dry.|They told stories until late in the "
        "night.]\n\nIn the morning the storm was over, and the sun was "
        "[shining|bright]. \"Thank you for your kindness,\" said {m}. "
        "\"[A warm fire is good, but a kind friend is better.|Now I know that "
        "you are my friend.]\""),
    "telling the truth": (
        "One day, while {n} was playing in the house, {he} broke {his} "
        "mother's [blue cup|best plate]. \"Oh no,\" said {n}. {He} was afraid, "
        "so {he} hid the pieces {spot}.\n\n"
        "That night {n} could not sleep. {He} told {his} friend {m} the {mkind} "
        "about it. \"[You should tell the truth|Tell your mother what "
        "happened],\" said {m}. \"You will feel better.\"\n\n"
        "In the morning {n} went to {his} mother. \"I broke it,\" {he} said. \"I "
        "am sorry.\"\n\n{His} mother was quiet for a moment. Then she smiled. "
        "\"[Thank you for telling me|I am glad that you told me the truth],\" "
        "she said. \"[A cup is only a cup.|We can mend it together.]\"\n\n"
        "{n} felt [light and happy|much better]. {He} had learned that it is "
        "best to tell the truth."),
    "a gift": (
        "It was the birthday of {m} the {mkind}, and {n} wanted to give {m} a "
        "gift. But {n} had no money. \"What can I do?\" {he} said.\n\n"
        "{He} went to the {place} and looked around. There were [red flowers|"
        "white flowers|round stones] everywhere. {n} picked the best of them "
        "and [put them in a basket|tied them with a ribbon].\n\n"
        "\"[It is only a small gift|I made this for you],\" said {n}.\n\n"
        "{m} looked at it and smiled. \"It is the best gift of all,\" said {m}, "
        "\"because you made it for me.\"\n\nThen they ate {food} and [danced|"
        "sang songs] until it was dark. [A gift from the heart is never "
        "small.|It was a very happy day.]"),
    "a race": (
        "One day {m} the {mkind} said, \"I am the fastest of all. No one can "
        "run as fast as I can.\"\n\n\"[Let us have a race|I will race you],\" "
        "said {n}. [Everyone laughed.|Everyone came to see it.]\n\n"
        "{m} ran very fast and was soon far ahead. \"I have plenty of time,\" "
        "said {m}, and lay down {spot} to sleep.\n\n"
        "But {n} did not stop. {He} went on, step by step, [past the mill|past "
        "the bridge] and up the hill. When {m} woke up, {n} was already at the "
        "end of the road.\n\n\"You won!\" said {m}. \"[I was too proud.|I should "
        "not have stopped.]\"\n\n\"It was a good race,\" said {n}. [Slow and "
        "steady wins the race.|And they walked home as friends.]"),
    "a garden": (
        "One spring day {n} found a small seed {spot}. {He} put it in the "
        "ground and gave it water. \"Grow, little seed,\" {he} said.\n\n"
        "The next day {n} ran out to look, but there was nothing to see. \"[It "
        "will not grow|Why does it not grow]?\" {he} asked.\n\n"
        "\"You must wait,\" said {m} the {mkind}. \"[All good things take "
        "time.|A seed grows slowly.]\"\n\nSo {n} waited. The rain fell, and the "
        "sun was warm. Then one morning there was a little green leaf, and it "
        "grew and grew until it was {plant}.\n\n\"It is beautiful,\" said {n}. "
        "\"I am glad that I waited.\" [And {he} gave the first one to {m}.|Every "
        "spring after that, {n} planted a new seed.]"),
    "a new friend": (
        "But {n} was lonely, for there was no one to play with. [Every evening "
        "{he} looked out of the window.|{He} sat alone {spot}.]\n\n"
        "One day a {mkind} named {m} came to the {place}. {m} was [shy|quiet] "
        "and did not speak. {n} thought for a while. Then {he} took {his} "
        "{thing} and went to {m}.\n\n\"Would you like to play with me?\" asked "
        "{n}.\n\n\"[Yes, I would like that very much|Oh yes, please],\" said "
        "{m}.\n\nThey played all day with the {thing}. [They ran and they "
        "laughed.|They told each other stories.] When the sun went down, {n} "
        "said, \"Will you come again tomorrow?\"\n\n\"[Yes|I will],\" said {m}. "
        "And {n} was not lonely any more."),
}

ENDINGS = ["", "", "", "\n\nThe end.", "\n\nAnd they all lived happily ever after."]
TRAITS = "little young kind small brave quiet clever cheerful shy".split()


def cast(rng, kind=None, name=None):
    """Names, kinds and things for one tale."""
    girl = (name in GIRLS) if name else rng.random() < 0.5
    values = {"n": name or rng.choice(GIRLS if girl else BOYS)}
    human = "girl" if girl else "boy"
    values["kind"] = kind or (human if rng.random() < 0.5 else rng.choice(ANIMALS))
    others = [n for n in BOYS + GIRLS if n != values["n"]]
    values["m"] = rng.choice(others)
    values["mkind"] = rng.choice([a for a in ANIMALS if a != values["kind"]])
    words = ["she", "her", "her"] if girl else ["he", "him", "his"]
    values.update(zip(("he", "him", "his"), words))
    values.update(He=words[0].title(), His=words[2].title())
    values["family"] = rng.choice(["mother", "grandmother", "father", "brother",
                                   "sister", "mother and father"])
    values["trait"] = rng.choice(TRAITS)
    values["place"], values["thing"] = rng.choice(PLACES), rng.choice(THINGS)
    values["spot"], values["spot2"], values["spot3"] = rng.sample(SPOTS, 3)
    values["food"], values["food2"] = rng.sample(FOODS, 2)
    values["fear"], values["goal"] = rng.choice(FEARS), rng.choice(GOALS)
    values["build"], values["plant"] = rng.choice(BUILDS), rng.choice(PLANTS)
    return values


def tale(rng, kind=None, name=None, theme=None):
    """One tale as text; the theme is a key of PLOTS."""
    values = cast(rng, kind, name)
    plot = PLOTS[theme or rng.choice(sorted(PLOTS))]
    text = rng.choice(OPENINGS) + "\n\n" + plot + rng.choice(ENDINGS)
    return expand(rng, text, values)
