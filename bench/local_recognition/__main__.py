"""Precision and recall of the local models' labels on hand-labeled pictures.

Thresholds were chosen on the tuning half of the pictures, and measured on the other half. Labels derived from faces,
text and colors are not counted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from analysis.recognition.local import configuration, inferred_labels, label_models, prepared_models, text
from bench import sandbox
from bench.local_recognition.pictures import pictures, read
from bench.local_recognition.scores import (
    Outcome,
    by_label,
    photos_with_a_right_label,
    precision,
    recall,
    specific_precision,
)
from bench.report import Measurement, Report


def measure() -> Report:
    prepare()
    outcomes, milliseconds = [], []
    for picture, rgb in read(pictures()):
        text_share = inferred_labels.text_share(text.find(rgb), rgb)
        started = time.process_time()
        detected = label_models.find(rgb, text_share=text_share)
        milliseconds.append(1000 * (time.process_time() - started))
        outcomes.append(Outcome(picture, frozenset(label.name for label in detected)))
    # Without the first one, which loads the models.
    return report(outcomes, milliseconds=sum(milliseconds[1:]) / (len(milliseconds) - 1))


def prepare() -> None:
    folder = Path(os.environ.get("IMAGELIB_MODELS") or sandbox.ROOT / "var" / "models").resolve()
    configuration.configure(configuration.Configuration(folder=folder))
    prepared_models.prepare_classifier()
    prepared_models.prepare_detector()


def report(outcomes: Sequence[Outcome], *, milliseconds: float) -> Report:
    tested = [outcome for outcome in outcomes if outcome.picture.is_test]
    tuned = [outcome for outcome in outcomes if not outcome.picture.is_test]
    photos = sum(outcome.picture.is_photo for outcome in tested)
    measurements = [
        Measurement(name="labels shown that are right", value=precision(tested), unit="", at_least=0.9),
        Measurement(name="the same without ancestors", value=specific_precision(tested), unit=""),
        Measurement(
            name="photographs with a right label", value=photos_with_a_right_label(tested), unit="", at_least=0.7
        ),
        Measurement(
            name="the same without Person", value=photos_with_a_right_label(tested, other_than="Person"), unit=""
        ),
        Measurement(name="main labels that are shown", value=recall(tested), unit=""),
        Measurement(name="processor time per picture", value=milliseconds, unit="ms", at_most=120),
    ]
    notes = [
        f"{len(tested)} pictures, of which {photos} photographs; the thresholds were chosen on {len(tuned)} others:",
        f"there {precision(tuned):.2f} of the labels are right, {specific_precision(tuned):.2f} without ancestors; "
        f"{photos_with_a_right_label(tuned):.2f} of the photographs have a right label, and "
        f"{recall(tuned):.2f} of the main labels are shown.",
        "By label: shown, right, expected",
        *(f"  {name}: {detected}, {right}, {expected}" for name, detected, right, expected in by_label(tested)),
        *(line for outcome in tested if (line := _mistakes(outcome))),
    ]
    return Report("labels of the local models", measurements, notes)


def _mistakes(outcome: Outcome) -> str:
    wrong = ", ".join(sorted(outcome.detected - outcome.picture.right))
    return f"{outcome.picture.package} {outcome.picture.file.rpartition('/')[2]}: wrong: {wrong}" if wrong else ""


if __name__ == "__main__":
    print(measure().to_json())
