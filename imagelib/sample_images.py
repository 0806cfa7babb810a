"""Sample photos for the demo, from scikit-image's wheel."""

import shutil
from pathlib import Path

SAMPLES = {
    "astronaut.png": "Astronaut Eileen Collins.png",
    "brick.png": "Brick wall.png",
    "camera.png": "Cameraman.png",
    "chelsea.png": "Chelsea the cat.png",
    "coffee.png": "Cup of coffee.png",
    "coins.png": "Greek coins from Pompeii.png",
    "color.png": "Color wheel.png",
    "grass.png": "Grass.png",
    "gravel.png": "Gravel.png",
    "horse.png": "Silhouette of a horse.png",
    "hubble_deep_field.jpg": "Hubble deep field.jpg",
    "ihc.png": "Stained tissue under the microscope.png",
    "moon.png": "Surface of the Moon.png",
    "motorcycle_left.png": "Motorcycle in a garage.png",
    "page.png": "Page about segmentation.png",
    "retina.jpg": "Retina.jpg",
    "rocket.jpg": "Rocket on the launch pad.jpg",
    "text.png": "Handwritten formulas.png",
}

# Searches with results among the samples, each with a sample that it finds.
SAMPLE_SEARCHES = {
    "cat": "Chelsea the cat.png",
    "coffee": "Cup of coffee.png",
    "motorcycle": "Motorcycle in a garage.png",
    "person": "Cameraman.png",
}


def write_samples(folder: Path) -> None:
    """Copy the samples. Raises ModuleNotFoundError without scikit-image."""
    from skimage.data import data_dir  # noqa: PLC0415 - a development dependency

    for file, name in SAMPLES.items():
        shutil.copyfile(Path(data_dir) / file, folder / name)
