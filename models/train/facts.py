"""Plain facts for the chat examples, written by hand for this model."""

CAPITALS = """France=Paris;England=London;Germany=Berlin;Italy=Rome;Spain=Madrid;
Portugal=Lisbon;Ireland=Dublin;Scotland=Edinburgh;Norway=Oslo;Sweden=Stockholm;
Denmark=Copenhagen;Finland=Helsinki;Poland=Warsaw;Austria=Vienna;Greece=Athens;
Russia=Moscow;Egypt=Cairo;India=New Delhi;China=Beijing;Japan=Tokyo;
Canada=Ottawa;Mexico=Mexico City;Australia=Canberra;
the United States=Washington"""

PEOPLE = {
    "Moses": "Moses led the children of Israel out of Egypt. He received the ten commandments "
    "on Mount Sinai.",
    "Noah": "Noah built a great ark. He saved his family and the animals from the flood.",
    "Abraham": "Abraham was the father of Isaac. He left his own country and went to the land "
    "of Canaan.",
    "Adam": "Adam was the first man in the book of Genesis. He lived with Eve in the garden of "
    "Eden.",
    "Eve": "Eve was the first woman in the book of Genesis. She lived with Adam in the garden "
    "of Eden.",
    "David": "David was a shepherd who became king of Israel. When he was young, he fought the "
    "giant Goliath.",
    "Goliath": "Goliath was a giant who fought for the Philistines. David beat him with a "
    "sling and a stone.",
    "Solomon": "Solomon was the son of David and a king of Israel. He was known for his "
    "wisdom, and he built the temple.",
    "Joseph": "Joseph was a son of Jacob. His brothers sold him into Egypt, where he became a "
    "great ruler.",
    "Jonah": "Jonah was a prophet who ran away to sea. He was three days inside a great fish.",
    "Daniel": "Daniel was a prophet in Babylon. He was thrown to the lions, but they did not "
    "hurt him.",
    "Samson": "Samson was a very strong man. He lost his strength when his hair was cut.",
    "Ruth": "Ruth was a kind woman who stayed with Naomi, the mother of her husband.",
    "Jesus": "Jesus was a teacher from Nazareth. His life is told in the four gospels.",
    "Mary": "Mary was the mother of Jesus. She lived in Nazareth.",
    "Peter": "Peter was a fisherman who followed Jesus. He became a leader of the first church.",
    "Paul": "Paul travelled to many cities and wrote letters to the first churches.",
    "Jane Austen": "Jane Austen was an English writer. She wrote six novels, and one of them "
    "is Pride and Prejudice.",
    "Shakespeare": "William Shakespeare was an English poet. He wrote many plays, such as "
    "Hamlet and Macbeth.",
    "Isaac Newton": "Isaac Newton was an English scientist. He studied light and the force "
    "that makes things fall.",
    "Columbus": "Christopher Columbus was a sailor. He crossed the ocean from Spain and came "
    "to America.",
    "Napoleon": "Napoleon was an emperor of France. He won many battles, and he lost the last "
    "one at Waterloo.",
    "Mozart": "Mozart was a composer from Austria. He wrote his first music when he was a "
    "small child.",
    "Charles Darwin": "Charles Darwin was an English scientist. He wrote about how living "
    "things change over time.",
    "Ada Lovelace": "Ada Lovelace was an English writer and mathematician. She wrote one of "
    "the first programs for a machine.",
    "Elizabeth Bennet": "Elizabeth Bennet is a clever young woman in the novel Pride and "
    "Prejudice. She marries Mr. Darcy.",
    "Mr. Darcy": "Mr. Darcy is a rich and proud man in the novel Pride and Prejudice. He "
    "marries Elizabeth Bennet.",
}

THINGS = {
    "river": "a long stream of water that flows to the sea or to a lake",
    "mountain": "a very high hill made of rock, often with snow at the top",
    "forest": "a large place where many trees grow close together",
    "desert": "a dry land where little rain falls and few plants grow",
    "island": "a piece of land with water all around it",
    "lake": "a large body of water with land all around it",
    "cloud": "a mass of tiny drops of water in the sky",
    "star": "a great ball of hot gas, far away, that shines in the night sky",
    "planet": "a large round body that moves around a star",
    "volcano": "a mountain from which hot melted rock can come out",
    "tree": "a tall plant with a trunk of wood, branches and leaves",
    "flower": "the part of a plant that makes seeds, and it is often bright",
    "seed": "a small thing from which a new plant can grow",
    "dog": "a friendly animal that lives with people and can guard a house",
    "cat": "a small animal with soft fur that likes to catch mice",
    "horse": "a strong animal that people can ride",
    "cow": "a large farm animal that gives us milk",
    "bird": "an animal with wings and feathers, and most of them can fly",
    "fish": "an animal that lives in water and swims with its fins",
    "bee": "a small insect that visits flowers and makes honey",
    "lion": "a big wild cat that lives in Africa",
    "fox": "a wild animal like a small dog, with a red coat and a thick tail",
    "owl": "a bird that hunts at night and has large round eyes",
    "whale": "a very large animal that lives in the sea and breathes air",
    "frog": "a small animal that jumps, and lives near water",
    "snake": "a long animal without legs",
    "spider": "a small animal with eight legs that makes a web",
    "house": "a building where people live",
    "school": "a place where children go to learn",
    "church": "a building where people come together to pray",
    "library": "a place where many books are kept for people to read",
    "bridge": "a road built over a river or a valley",
    "castle": "a large strong building where a king or a lord lived long ago",
    "farm": "a place where people grow food and keep animals",
    "garden": "a piece of ground where people grow flowers and food",
    "book": "a set of pages with words, made to be read",
    "letter": "a message that is written on paper and sent to someone",
    "novel": "a long story in a book about people who are not real",
    "poem": "a short piece of writing with a rhythm, and it often rhymes",
    "song": "a piece of music with words",
    "king": "a man who rules over a country",
    "queen": "a woman who rules over a country, or the wife of a king",
    "teacher": "a person who helps others to learn",
    "doctor": "a person who helps sick people to get well",
    "baker": "a person who makes bread and cakes",
    "farmer": "a person who grows food and keeps animals",
    "sailor": "a person who works on a ship",
    "friend": "a person whom you like and trust",
    "shepherd": "a person who takes care of sheep",
    "prophet": "a person who speaks for God",
    "clock": "a machine that shows the time",
    "computer": "a machine that follows instructions and works with numbers very quickly",
    "wheel": "a round thing that turns, so that a cart or a car can move",
    "ship": "a large boat that travels on the sea",
    "lamp": "a thing that gives light in the dark",
    "key": "a small piece of metal that opens a lock",
    "knife": "a tool with a sharp edge that is used to cut things",
    "hammer": "a tool that is used to hit nails",
    "window": "an opening in a wall, with glass in it, that lets in light",
    "language model": "a program that has learned from text which words are likely to come next",
    "program": "a list of instructions that tells a computer what to do",
    "number": "a word or a sign that tells how many things there are",
    "triangle": "a shape with three sides",
    "circle": "a shape that is perfectly round",
    "square": "a shape with four equal sides",
    "week": "a time of seven days",
    "year": "a time of twelve months, in which the earth goes once around the sun",
}

MATTERS = {
    "water": "Water is a clear liquid. It falls as rain, and all living things need it.",
    "rain": "Rain is water that falls from the clouds in drops.",
    "snow": "Snow is frozen water that falls from the sky in soft white flakes.",
    "wind": "Wind is air that moves.",
    "fire": "Fire gives light and heat. It burns wood and needs air.",
    "ice": "Ice is water that is frozen and hard.",
    "bread": "Bread is a food made from flour and water and baked in an oven.",
    "honey": "Honey is a sweet food that bees make from flowers.",
    "milk": "Milk is a white drink that comes from cows and goats.",
    "gold": "Gold is a yellow metal. It is rare and does not rust.",
    "music": "Music is sound that is put together so that it is pleasant to hear.",
    "love": "Love is a strong and warm feeling for someone. Love is patient, and love is kind.",
    "friendship": "Friendship is the bond between people who like and trust each other.",
    "courage": "Courage is to do what is right, even when you are afraid.",
    "wisdom": "Wisdom is to know what is true and to choose what is good.",
    "kindness": "Kindness is to help others and to be gentle with them.",
    "time": "Time is what a clock measures. It always goes forward.",
    "the sun": "The sun is a star. It gives light and heat to the earth.",
    "the moon": "The moon is a round body of rock. It goes around the earth once a month.",
    "the earth": "The earth is the planet on which we live. It goes around the sun once a year.",
    "the sea": "The sea is the salt water that covers most of the earth.",
    "the Bible": "The Bible is a collection of old books. It begins with Genesis and ends with "
    "Revelation.",
    "the ark": "The ark was a great ship. Noah built it to save his family and the animals "
    "from the flood.",
    "English": "English is a language. It is spoken in England, in America and in many other "
    "countries.",
    "Pride and Prejudice": "Pride and Prejudice is a novel by Jane Austen. It tells how "
    "Elizabeth Bennet and Mr. Darcy learn to love each other.",
    "gravity": "Gravity is the force that pulls things toward the earth.",
    "spring": "Spring is the time of year when the days grow warm and the flowers open.",
    "summer": "Summer is the warmest time of the year. The days are long and bright.",
    "autumn": "Autumn is the time of year when the leaves turn red and yellow and fall.",
    "winter": "Winter is the coldest time of the year. The nights are long, and it may snow.",
}

COLOURS = {"the sky": "blue", "grass": "green", "snow": "white", "coal": "black",
           "a ripe lemon": "yellow", "blood": "red", "a leaf": "green",
           "the sea": "blue", "an orange": "orange", "milk": "white",
           "the sun": "yellow", "a raven": "black"}
SOUNDS = {"dog": "barks", "cat": "meows", "cow": "moos", "sheep": "bleats",
          "lion": "roars", "duck": "quacks", "horse": "neighs", "bee": "buzzes",
          "wolf": "howls", "owl": "hoots", "snake": "hisses"}
OPPOSITES = ("hot cold;big small;day night;good bad;fast slow;old new;up down;"
             "light dark;rich poor;happy sad;strong weak;early late;hard soft;"
             "open closed;full empty;long short;high low;near far;wet dry")
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = ("January February March April May June July August September "
          "October November December").split()
NUMBERS = ("zero one two three four five six seven eight nine ten eleven "
           "twelve thirteen fourteen fifteen sixteen seventeen eighteen "
           "nineteen twenty").split()

HOWTO = {
    "make tea": "To make tea, boil some water and pour it over the tea leaves. Wait for three "
    "minutes, and then pour the tea into a cup.",
    "boil an egg": "To boil an egg, put it in boiling water. Wait for about eight minutes, and "
    "then put it in cold water.",
    "bake bread": "To bake bread, mix flour, water, salt and yeast. Let the dough rest for an "
    "hour, and then bake it in a hot oven.",
    "make soup": "To make soup, cut some vegetables and boil them in water with a little salt. "
    "Cook them until they are soft.",
    "sleep well": "To sleep well, go to bed at the same time every night. Keep your room dark "
    "and quiet.",
    "learn English": "To learn English, read a little every day. Listen to people who speak "
    "it, and do not be afraid to make mistakes.",
    "make friends": "To make friends, be kind and listen to other people. A smile is a good "
    "way to begin.",
    "be happy": "To be happy, be thankful for small things. Spend time with people you love, "
    "and help others when you can.",
    "write a letter": "To write a letter, begin with a greeting. Then say what you want to say "
    "in plain words, and sign your name at the end.",
    "write a story": "To write a story, begin with a person who wants something. Then tell "
    "what stands in the way, and how it ends.",
    "plant a tree": "To plant a tree, dig a hole and put the roots in it. Fill the hole with "
    "earth, and give the tree water.",
    "learn something new": "To learn something new, take one small step at a time. Try it "
    "every day, and do not give up.",
    "be brave": "To be brave, take one small step, even when you are afraid. Then take another.",
    "save money": "To save money, spend less than you earn. Put a little away every month.",
    "stay healthy": "To stay healthy, eat good food, sleep enough and walk every day.",
    "keep a secret": "To keep a secret, tell it to no one at all.",
}
