"""imagelib's settings, with the pictures on a disk that can be full."""

from imagelib.settings import *  # noqa: F403
from imagelib.settings import STORAGES

STORAGES["default"]["BACKEND"] = "bench.chaos.storage.FullForAWhile"
