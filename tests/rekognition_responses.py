"""Responses of Rekognition's five operations, as documented by AWS."""

from __future__ import annotations

from typing import Any


def metadata(request_id: str = "8e5a2a10-4b0e-4d39-9d5e-0f6a3c1b2d4e", **headers: str) -> dict[str, Any]:
    return {
        "RequestId": request_id,
        "HTTPStatusCode": 200,
        "HTTPHeaders": {"x-amzn-requestid": request_id, "content-type": "application/x-amz-json-1.1", **headers},
        "RetryAttempts": 0,
    }


def box(left: float = 0.1, top: float = 0.2, width: float = 0.3, height: float = 0.4) -> dict[str, float]:
    return {"Width": width, "Height": height, "Left": left, "Top": top}


def named(*names: str) -> list[dict[str, str]]:
    return [{"Name": name} for name in names]


def label(
    name: str,
    confidence: float = 99.0,
    *,
    parents: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    category: str = "Animals and Pets",
    instances: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    return {
        "Name": name,
        "Confidence": confidence,
        "Instances": list(instances),
        "Parents": named(*parents),
        "Aliases": named(*aliases),
        "Categories": named(category),
    }


def instance(confidence: float = 98.0, colors: tuple[dict[str, Any], ...] = (), **sides: float) -> dict[str, Any]:
    return {"BoundingBox": box(**sides), "Confidence": confidence, "DominantColors": list(colors)}


def color(
    rgb: tuple[int, int, int] = (47, 79, 79),
    css_color: str = "darkslategrey",
    simplified_color: str = "grey",
    percent: float = 25.40567970275879,
) -> dict[str, Any]:
    red, green, blue = rgb
    return {
        "Red": red,
        "Blue": blue,
        "Green": green,
        "HexCode": f"#{red:02x}{green:02x}{blue:02x}",
        "CSSColor": css_color,
        "SimplifiedColor": simplified_color,
        "PixelPercent": percent,
    }


def labels(*entries: dict[str, Any], properties: bool = True) -> dict[str, Any]:
    """A DetectLabels response; by default a dog with its ancestors, and a person."""
    answer: dict[str, Any] = {"Labels": list(entries or DOG_AND_PERSON), "LabelModelVersion": "3.0"}
    if properties:
        answer["ImageProperties"] = {
            "Quality": {"Brightness": 59.91098403930664, "Sharpness": 81.02310943603516, "Contrast": 80.38261413574219},
            "DominantColors": [color(), color((0, 0, 0), "black", "black", 22.312374114990234)],
            "Foreground": {
                "Quality": {"Brightness": 44.656272888183594, "Sharpness": 81.89669036865234},
                "DominantColors": [color((0, 0, 0), "black", "black", 44.173912048339844)],
            },
            "Background": {
                "Quality": {"Brightness": 63.69063186645508, "Sharpness": 80.79820251464844},
                "DominantColors": [color((85, 107, 47), "darkolivegreen", "green", 28.046875)],
            },
        }
    return answer


DOG_AND_PERSON: tuple[dict[str, Any], ...] = (
    label("Animal", 99.98021697998047),
    label("Mammal", 99.98021697998047, parents=("Animal",)),
    label("Pet", 99.98021697998047, parents=("Animal",)),
    label("Canine", 99.98021697998047, parents=("Animal", "Mammal")),
    label(
        "Dog",
        99.98021697998047,
        parents=("Animal", "Canine", "Mammal", "Pet"),
        instances=(
            # As received once: the box leaves the picture on the left.
            instance(97.91858673095703, left=-0.00326, top=0.2016, width=0.4356, height=0.7982),
            instance(95.15943145751953, (color(),), left=0.4231, top=0.1927, width=0.3572, height=0.5489),
        ),
    ),
    label(
        "Person",
        98.37744140625,
        aliases=("Human",),
        category="Person Description",
        instances=(instance(98.37744140625, left=0.5217, top=0.0757, width=0.2983, height=0.8222),),
    ),
)


def face(**changes: Any) -> dict[str, Any]:
    """One entry of FaceDetails as DetectFaces gives it for Attributes=["ALL"]."""
    return {
        "BoundingBox": box(0.27, 0.1, 0.2, 0.3),
        "AgeRange": {"Low": 29, "High": 39},
        "Smile": {"Value": True, "Confidence": 97.3},
        "Eyeglasses": {"Value": False, "Confidence": 99.1},
        "Sunglasses": {"Value": False, "Confidence": 99.9},
        "Gender": {"Value": "Female", "Confidence": 99.8},
        "Beard": {"Value": False, "Confidence": 98.2},
        "Mustache": {"Value": False, "Confidence": 99.5},
        "EyesOpen": {"Value": True, "Confidence": 96.4},
        "MouthOpen": {"Value": False, "Confidence": 88.0},
        "Emotions": [
            {"Type": "CALM", "Confidence": 3.2},
            {"Type": "HAPPY", "Confidence": 95.6},
            {"Type": "SURPRISED", "Confidence": 6.3},
        ],
        "Landmarks": [{"Type": "eyeLeft", "X": 0.32, "Y": 0.21}, {"Type": "eyeRight", "X": 0.41, "Y": 0.2}],
        "Pose": {"Roll": -5.1, "Yaw": 1.4, "Pitch": 7.8},
        "Quality": {"Brightness": 73.1, "Sharpness": 86.9},
        "Confidence": 99.99,
        "FaceOccluded": {"Value": False, "Confidence": 99.9},
        "EyeDirection": {"Yaw": 6.2, "Pitch": -2.1, "Confidence": 99.7},
        **changes,
    }


def faces(*details: dict[str, Any]) -> dict[str, Any]:
    return {"FaceDetails": list(details or (face(),))}


def celebrities() -> dict[str, Any]:
    return {
        "CelebrityFaces": [
            {
                "Urls": ["www.wikidata.org/wiki/Q1", "www.imdb.com/name/nm1"],
                "Name": "Somebody Famous",
                "Id": "3Ir0du6",
                "Face": {
                    "BoundingBox": box(0.4, 0.1, 0.12, 0.2),
                    "Confidence": 99.9,
                    "Landmarks": [{"Type": "eyeLeft", "X": 0.44, "Y": 0.17}],
                    "Pose": {"Roll": 1.5, "Yaw": -2.3, "Pitch": 4.4},
                    "Quality": {"Brightness": 80.1, "Sharpness": 92.2},
                    "Emotions": [{"Type": "HAPPY", "Confidence": 91.2}],
                    "Smile": {"Value": True, "Confidence": 90.3},
                },
                "MatchConfidence": 98.0,
                "KnownGender": {"Type": "Male"},
            }
        ],
        "UnrecognizedFaces": [
            {
                "BoundingBox": box(0.7, 0.3, 0.1, 0.15),
                "Confidence": 99.2,
                "Landmarks": [{"Type": "nose", "X": 0.75, "Y": 0.38}],
                "Pose": {"Roll": 0.4, "Yaw": 9.9, "Pitch": -1.2},
                "Quality": {"Brightness": 60.4, "Sharpness": 73.3},
            }
        ],
    }


def text_detection(
    text: str, number: int, *, parent: int | None = None, confidence: float = 99.2, **sides: float
) -> dict[str, Any]:
    at = box(**sides)
    right, bottom = at["Left"] + at["Width"], at["Top"] + at["Height"]
    corners = [(at["Left"], at["Top"]), (right, at["Top"]), (right, bottom), (at["Left"], bottom)]
    detection: dict[str, Any] = {
        "DetectedText": text,
        "Type": "LINE" if parent is None else "WORD",
        "Id": number,
        "Confidence": confidence,
        "Geometry": {"BoundingBox": at, "Polygon": [{"X": x, "Y": y} for x, y in corners]},
    }
    return detection if parent is None else {**detection, "ParentId": parent}


def text() -> dict[str, Any]:
    """Two lines of which the first has two words."""
    return {
        "TextDetections": [
            text_detection("KEEP LEFT", 0, left=0.1, top=0.1, width=0.5, height=0.1),
            text_detection("exit", 1, left=0.1, top=0.3, width=0.2, height=0.1),
            text_detection("KEEP", 2, parent=0, left=0.1, top=0.1, width=0.24, height=0.1),
            text_detection("LEFT", 3, parent=0, left=0.36, top=0.1, width=0.24, height=0.1),
            text_detection("exit", 4, parent=1, left=0.1, top=0.3, width=0.2, height=0.1),
        ],
        "TextModelVersion": "3.0",
    }


def moderation() -> dict[str, Any]:
    return {
        "ModerationLabels": [
            {"Confidence": 87.5, "Name": "Weapons", "ParentName": "Violence", "TaxonomyLevel": 2},
            {"Confidence": 87.5, "Name": "Violence", "ParentName": "", "TaxonomyLevel": 1},
        ],
        "ModerationModelVersion": "7.0",
        "ContentTypes": [{"Confidence": 99.1, "Name": "Illustrated"}],
    }


RESPONSES = {
    "DetectLabels": labels,
    "DetectFaces": faces,
    "RecognizeCelebrities": celebrities,
    "DetectText": text,
    "DetectModerationLabels": moderation,
}
"""Operation to the function that makes an answer of it."""
