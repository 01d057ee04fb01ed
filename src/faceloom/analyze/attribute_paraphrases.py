"""Other English words for the phrases of the table of attributes, with which a sentence embedding compares a clause.

The grammar does not read them: a clause that is near enough to one of them is taken for the phrase.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_TEXTS = {
    "a smile": (
        "joyous; amused; giggling; glad; cheery; content; laughs; pleased with life; a friendly face; looks "
        "pleased; in a good mood; a happy expression; delighted; merry"
    ),
    "a broad smile": (
        "a beaming smile; roaring with laughter; overjoyed; smiling broadly; a huge smile; smiling widely with "
        "teeth; laughing out loud"
    ),
    "serious": (
        "mournful; sorrowful; downcast; somber; a stony look; dour; heartbroken; ill tempered; cheerless; an "
        "expressionless face; looks sad; sad; unhappy; a grim face; without a smile; in a bad mood; bad tempered; "
        "a blank expression; showing no emotion; bored; sulking; depressed"
    ),
    "older": (
        "looks older; advanced in age; deep wrinkles; age lines; aged; more wrinkles; wrinkles; an older face; "
        "signs of aging; aging; a grown person"
    ),
    "younger": (
        "looks younger; a fresh young look; fewer wrinkles; no wrinkles; without wrinkles; a younger face; looks "
        "more youthful"
    ),
    "baby": "a nursing baby; newborn; a small baby",
    "child": (
        "a little boy; a little girl; a primary school pupil; about to start school; a little kid; a young boy or "
        "girl; a schoolchild; childlike"
    ),
    "teenager": "a youth of sixteen; a boy in puberty; a teen; in the teenage years; a high school student",
    "young": "a twenty year old; a young adult; in the prime of youth; a college student",
    "middle aged": "in the middle of life; in midlife",
    "elderly": (
        "a senior citizen; of great age; very old; an aged person; an old person; a retired person; a grandparent"
    ),
    "glasses": (
        "spectacles on the nose; glasses for reading; wears lenses; wearing spectacles; eyewear; the frame of a "
        "pair of glasses; a pair of eyeglasses; lenses in a frame"
    ),
    "beard": (
        "whiskered; a goatee; unshaved for days; a thick beard; a mustache; bearded; a full beard; hair on the "
        "chin; stubble; facial hair; a hairy face"
    ),
    "clean shaven": (
        "a hairless face; just shaved; a shaved face; without facial hair; no stubble; a smooth chin; a smooth shave"
    ),
    "mouth open": (
        "a wide open mouth; the mouth hangs open; a big yawn; shouting; singing; open mouthed; opens the mouth; a "
        "gaping mouth; the lips are parted; says ah"
    ),
    "mouth closed": (
        "tightly closed lips; silent lips; pursed lips; a shut mouth; keeps the mouth shut; the lips touch; lips "
        "together"
    ),
    "eyes closed": (
        "sound asleep; taking a nap; slumbering; eyes shut; closed eyelids; with the eyes shut; napping; fast asleep"
    ),
    "eyes open": "awake; opens the eyes; open eyelids",
    "wide eyes": "goggle eyed; popping eyes; eyes wide with surprise; huge eyes; big round eyes; eyes wide with fear",
    "narrow eyes": "peering; slit eyes; squinting eyes; narrowed eyes; small slits for eyes",
    "raised eyebrows": (
        "lifted eyebrows; curved eyebrows lifted high; eyebrows up; high eyebrows; lifts the eyebrows; eyebrows "
        "raised in surprise"
    ),
    "lowered brows": (
        "scowling eyebrows; brows drawn together; eyebrows down; furrowed brows; a frown with the eyebrows; "
        "lowers the eyebrows; frowning eyebrows"
    ),
    "looking left": (
        "toward the left; eyes on the left; turned to the left; facing to the left; head turned left; gazes to the left"
    ),
    "looking right": (
        "toward the right; eyes on the right; turned to the right; facing to the right; head turned right; gazes "
        "to the right"
    ),
    "looking up": (
        "looks to heaven; the chin lifted up; gazes up; head tilted up; looks upward; raises the head; looks at "
        "what is above; stares up"
    ),
    "looking down": (
        "looks at the feet; the head hangs; a bent head; gazes down; head tilted down; looks downward; lowers the "
        "head; looks at the ground; stares at the ground"
    ),
    "looking straight": (
        "eye contact with the viewer; faces us; looks straight at the viewer; looks into the lens; seen from the "
        "front; stares at the viewer"
    ),
    "feminine": "girlish; effeminate; more womanly; like a woman; a female face",
    "masculine": "boyish; tough and male; more virile; like a man; a male face",
    "woman": "a female; a miss; a mother; female person; a woman's face",
    "man": "a male; a mister; a fellow; a father; male person; a guy; a man's face",
    "androgynous": "of unclear gender; unisex",
    "black hair": "a black head of hair; jet black hair; black locks; hair as black as coal",
    "dark hair": "dark haired; hair of a dark color",
    "brown hair": "a person with brown hair; chocolate colored hair; chestnut hair; brown haired; hazel hair",
    "red hair": (
        "carroty hair; fiery hair; ginger hair; a redhead; red locks; auburn hair; copper colored hair; orange hair"
    ),
    "blond hair": "golden haired; a blonde; blond locks; yellow hair; flaxen hair; light haired",
    "gray hair": "grizzled hair; gray haired; gray locks; silver hair; graying hair; salt and pepper hair",
    "white hair": "snow white hair; white haired",
    "darker hair": "hair dyed darker; a darker hair color",
    "lighter hair": "bleached hair; a lighter hair color; highlights in the hair",
    "short hair": (
        "a close haircut; a clipped haircut; a bob; a short haircut; hair cut short; short haired; closely cut hair"
    ),
    "long hair": (
        "a long mane; tresses; hair flowing over the shoulders; hair that reaches below the shoulders; long "
        "haired; very long hair"
    ),
    "longer hair": "lets the hair grow; grow the hair",
    "shorter hair": "a haircut; cut the hair",
    "tanned skin": "sunburned; weather beaten skin; a tan; suntanned; bronze skin; skin browned by the sun",
    "dark skin": "a dusky skin; black skin; dark skinned; a dark complexion",
    "brown skin": "brown skinned; an olive complexion",
    "pale skin": "ashen; bloodless; as white as chalk; a pale complexion; very fair skin; white as a sheet; pallid",
    "light skin": "light skinned; a fair complexion",
    "darker skin": "a deeper skin tone",
    "lighter skin": "a lighter skin tone",
    "thin face": (
        "haggard; starved; slender; lean; a slender face; sunken cheeks; skinny; a bony face; underweight; loses weight"
    ),
    "full face": (
        "chubby cheeks and chin; stout; fleshy; obese; a fat face; full cheeks; overweight; a double chin; gains "
        "weight; plump cheeks"
    ),
    "makeup": (
        "lip gloss; painted lips; powder on the face; eye makeup; wearing makeup; lips painted red; cosmetics; "
        "eyeshadow; a face with foundation and blush"
    ),
    "hat": (
        "a bonnet; a beret; a brimmed hat; a top hat; a sun hat; wearing a hat; headwear; a cap on the head; a "
        "woolly hat; a knitted cap; a straw hat"
    ),
}
PARAPHRASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {phrase: tuple(texts.split("; ")) for phrase, texts in _TEXTS.items()}
)
"""Paraphrases by the known phrase that each one means. The phrase itself is compared, too."""

_THINGS = (
    "jewelry; a piercing; clothes; a coat; a suit; a costume; armor; a veil; a helmet; sunglasses; an animal; a "
    "monster; a ghost; a fairy tale creature; a machine; a superhero; a famous person; a movie star; a landscape; "
    "the sea; weather; a city; a building; the background; the sky; a painting; a drawing; a comic; a style of "
    "art; a photo of a thing; a blurred picture; the quality of the photo; lighting; shadows; colors; the color "
    "of the eyes; hazel eyes; pink hair; dyed hair of a bright color; hair loss; wavy hair; plaited hair; a "
    "fringe; a bun; an afro; gel; the shape of the nose; a long nose; the shape of the ears; big ears; teeth; "
    "crooked teeth; spots on the skin; a wound; a mole; pores; sweat; tears; crying; a tongue; a kiss; a wink; "
    "body height; strong muscles; shoulders; arms and legs; hands; two people; several heads; holding something; "
    "an instrument; food; a drink; a phone; smoking; dancing; flying; swimming; money; intelligence; fame; "
    "health; a profession; a soldier; a king; a clown; a doctor; a question; turned on its head; rotate the "
    "picture; save the file; go back; hello; music; shopping; flowers; fruit; a car; a toy; a thick neck; a "
    "strong jaw; a pointed chin; a forehead; cheekbones; thick lips; eyelashes; angry; afraid; disgusted; in "
    "love; tired; sick; beautiful; ugly; attractive; a bandana; a sweater; a shirt; a hood; a cloak; a uniform; "
    "gloves; a brooch; a pearl; a watch; a badge; goggles; an eye cover; a contact lens; a microphone; a ribbon; "
    "a feather; a wreath; a tiara; bushy eyebrows; thin eyebrows; the color of the eyebrows; long eyelashes; bags "
    "under the eyes; a burn; a rash; blood; dirt on the face; mud; a vein; warts; face paint; a fever; fire; "
    "smoke; water; ice; snow; a tree; a mountain; a room; a street; the stars; a sunset; how are you; how old is "
    "the person; who is this; tell me a story; yes; thanks; help; stop it; a bird; a horse; a fish; an insect; a "
    "dragon; a devil; an angel; an elf; a skeleton; a doll; a scientist; an athlete; a singer; a politician; a "
    "criminal; a priest; a cook; a bride and groom; a sculpture; a sketch; pixel art; black and white; a vintage "
    "photo; more contrast; more saturation; a larger picture; cut the picture; move closer; zoom; mirror the "
    "picture; print it; a frame; blue lips; large lips; a mouth full of food; chewing gum; a cigarette; braces on "
    "the teeth; hair standing up; a shaved side of the head; a hair clip; straightened hair; thick hair; thin "
    "hair; a bald spot; a wig; oily hair; purple hair; a long neck; wide hips; a slim waist; big feet; powerful; "
    "kind; evil; rich; poor; lazy; clever; proud; shy; surprised; confused; hungry; a couple of friends; a "
    "family; a sister; another person; a crowd; a football; a computer; a book"
)
OTHER_THINGS = tuple(_THINGS.split("; "))
"""Things that no attribute stands for. A clause that is nearer to one of them than to a paraphrase is refused."""

OPPOSITES: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    for one, other in (
        ("up upward upwards above raised raises lifts higher high", "down downward downwards below lowered lowers low"),
        ("up upward upwards above", "ground floor feet"),
        ("left", "right"),
        ("open opened opens parted apart awake", "closed shut together asleep sealed close"),
        ("more", "less fewer"),
        ("long longer grow", "short shorter cropped cut"),
        ("thin slim skinny slender bony underweight", "fat full plump chubby round overweight"),
        ("young younger youthful teen baby child", "old older aged elderly mature ancient"),
        ("light lighter pale fair white blond blonde bright", "dark darker black brown deeper"),
        ("happy pleased delighted merry good smiling", "sad unhappy bad grim depressed frowning"),
        ("smooth shaved", "hairy bearded stubble beard"),
        ("man male guy he", "woman female she"),
        ("wide huge big", "narrow small narrowed squinting"),
    )
)
"""Words that say the opposite of each other. A clause is not compared with a paraphrase that says the opposite."""
