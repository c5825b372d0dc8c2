"""Short plain-English tales from a text grammar, written for this model."""
from markup import expand

BOYS = "Tom Ben Sam Jack Peter Daniel".split()
GIRLS = "Anna Lucy Mary Rose Emma Alice".split()
ANIMALS = "fox rabbit bear mouse owl cat dog duck".split()
PLACES = ["forest", "village", "garden", "valley", "meadow", "farm", "hills",
          "town", "woods", "orchard"]
SPOTS = ["under the bed", "behind the door", "beside the river",
         "in the tall grass", "under the old oak tree", "in the kitchen",
         "near the well", "on top of the hill", "in the barn",
         "behind the stone wall"]
FOODS = ["bread", "cake", "soup", "pie", "cheese", "honey", "apples",
         "berries", "pears", "nuts"]
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
    "[walked|went] to the {place} [to look for {food}|to play|to sing].",
]

PLOTS = {
    "losing something": (
        "One day {he} could not find {his} red ball. {He} looked [under "
        "the table|in every room|all around the house], but it was not "
        "there. [{He} felt very sad.|{he} began to cry.]\n\n\"What is "
        "wrong?\" asked the old woman.\n\n\"I have lost my red ball,\" "
        "{he} said. \"[I have looked everywhere.|I do not know where it "
        "is.]\"\n\n\"[Do not worry|Do not cry],\" said the old woman. "
        "\"[We will look for it together.|I will help you.]\"\n\nThey "
        "looked {spot}, and they looked {spot2}. [At last|Then], {spot3}, "
        "the old woman saw something [bright|small] on the ground. It was "
        "the red ball!\n\n\"[Thank you|Oh, thank you],\" "
        "{he} said. \"You are a good friend.\" [From that day on, {he} "
        "took good care of the red ball.|They went home together, and both "
        "of them were happy.]"),
    "helping": (
        "One [cold|warm|fine] [morning|evening], {he} was walking by the "
        "[river|road] when {he} heard a small voice. \"Help! Please help "
        "me!\" It was the little sparrow, who was [stuck in the mud|caught "
        "in a net|caught in a bush].\n\n{he} was [tired|hungry] and wanted "
        "to go home, but {he} stopped. \"[Do not be afraid|Be still],\" "
        "{he} said. \"I will help you.\" {He} [pulled and pulled|worked "
        "for a long time] until the little sparrow was free.\n\n\"Thank "
        "you,\" said the little sparrow. \"[One day I will help you too.|I "
        "will never forget this.]\"\n\nNot long after, [there was a great "
        "storm|the snow fell for three days], and {he} lost {his} way in "
        "the forest. {He} did not know where to go. Then {he} saw a little "
        "light. It was the little sparrow, with a lantern.\n\n\"Come with "
        "me,\" said the little sparrow. \"I know the way.\" Soon they were "
        "safe and warm at home. [A kind act is never lost.|{he} was glad "
        "that {he} had been kind.]"),
    "being brave": (
        "There was one thing that {he} did not like. {He} was afraid of "
        "the dark. [The others laughed at {him}.|{He} did not tell anyone "
        "about it.]\n\nOne day {his} friend the old badger said, \"Why are "
        "you afraid?\"\n\n\"I do not know,\" {he} said. \"[My heart beats "
        "fast, and I want to run away.|I think that something bad will "
        "happen.]\"\n\n\"[I was afraid once|I was afraid too],\" said the "
        "old badger. \"Take one small step, and I will stay with "
        "you.\"\n\nSo {he} took one small step, and then another. [The "
        "wind blew|A bird sang], and nothing bad happened. \"I can do "
        "it!\" {he} said. {He} [laughed|smiled] and was very "
        "proud.\n\nAfter that, {he} was not afraid of the dark any more. "
        "[To be brave is to try, even when you are afraid.|{He} had "
        "learned to be brave.]"),
    "sharing": (
        "One day {he} had a [large|big] basket of apples. \"This is all "
        "for me,\" {he} said. {He} sat down {spot} and began to "
        "eat.\n\nThen the grey pony came by. \"I am so hungry,\" said the "
        "grey pony. \"I have had nothing to eat all day.\"\n\nAt first "
        "{he} said nothing. {He} looked at the apples, and {he} looked at "
        "the grey pony, who was [thin|cold] and sad. \"[There is enough "
        "for two|I have more than I need],\" {he} said at last. \"Come and "
        "sit with me.\"\n\nThey ate together and talked [until the sun "
        "went down|all afternoon]. \"[They are better|It is better] "
        "when we share,\" {he} said. And the grey pony "
        "[agreed|smiled].\n\n[From that day on, they were good "
        "friends.|The next day, the grey pony came back with some cake to "
        "share with {him}.]"),
    "a journey": (
        "{he} wanted to see the sea. \"It is a long way,\" said {his} "
        "mother. \"[Take some apples with you|Be careful], and come home "
        "again.\"\n\nSo {he} [set out|started] early in the morning. {He} "
        "walked over the hills and through the forest. On the second day "
        "{he} met the white horse.\n\n\"Where are you going?\" asked the "
        "white horse.\n\n\"I am going to see the sea,\" {he} said. \"[Will "
        "you come with me|Do you know the way]?\"\n\n\"[Yes|Of course],\" "
        "said the white horse, and they went on together. [At night they "
        "slept under the stars.|They sang songs on the road.]\n\nAt last "
        "they came to the sea. It was [more beautiful than|greater than] "
        "{he} had ever dreamed. They [looked at it for a long time|sat "
        "down and were quiet].\n\n\"Now I am ready to go home,\" {he} "
        "said. \"[The world is wide, but home is best.|I have so much to "
        "tell my mother.]\""),
    "building": (
        "{he} wanted to build a little boat. {He} found some [wood|old "
        "wood] {spot} and worked all day. But in the night [the wind "
        "blew|the rain came], and in the morning the little boat was "
        "broken.\n\n\"[I will never build anything again|It is too "
        "hard],\" {he} said.\n\n\"[Do not give up|Try again],\" said the "
        "beaver. \"[The work was too quick.|You need stronger wood.] I "
        "will help you, and this time we will go slowly.\"\n\nSo the two "
        "friends worked together. the beaver carried the wood, and {he} "
        "[cut it|tied it with a rope]. They worked for [three days|a whole "
        "week].\n\nWhen the little boat was done, it was strong. The wind "
        "blew again, but the little boat did not fall. \"[Good work takes "
        "time|We did it together],\" {he} said."),
    "a storm": (
        "One evening the sky grew dark, and a great storm came over the "
        "forest. The rain fell and the wind was loud. {he} shut the door "
        "and sat by the fire.\n\nThen there was a knock at the door. It "
        "was the old man, who was wet and cold. \"May I come in?\" asked "
        "the old man. \"[My house has fallen down.|I cannot find my way "
        "home.]\"\n\n\"Come in,\" {he} said. \"Sit by the fire and have "
        "some apples.\" [Soon they were warm and dry.|They told stories "
        "until late in the night.]\n\nIn the morning the storm was over, "
        "and the sun was [shining|bright]. \"Thank you for your "
        "kindness,\" said the old man. \"[A warm fire is good, but a kind "
        "friend is better.|Now I know that you are my friend.]\""),
    "telling the truth": (
        "One day, while {he} was playing in the house, {he} broke {his} "
        "mother's [blue cup|best plate]. \"Oh no,\" {he} said. {He} was "
        "afraid, so {he} hid the pieces {spot}.\n\nThat night {he} could "
        "not sleep. {He} told {his} friend the robin about it. \"[You "
        "should tell the truth|Tell your mother what happened],\" said the "
        "robin. \"You will feel better.\"\n\nIn the morning {he} went to "
        "{his} mother. \"I broke it,\" {he} said. \"I am sorry.\"\n\n{His} "
        "mother was quiet for a moment. Then she smiled. \"[Thank you for "
        "telling me|I am glad that you told me the truth],\" she said. "
        "\"[A cup is only a cup.|We can mend it together.]\"\n\n{he} felt "
        "[light and happy|much better]. {He} had learned that it is best "
        "to tell the truth."),
    "a gift": (
        "It was the birthday of {his} grandmother, and {he} wanted to give "
        "{his} grandmother a gift. But {he} had no money. \"What can I "
        "do?\" {he} said.\n\n{He} went to the forest and looked around. "
        "There were [red flowers|white flowers|round stones] everywhere. "
        "{he} picked the best of them and [put them in a basket|tied them "
        "with a ribbon].\n\n\"[It is only a small gift|I made this for "
        "you],\" {he} said.\n\n{his} grandmother looked at it and smiled. "
        "\"It is the best gift of all,\" said {his} grandmother, \"because "
        "you made it for me.\"\n\nThen they ate apples and [danced|sang "
        "songs] until it was dark. [A gift from the heart is never "
        "small.|It was a very happy day.]"),
    "a race": (
        "One day the hare said, \"I am the fastest of all. No one can run "
        "as fast as I can.\"\n\n\"[Let us have a race|I will race you],\" "
        "{he} said. [Everyone laughed.|Everyone came to see it.]\n\nthe "
        "hare ran very fast and was soon far ahead. \"I have plenty of "
        "time,\" said the hare, and lay down {spot} to sleep.\n\nBut {he} "
        "did not stop. {He} went on, step by step, [past the mill|past the "
        "bridge] and up the hill. When the hare woke up, {he} was already "
        "at the end of the road.\n\n\"You won!\" said the hare. \"[I was "
        "too proud.|I should not have stopped.]\"\n\n\"It was a good "
        "race,\" {he} said. [Slow and steady wins the race.|And they "
        "walked home as friends.]"),
    "a garden": (
        "One spring day {he} found a small seed {spot}. {He} put it in the "
        "ground and gave it water. \"Grow, little seed,\" {he} "
        "said.\n\nThe next day {he} ran out to look, but there was nothing "
        "to see. \"[It will not grow|Why does it not grow]?\" {he} "
        "asked.\n\n\"You must wait,\" said the old gardener. \"[All good "
        "things take time.|A seed grows slowly.]\"\n\nSo {he} waited. The "
        "rain fell, and the sun was warm. Then one morning there was a "
        "little green leaf, and it grew and grew until it was "
        "{plant}.\n\n\"It is beautiful,\" {he} said. \"I am glad that I "
        "waited.\" [And {he} gave the first one to the old gardener.|Every "
        "spring after that, {he} planted a new seed.]"),
    "a new friend": (
        "But {he} was lonely, for there was no one to play with. [Every "
        "evening {he} looked out of the window.|{He} sat alone "
        "{spot}.]\n\nOne day a small kitten came to the forest. the kitten "
        "was [shy|quiet] and did not speak. {he} thought for a while. Then "
        "{he} took {his} red ball and went to the kitten.\n\n\"Would you "
        "like to play with me?\" {he} asked.\n\n\"[Yes, I would like that "
        "very much|Oh yes, please],\" said the kitten.\n\nThey played all "
        "day with the red ball. [They ran and they laughed.|They told each "
        "other stories.] When the sun went down, {he} said, \"Will you "
        "come again tomorrow?\"\n\n\"[Yes|I will],\" said the kitten. And "
        "{he} was not lonely any more."),
}

ENDINGS = ["", "", "", "\n\nThe end.", "\n\nAnd they all lived happily ever after."]
TRAITS = "little young kind small brave quiet clever cheerful shy".split()


def cast(rng, kind=None, name=None):
    """Names, kinds and things for one tale."""
    girl = (name in GIRLS) if name else rng.random() < 0.5
    values = {"n": name or rng.choice(GIRLS if girl else BOYS)}
    human = "girl" if girl else "boy"
    values["kind"] = kind or (human if rng.random() < 0.5 else rng.choice(ANIMALS))
    words = ["she", "her", "her"] if girl else ["he", "him", "his"]
    values.update(zip(("he", "him", "his"), words))
    values.update(He=words[0].title(), His=words[2].title())
    values["family"] = rng.choice(["mother", "grandmother", "father", "brother",
                                   "sister", "mother and father"])
    values["trait"] = rng.choice(TRAITS)
    values["place"], values["food"] = rng.choice(PLACES), rng.choice(FOODS)
    values["spot"], values["spot2"], values["spot3"] = rng.sample(SPOTS, 3)
    values["plant"] = rng.choice(PLANTS)
    return values


def tale(rng, kind=None, name=None, theme=None):
    """One tale as text; the theme is a key of PLOTS."""
    values = cast(rng, kind, name)
    plot = PLOTS[theme or rng.choice(sorted(PLOTS))]
    text = rng.choice(OPENINGS) + "\n\n" + plot + rng.choice(ENDINGS)
    return expand(rng, text, values)
