"""Settings of the recognizer: options, budgets and quotas."""

from __future__ import annotations

from pathlib import Path

from imagelib.settings.environment import VAR, dollars, env

RECOGNIZER = env.str("RECOGNIZER", "local")
# If empty, all APIs of a free recognizer, and labels only of a paid one.
RECOGNIZER_APIS: list[str] = env.list("RECOGNIZER_APIS", [])
MIN_CONFIDENCE = env.float("MIN_CONFIDENCE", 55.0)
FACE_CONFIDENCE = env.float("FACE_CONFIDENCE", 75.0)
MODERATION_MIN_CONFIDENCE = env.float("MODERATION_MIN_CONFIDENCE", 50.0)
MAX_LABELS = env.int("MAX_LABELS", 100)
LABEL_INCLUSION: list[str] = env.list("LABEL_INCLUSION", [])
LABEL_EXCLUSION: list[str] = env.list("LABEL_EXCLUSION", [])
CATEGORY_INCLUSION: list[str] = env.list("CATEGORY_INCLUSION", [])
CATEGORY_EXCLUSION: list[str] = env.list("CATEGORY_EXCLUSION", [])
IMAGE_PROPERTIES = env.bool("IMAGE_PROPERTIES", True)
RECOGNITION_LONG_SIDE = env.int("RECOGNITION_LONG_SIDE", 2048)
REKOGNITION_READS_BUCKET = env.bool("REKOGNITION_READS_BUCKET", False)
SIMILAR_PICTURES = env.bool("SIMILAR_PICTURES", True)

MONTHLY_BUDGET = dollars("MONTHLY_BUDGET", env.str("MONTHLY_BUDGET", ""))
PERSON_MONTHLY_BUDGET = dollars("PERSON_MONTHLY_BUDGET", env.str("PERSON_MONTHLY_BUDGET", ""))
INTERACTIVE_BUDGET = dollars("INTERACTIVE_BUDGET", env.str("INTERACTIVE_BUDGET", ""))
if INTERACTIVE_BUDGET is None and MONTHLY_BUDGET is not None:
    INTERACTIVE_BUDGET = MONTHLY_BUDGET * 2
PRICES_FILE = env.str("PRICES_FILE", "")
AWS_ACCOUNT = env.str("AWS_ACCOUNT", "")
REKOGNITION_QUOTA: dict[str, str] = env.dict("REKOGNITION_QUOTA", {})  # calls per second: labels=50,faces=100
QUOTAS_FROM_AWS = env.bool("QUOTAS_FROM_AWS", False)
SIMULATOR_URL = env.str("SIMULATOR_URL", "http://127.0.0.1:9797")
# Models of the local recognizer: those that imagelib prepares, or your own in their place.
LOCAL_MODELS = Path(env.str("IMAGELIB_MODELS", "") or VAR / "models").resolve()
LOCAL_DETECTOR = env.str("LOCAL_DETECTOR", "")
LOCAL_CLASSIFIER = env.str("LOCAL_CLASSIFIER", "")
LOCAL_FACE_TRAITS = env.bool("LOCAL_FACE_TRAITS", False)
LOCAL_MODERATION = env.bool("LOCAL_MODERATION", False)
RECOGNITION_THREADS = env.int("RECOGNITION_THREADS", 2 if RECOGNIZER == "local" else 128)
