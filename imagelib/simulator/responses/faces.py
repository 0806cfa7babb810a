"""Responses of DetectFaces and RecognizeCelebrities, which find the same faces."""

from __future__ import annotations

import random
from typing import Final

from imagelib.simulator.responses.pseudo_random import Json, box, percent, pseudo_random

ALWAYS: Final = ("BoundingBox", "Landmarks", "Pose", "Quality", "Confidence")
# Values of the parameter Attributes, and the fields that they add.
ATTRIBUTES: Final = {
    "AGE_RANGE": "AgeRange",
    "SMILE": "Smile",
    "EYEGLASSES": "Eyeglasses",
    "SUNGLASSES": "Sunglasses",
    "GENDER": "Gender",
    "BEARD": "Beard",
    "MUSTACHE": "Mustache",
    "EYES_OPEN": "EyesOpen",
    "MOUTH_OPEN": "MouthOpen",
    "EMOTIONS": "Emotions",
    "FACE_OCCLUDED": "FaceOccluded",
    "EYE_DIRECTION": "EyeDirection",
}
# Percent of the faces for which the attribute is true.
YES_OR_NO: Final = {
    "Smile": 45,
    "Eyeglasses": 25,
    "Sunglasses": 8,
    "Beard": 18,
    "Mustache": 12,
    "EyesOpen": 90,
    "MouthOpen": 25,
    "FaceOccluded": 10,
}
EMOTIONS: Final = ("HAPPY", "CALM", "SAD", "SURPRISED", "CONFUSED", "ANGRY", "FEAR", "DISGUSTED")
# Fractions of the bounding box.
LANDMARKS: Final = {
    "eyeLeft": (0.3, 0.4),
    "eyeRight": (0.7, 0.4),
    "mouthLeft": (0.35, 0.75),
    "mouthRight": (0.65, 0.75),
    "nose": (0.5, 0.58),
    "leftEyeBrowLeft": (0.2, 0.32),
    "leftEyeBrowRight": (0.4, 0.31),
    "leftEyeBrowUp": (0.3, 0.29),
    "rightEyeBrowLeft": (0.6, 0.31),
    "rightEyeBrowRight": (0.8, 0.32),
    "rightEyeBrowUp": (0.7, 0.29),
    "leftEyeLeft": (0.25, 0.4),
    "leftEyeRight": (0.36, 0.4),
    "leftEyeUp": (0.3, 0.38),
    "leftEyeDown": (0.3, 0.42),
    "rightEyeLeft": (0.64, 0.4),
    "rightEyeRight": (0.75, 0.4),
    "rightEyeUp": (0.7, 0.38),
    "rightEyeDown": (0.7, 0.42),
    "noseLeft": (0.44, 0.6),
    "noseRight": (0.56, 0.6),
    "mouthUp": (0.5, 0.72),
    "mouthDown": (0.5, 0.8),
    "leftPupil": (0.3, 0.4),
    "rightPupil": (0.7, 0.4),
    "upperJawlineLeft": (0.08, 0.4),
    "midJawlineLeft": (0.14, 0.72),
    "chinBottom": (0.5, 0.97),
    "midJawlineRight": (0.86, 0.72),
    "upperJawlineRight": (0.92, 0.4),
}
# AWS returns only these five landmarks by default.
DEFAULT_LANDMARKS: Final = ("eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose")
COUNTS: Final = (0,) * 10 + (1,) * 6 + (2,) * 3 + (3, 4, 7)


def count(digest: bytes) -> int:
    """Number of faces in a picture."""
    return COUNTS[digest[8] % len(COUNTS)]


def respond(digest: bytes, parameters: Json) -> Json:
    attributes = set(parameters.get("Attributes") or ["DEFAULT"])
    if "ALL" in attributes:
        return {"FaceDetails": _faces(digest)}
    members = {*ALWAYS, *(ATTRIBUTES[name] for name in attributes if name in ATTRIBUTES)}
    return {"FaceDetails": [_reduced(face, members) for face in _faces(digest)]}


def celebrities(digest: bytes) -> Json:
    """Response of RecognizeCelebrities: a third of the faces are celebrities."""
    draw = pseudo_random(digest, "celebrities")
    response: Json = {"CelebrityFaces": [], "UnrecognizedFaces": []}
    for face in _faces(digest):
        face_details = _reduced(face, {*ALWAYS, "Emotions", "Smile"})
        if draw.random() < 0.33:
            response["CelebrityFaces"].append(_celebrity(face_details, draw))
        else:
            response["UnrecognizedFaces"].append(face_details)
    return response


def _celebrity(face: Json, draw: random.Random) -> Json:
    number = min(int(draw.paretovariate(0.7)), 100)
    return {
        "Urls": [f"simulated.invalid/person/{number}"],
        "Name": f"Simulated Person {number}",
        "Id": f"Sim{number:04d}",
        "Face": face,
        "MatchConfidence": percent(draw, minimum=50),
        "KnownGender": {"Type": ("Female", "Male", "Nonbinary", "Unlisted")[min(number % 7 // 2, 3)]},
    }


def _reduced(face: Json, members: set[str]) -> Json:
    reduced = {**face, "Landmarks": [mark for mark in face["Landmarks"] if mark["Type"] in DEFAULT_LANDMARKS]}
    return {name: value for name, value in reduced.items() if name in members}


def _faces(digest: bytes) -> list[Json]:
    """Faces with all attributes, largest first."""
    draw = pseudo_random(digest, "faces")
    faces = [_face(draw) for _ in range(count(digest))]
    return sorted(faces, key=lambda face: -float(face["BoundingBox"]["Width"] * face["BoundingBox"]["Height"]))


def _face(draw: random.Random) -> Json:
    bounding_box = box(draw, maximum=0.25)
    age = draw.randint(0, 80)
    return {
        "BoundingBox": bounding_box,
        "AgeRange": {"Low": age, "High": age + 4 + age // 8},
        **{name: _yes_or_no(draw, share) for name, share in YES_OR_NO.items()},
        "Gender": {"Value": draw.choice(("Female", "Male")), "Confidence": percent(draw, minimum=50)},
        "Emotions": _emotions(draw),
        "Landmarks": _landmarks(draw, bounding_box),
        "Pose": {name: round(draw.uniform(-30, 30), 4) for name in ("Roll", "Yaw", "Pitch")},
        "Quality": {name: round(20 + 80 * draw.random(), 4) for name in ("Brightness", "Sharpness")},
        "Confidence": percent(draw, minimum=90),
        "EyeDirection": {
            "Yaw": round(draw.uniform(-40, 40), 4),
            "Pitch": round(draw.uniform(-40, 40), 4),
            "Confidence": percent(draw),
        },
    }


def _yes_or_no(draw: random.Random, share: float) -> Json:
    return {"Value": draw.random() * 100 < share, "Confidence": percent(draw, minimum=50)}


def _emotions(draw: random.Random) -> list[Json]:
    """All emotions by descending confidence, 100 percent in total."""
    weights = [draw.random() ** 6 + 0.0001 for _ in EMOTIONS]
    total = sum(weights)
    response = [
        {"Type": name, "Confidence": round(100 * weight / total, 4)}
        for name, weight in zip(EMOTIONS, weights, strict=True)
    ]
    return sorted(response, key=lambda emotion: -emotion["Confidence"])


def _landmarks(draw: random.Random, bounding_box: Json) -> list[Json]:
    left, top, width, height = (bounding_box[side] for side in ("Left", "Top", "Width", "Height"))
    tilt = 0.06 * (draw.random() - 0.5)
    return [
        {"Type": name, "X": round(left + width * (x + tilt), 5), "Y": round(top + height * (y + tilt), 5)}
        for name, (x, y) in LANDMARKS.items()
    ]
