"""Rebuild what search reads from the answers and verdicts."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from analysis.library import duplicate_flags
from analysis.models import Image
from analysis.recognition.reindex_all import rebuild
from analysis.search.label_counts import refresh_label_counts

NAMED = 20


class Command(BaseCommand):
    help = "Rebuild what search reads from the stored answers and people's verdicts, and say what was different."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what is different, change nothing")
        parser.add_argument("--json", action="store_true", dest="as_json", help="the report for programs")

    def handle(self, *, dry_run: bool, as_json: bool, **_: Any) -> None:
        images, differing = 0, dict[int, tuple[str, ...]]()
        with tqdm(total=Image.objects.count(), unit=" pictures", disable=as_json or None) as bar:
            for step in rebuild(is_dry=dry_run):
                images += step.images
                differing |= step.differing
                bar.update(step.images)
        labels = 0 if dry_run else refresh_label_counts()
        if not dry_run:
            duplicate_flags.mark_all_duplicates()
        if as_json:
            self._print_json(images, differing, labels)
        else:
            self._print(images, differing, labels, dry_run=dry_run)

    def _print_json(self, images: int, differing: dict[int, tuple[str, ...]], labels: int) -> None:
        report = {"pictures": images, "differing": {str(pk): what for pk, what in differing.items()}, "counts": labels}
        self.stdout.write(json.dumps(report))

    def _print(self, images: int, differing: dict[int, tuple[str, ...]], labels: int, *, dry_run: bool) -> None:
        for image_id, what in list(differing.items())[:NAMED]:
            self.stdout.write(f"Image {image_id} differed: {', '.join(what)}.")
        if len(differing) > NAMED:
            self.stdout.write(f"… and {len(differing) - NAMED:,} more.")
        done = "would be put right (dry run)" if dry_run else "were put right"
        self.stdout.write(
            f"{images:,} pictures gone through, {len(differing):,} {done}, {labels:,} label counts refreshed."
        )
