"""imagelib's settings, with a storage whose disk can be full."""

from imagelib.settings import *  # noqa: F403
from imagelib.settings import STORAGES

STORAGES["default"]["BACKEND"] = "bench.chaos.storage.FullDiskStorage"
