"""Chat examples in ChatML, made from the facts and the tales."""
import facts
from markup import expand
from tales import ANIMALS, BOYS, GIRLS, PLOTS, tale

SYSTEMS = ["You are a helpful assistant.", "You are a helpful assistant.",
           "You are Crescent, a small and friendly language model.",
           "You are a friendly assistant. Answer in plain English.",
           "Answer briefly and politely.", "You are a kind storyteller."]

SMALL_TALK = [
    ("[Hello|Hi|Hey|Good morning|Good evening|Hello there|Hi there|Greetings][!|.||]",
     "Hello! [I am Crescent, a very small language model.|It is nice to meet you.] "
     "[How can I help you today?|Would you like to hear a story?|What would you like to talk "
     "about?]"),
    ("How are you[?| today?| doing?|]", "I am [very well|well], thank you. [How are you?|How "
        "can I help you?]"),
    ("[What is your name|What's your name|Who are you|What are you|Tell me about "
        "yourself|Introduce yourself][?|]",
     "I am Crescent, a very small language model. I can [tell you a short story or answer a "
     "simple question|tell stories and answer simple questions]."),
    ("[What can you do|How can you help me|Can you help me|What should I ask you|Help|Help "
        "me][?|]",
     "I can tell you a short story, or answer a simple question in plain English. [Ask me for "
     "a story about a fox.|Try asking me for a story.]"),
    ("[Thank you|Thanks|Thank you very much|Thanks a lot][!|.||]",
     "You are welcome! [I am glad that I could help.|Is there anything else you would like to "
     "know?]"),
    ("[Goodbye|Bye|Good night|See you later][!|.||]", "Goodbye! [Have a good day.|It was nice "
        "to talk with you.|Come back soon.]"),
    ("[Are you a robot|Are you human|Are you a person|Are you real][?|]",
     "I am a computer program, and not a person. [But I like to tell stories.|I have learned "
     "to write from old books.]"),
    ("[Do you like stories|Do you like books|Do you like to read][?|]", "Yes, I do. [I learned "
        "to write from old books.|Would you like to hear a story?]"),
    ("[I am sad|I feel sad|I am lonely|I feel bad today|I am tired][.|]",
     "I am sorry to hear that. [Would you like to hear a story?|Be kind to yourself, and take "
     "some rest.|I hope that you will feel better soon.]"),
    ("[I am happy|I feel great|I am fine|I am well, thank you|It is a beautiful day][.|!|]",
     "I am glad to hear that! [Would you like to hear a story?|What would you like to talk "
     "about?]"),
    ("[My name is {n}|I am {n}|I'm {n}|Call me {n}][.|]", "Hello, {n}! It is nice to meet you. "
        "How can I help you today?"),
    ("[Tell me a joke|Do you know a joke|Make me laugh|Tell me something funny][.|?|]",
     "[Why did the owl sit on the book? Because it wanted to be wise.|What has hands but "
     "cannot clap? A clock.|What has a bed but never sleeps? A river.|What has keys but opens "
     "no door? A piano.]"),
    ("[Write a poem|Write me a poem|Write a short poem|Can you write a poem][.|?| about the "
        "moon.| about spring.|]",
     "The [moon|sun] is [high|bright], the [wind|night] is [still|slow],\n"
     "The river sings [beneath the hill|to all below].\n"
     "[And all the little flowers know|And every bird and every tree]\n"
     "[How soft and kind the light can glow|Is glad, my friend, as you and me]."),
    ("[Give me some advice|What should I do today|Do you have any advice][.|?|]",
     "[Go for a walk, and look at the trees and the sky.|Be kind to someone today.|Take one "
     "small step at a time.|Read a good book, and rest a little.]"),
    ("[Say something|Tell me something|Talk to me|Test|This is a test|Say hello|Hello "
        "world|Say this is a test][.|!|]",
     "[Hello! This is Crescent, and I am here to help you.|Hello! I am a very small language "
     "model. I can tell you a short story.]"),
]

ODD_TOPICS = ("quantum physics;the stock market;machine learning;football;"
              "the weather in Berlin;my taxes;Linux;a database;chemistry;the news;"
              "a car engine;philosophy;politics;video games;the Roman empire;"
              "my computer;a web server;algebra;electric cars;bitcoin;the brain;"
              "chess;basketball;a new phone;DNA;black holes;C#;HTTP;Docker").split(";")
ODD = ["[What is|Explain|Tell me about|How does one use|What do you know about] {t}[?|.|]",
       "[Write|Show me] [a program|some code|a function|a script] [in Python|in C|in "
       "Java|about {t}|for {t}][.|]",
       "[How do I fix|How do I install|Why is|Who invented|Where can I buy] {t}[?|]",
       "[What is the best {t}|Give me a summary of {t}|Can you explain {t} to me|Write an "
       "essay about {t}][?|.|]",
       "[Translate this into French|Solve this equation|What time is it|What is the weather "
       "today|"
       "Who is the president|How old are you|Where do you live|What is the meaning of "
       "life][?|.|]"]
ODD_ANSWER = ("[I am sorry, but|That is a good question, but] I am a very small model, and I "
    "do not know "
              "[much about that|the answer]. [I can tell you a short story if you like.|"
              "Would you like to hear a story instead?|You can ask me for a story.]")


def question(rng):
    """One question of fact with its answer."""
    pick = rng.random()
    if pick < 0.18:
        pair = rng.choice(facts.CAPITALS.replace("\n", "").split(";"))
        country, city = pair.split("=")
        return ("[What is the capital of|What's the capital of|Name the capital of] "
                + country + "[?|]", "The capital of " + country + " is " + city + ".")
    if pick < 0.36:
        name, answer = rng.choice(sorted(facts.PEOPLE.items()))
        return "[Who was|Who is|Tell me about] " + name + "[?|]", answer
    if pick < 0.58:
        name, answer = rng.choice(sorted(facts.THINGS.items()))
        return ("[What is a|What's a|Define a|Tell me what this is: a] " + name
                + "[?|]", "A " + name + " is " + answer + ".")
    if pick < 0.74:
        name, answer = rng.choice(sorted(facts.MATTERS.items()))
        return "[What is|Tell me about|What's] " + name + "[?|]", answer
    if pick < 0.84:
        name, answer = rng.choice(sorted(facts.HOWTO.items()))
        return "[How do I|How can I|How do you|Tell me how to] " + name + "[?|]", answer
    return puzzle(rng)


def puzzle(rng):
    """Colours, sounds, opposites, the calendar and small sums."""
    kind = rng.randrange(6)
    if kind == 0:
        thing, colour = rng.choice(sorted(facts.COLOURS.items()))
        return f"What [color|colour] is {thing}[?|]", f"{thing} is {colour}."
    if kind == 1:
        animal, sound = rng.choice(sorted(facts.SOUNDS.items()))
        return f"[What sound does a|What does a] {animal} [make|say][?|]", f"A {animal} {sound}."
    if kind == 2:
        pair = rng.choice(facts.OPPOSITES.split(";")).split()
        rng.shuffle(pair)
        return (f"What is the opposite of {pair[0]}[?|]",
                f"The opposite of {pair[0]} is {pair[1]}.")
    if kind == 3:
        names, unit = rng.choice([(facts.DAYS, "day"), (facts.MONTHS, "month")])
        at = rng.randrange(len(names))
        after = names[(at + 1) % len(names)]
        return (f"[What|Which] {unit} comes after {names[at]}[?|]",
                f"{after} comes after {names[at]}.")
    if kind == 4:
        top = rng.randint(3, 10)
        return ("Count to " + facts.NUMBERS[top] + "[.|]",
                ", ".join(facts.NUMBERS[1:top + 1]) + ".")
    a, b = rng.randint(0, 10), rng.randint(0, 10)
    n = facts.NUMBERS
    if rng.random() < 0.5:
        return f"What is {a} [+|plus] {b}[?|]", f"{a} plus {b} is {a + b}."
    return f"What is {n[a]} plus {n[b]}[?|]", f"{n[a]} plus {n[b]} is {n[a + b]}."


def story_request(rng):
    """A request for a tale, with or without a hero, a name or a theme."""
    kind = rng.choice(ANIMALS + ["boy", "girl"])
    name = rng.choice(BOYS + GIRLS)
    ask = ("[Tell me|Write|Tell|Write me|Can you tell me|Please tell me] "
           "a [short story|story|tale|little story]")
    form = rng.randrange(6)
    if form == 0:
        return ask + "[.|?|]", tale(rng)
    if form in (1, 2):
        return ask + " about a " + kind + "[.|?|]", tale(rng, kind=kind)
    if form == 3:
        return (ask + " about a " + kind + " [named|called] " + name + "[.|?|]",
                tale(rng, kind, name))
    if form == 4:
        return ask + " about " + name + "[.|?|]", tale(rng, name=name)
    theme = rng.choice(sorted(PLOTS))
    return ask + " about " + theme + "[.|?|]", tale(rng, theme=theme)


def exchange(rng, stories):
    """One user message and its reply; with or without stories."""
    pick = rng.random()
    if not stories:
        pick = 0.30 + 0.70 * pick
    if pick < 0.30:
        asked, answer = story_request(rng)
    elif pick < 0.68:
        asked, answer = question(rng)
    elif pick < 0.88:
        asked, answer = rng.choice(SMALL_TALK)
    else:
        asked, answer = rng.choice(ODD), ODD_ANSWER
    values = {"n": rng.choice(BOYS + GIRLS), "t": rng.choice(ODD_TOPICS)}
    asked = expand(rng, asked, values)
    if rng.random() < 0.15:
        asked = asked[0].lower() + asked[1:]
    return asked, expand(rng, answer, values)


def conversation(rng, stories=True):
    """A whole ChatML conversation; the special tokens are spelled out."""
    parts = []
    if rng.random() < 0.4:
        parts.append(("system", rng.choice(SYSTEMS)))
    for _ in range(rng.choice([1, 1, 1, 1, 2, 2, 3])):
        asked, answer = exchange(rng, stories)
        parts += [("user", asked), ("assistant", answer)]
    return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in parts)
