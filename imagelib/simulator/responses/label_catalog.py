"""Catalog of labels, of which a few are frequent and most are rare.

The names are ordinary words, so that pages look real; which picture gets which is random.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

# Category = ancestors > … : labels. "*" marks labels with instances, "(…)" contains an alias. A label in two lines has
# the parents of both lines and the category of the first.
OUTLINE: Final = """
Person Description = : Person* (Human)
Person Description = Person : Adult*, Child* (Kid), Baby* (Newborn), Teen*, Man* (Male), Woman* (Female), Boy*, Girl*
Person Description = Person : Head, Face, Hand, Finger, Photobomb, Crowd, Audience, Bride*, Groom*, Senior Citizen*
Animals and Pets = Animal > Mammal : Horse*, Cow* (Cattle), Sheep*, Goat*, Pig*, Deer*, Elephant*, Giraffe*, Zebra*
Animals and Pets = Animal > Mammal : Bear*, Rabbit*, Squirrel*, Monkey*, Dolphin*, Whale*, Kangaroo*, Camel*, Hedgehog*
Animals and Pets = Animal > Mammal > Canine : Dog* (Doggy), Wolf*, Fox*
Animals and Pets = Animal > Mammal > Canine > Dog : Puppy*, Terrier*, Hound*, Poodle*, Labrador Retriever*, Collie*
Animals and Pets = Animal > Mammal > Feline : Cat* (Kitty), Lion*, Tiger*, Leopard*, Lynx*
Animals and Pets = Animal > Pet : Dog*, Cat*, Hamster*, Goldfish*, Parrot*
Animals and Pets = Animal > Bird : Parrot*, Owl*, Eagle*, Duck*, Swan*, Goose*, Chicken* (Hen), Sparrow*, Pigeon*, Gull*
Animals and Pets = Animal > Bird : Flamingo*, Penguin*, Stork*, Peacock*, Robin*, Kingfisher*, Ostrich*
Animals and Pets = Animal > Reptile : Lizard*, Snake*, Turtle*, Crocodile*, Gecko*
Animals and Pets = Animal > Fish : Goldfish*, Shark*, Salmon*, Trout*
Animals and Pets = Animal > Invertebrate > Insect : Butterfly*, Bee* (Honeybee), Dragonfly*, Ladybird*, Ant*, Beetle*
Animals and Pets = Animal > Invertebrate : Spider*, Crab*, Snail*, Jellyfish*, Starfish*
Plants and Flowers = Plant > Flower : Rose, Tulip, Daisy, Sunflower, Orchid, Lavender, Poppy, Lily, Daffodil
Plants and Flowers = Plant > Tree : Oak, Pine, Palm Tree, Birch, Willow, Fir, Maple, Olive Tree
Plants and Flowers = Plant : Grass, Leaf, Moss, Fern, Potted Plant*, Cactus*, Ivy, Reed, Bush, Hedge, Vine, Bonsai
Nature and Outdoors = Nature > Outdoors : Sky, Weather, Horizon, Countryside, Wilderness, Rock, Sand, Soil, Cave, Canyon
Nature and Outdoors = Nature > Outdoors > Mountain : Peak, Mountain Range, Glacier, Volcano, Cliff, Hill, Valley
Nature and Outdoors = Nature > Outdoors > Water : Lake, River, Waterfall, Stream, Pond, Puddle
Nature and Outdoors = Nature > Outdoors > Water > Sea (Ocean) : Sea Waves, Coast, Beach (Shore), Lagoon, Reef, Bay
Nature and Outdoors = Nature > Outdoors : Forest (Woodland), Field, Meadow, Desert, Snow, Ice, Fog (Mist), Sunset
Nature and Outdoors = Nature > Outdoors > Sky : Cloud, Rainbow, Moon, Star, Lightning, Aurora, Night
Transport and Logistics = Transportation > Vehicle : Car* (Automobile), Truck*, Van*, Bus*, Motorcycle*, Bicycle* (Bike)
Transport and Logistics = Transportation > Vehicle : Train*, Tram*, Tractor*, Scooter*, Carriage*, Bulldozer*
Transport and Logistics = Transportation > Vehicle > Car : Sports Car*, Sedan*, Suv*, Taxi* (Cab), Limousine*, Jeep*
Transport and Logistics = Transportation > Vehicle > Aircraft : Airplane* (Aeroplane), Helicopter*, Glider*, Balloon*
Transport and Logistics = Transportation > Vehicle > Watercraft : Boat*, Ship*, Canoe*, Ferry*, Sailboat*, Yacht*
Buildings and Architecture = Architecture > Building : House*, Office Building*, Skyscraper*, Barn*, Cottage*, Castle*
Buildings and Architecture = Architecture > Building : Church*, Temple*, Hotel*, Factory*, Hospital*, Library*, Tower*
Buildings and Architecture = Architecture : Arch, Column, Dome, Balcony, Staircase, Door, Window, Wall, Fence, Bridge
Buildings and Architecture = Architecture > Monument : Statue*, Fountain, Obelisk, Ruins
Popular Landmarks = Landmark : Old Harbor Light, Stone Circle, Clock Bridge, Marble Gate
Urban = City (Town) > Urban : Street, Road, Intersection, Sidewalk, Alley, Square, Market, Neighborhood, Metropolis
Urban = City (Town) > Urban : Street Light*, Traffic Light*, Road Sign*, Bench*, Mailbox*, Fire Hydrant*, Parking Meter*
Food and Beverage = Food > Fruit : Apple*, Banana*, Orange*, Grapes*, Strawberry*, Cherry*, Pear*, Lemon*, Melon*, Plum*
Food and Beverage = Food > Vegetable : Tomato*, Carrot*, Potato*, Pepper*, Onion*, Lettuce*, Pumpkin*, Corn*, Cabbage*
Food and Beverage = Food > Meal : Breakfast, Lunch, Dinner, Brunch, Pizza*, Burger*, Pasta*, Salad*, Soup*, Sandwich*
Food and Beverage = Food > Dessert : Cake*, Ice Cream*, Cookie* (Biscuit), Chocolate*, Pancake*, Doughnut*
Food and Beverage = Food : Bread*, Cheese*, Egg*, Rice, Meat, Honey, Butter, Noodle
Food and Beverage = Beverage : Coffee*, Tea, Milk, Juice*, Water Bottle*, Wine*, Beer*, Lemonade*, Cocktail*
Furniture and Furnishings = Furniture : Table*, Chair*, Couch* (Sofa), Bed*, Desk*, Shelf*, Cabinet*, Lamp*, Mirror*
Furniture and Furnishings = Furniture : Wardrobe*, Stool*, Cradle*, Bookcase*, Armchair*, Rug, Curtain, Cushion*
Home and Indoors = Indoors > Room : Kitchen, Bedroom, Bathroom, Living Room, Dining Room, Office, Classroom, Hallway
Home and Indoors = Indoors : Fireplace, Sink*, Bathtub*, Stove*, Refrigerator* (Fridge), Microwave*, Cup*, Bowl*, Plate*
Home and Indoors = Indoors : Vase*, Candle*, Clock*, Towel*, Pillow*, Bottle*, Glass*, Knife*, Fork*, Spoon*, Teapot*
Apparel and Accessories = Clothing : Shirt*, Dress*, Coat*, Jacket*, Jeans*, Skirt*, Suit*, Sweater*, Scarf*, Glove*
Apparel and Accessories = Clothing > Footwear : Shoe*, Boot*, Sandal*, Sneaker* (Running Shoe), High Heel*
Apparel and Accessories = Accessories : Glasses*, Sunglasses*, Hat*, Belt*, Handbag* (Bag), Necklace*, Earring*, Ring*
Apparel and Accessories = Accessories : Wristwatch*, Tie* (Necktie), Backpack*, Umbrella*, Wallet*, Cap*, Helmet*
Technology and Computing = Electronics : Camera*, Television* (TV), Radio*, Headphones*, Loudspeaker*, Remote Control*
Technology and Computing = Electronics > Computer : Laptop*, Tablet*, Computer Keyboard*, Mouse*, Monitor* (Screen)
Technology and Computing = Electronics > Phone : Mobile Phone* (Cell Phone), Dial Telephone*
Sports = Sport : Soccer (Football), Tennis, Basketball, Volleyball, Golf, Swimming, Cycling, Running, Skiing, Surfing
Sports = Sport : Hiking, Climbing, Gymnastics, Rowing, Skating, Fencing, Judo, Ball*, Racket*, Skateboard*, Surfboard*
Hobbies and Interests = Hobby : Gardening, Camping, Fishing, Cooking, Knitting, Painting, Photography, Dancing, Chess
Performing Arts = Music > Musical Instrument : Guitar*, Piano*, Violin*, Drum*, Flute*, Trumpet*, Harp*, Cello*
Performing Arts = Art : Drawing, Sculpture*, Mosaic, Graffiti, Mural, Pottery*, Collage, Stained Glass, Portrait
Text and Documents = Text : Handwriting, Document, Letter, Menu, Newspaper*, Book*, Map, Poster*, Page, Number, Logo
Events and Attractions = Event : Wedding, Birthday, Concert, Festival, Parade, Party, Picnic, Fireworks, Carnival, Fair
Tools and Machinery = Tool : Hammer*, Saw*, Screwdriver*, Wrench*, Axe*, Ladder*, Shovel*, Scissors*, Wheel*, Gear*
Toys and Gaming = Toy : Doll*, Teddy Bear*, Kite*, Puzzle, Lego*, Balloon*, Swing*, Slide*, Seesaw*, Marble*
Education = School : Blackboard*, Globe*, Microscope*, Pencil*, Notebook*, Ruler*
Patterns and Shapes = Pattern : Stripe, Polka Dot, Plaid, Circle, Triangle, Spiral, Texture, Silhouette
"""


@dataclass(frozen=True)
class CatalogLabel:
    """A label; `parents` are all its ancestors, as in Rekognition's responses."""

    name: str
    parents: tuple[str, ...]
    aliases: tuple[str, ...]
    category: str
    has_instances: bool


def _parse_outline(outline: str) -> dict[str, CatalogLabel]:
    labels: dict[str, CatalogLabel] = {}
    for line in outline.strip().splitlines():
        category, _, rest = line.partition(" = ")
        chain, _, names = rest.partition(":")
        ancestors: tuple[str, ...] = ()
        for parent in filter(None, (part.strip() for part in chain.split(">"))):
            ancestors = (_add(labels, parent, category=category, ancestors=ancestors),)
        for name in names.split(","):
            _add(labels, name.strip(), category=category, ancestors=ancestors)
    return {name: replace(label, parents=tuple(sorted(_ancestors(labels, label)))) for name, label in labels.items()}


def _add(labels: dict[str, CatalogLabel], entry: str, *, category: str, ancestors: tuple[str, ...]) -> str:
    """Add an entry of the outline, for now with its direct parents only."""
    text, _, alias = entry.partition(" (")
    name = text.rstrip("*")
    known_label = labels.get(name, CatalogLabel(name, (), (), category, has_instances=False))
    labels[name] = replace(
        known_label,
        parents=(*known_label.parents, *ancestors),
        aliases=known_label.aliases or ((alias.rstrip(")"),) if alias else ()),
        has_instances=known_label.has_instances or text.endswith("*"),
    )
    return name


def _ancestors(labels: dict[str, CatalogLabel], label: CatalogLabel) -> set[str]:
    return {name for parent in label.parents for name in (parent, *_ancestors(labels, labels[parent]))}


CATALOG: Final = _parse_outline(OUTLINE)


def _by_frequency() -> tuple[CatalogLabel, ...]:
    labels = sorted(CATALOG.values(), key=lambda label: label.name)
    random.Random("the order of the vocabulary").shuffle(labels)
    return tuple(labels)


BY_FREQUENCY: Final = _by_frequency()  # most frequent first

# Cumulative, by Zipf's law: a tenth of the labels gets half of the draws.
WEIGHTS: Final = tuple(accumulate(1 / (rank + 3) for rank in range(len(BY_FREQUENCY))))


def _neighbors() -> dict[str, CatalogLabel]:
    """For each label, the next with the same parents, which another version detects."""
    families: dict[tuple[str, ...], list[CatalogLabel]] = {}
    for label in BY_FREQUENCY:
        families.setdefault(label.parents, []).append(label)
    return {
        label.name: family[(index + 1) % len(family)]
        for family in families.values()
        for index, label in enumerate(family)
    }


NEIGHBORS: Final = _neighbors()
