"""imagelib's settings with a storage that can simulate a full disk."""

from imagelib.settings import *  # noqa: F403
from imagelib.settings import STORAGES

STORAGES["default"]["BACKEND"] = "bench.chaos.storage.FullDiskStorage"
