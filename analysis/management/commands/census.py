"""Count and price a bucket from its S3 Inventory, before anything is imported."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tqdm import tqdm

from analysis.aws.errors import AWSError
from analysis.census import census, targets
from analysis.census.census import Census, CensusOptions
from analysis.census.counts import DIMENSIONS
from analysis.census.inventory import InvalidInventory, Inventory, Part
from analysis.census.inventory_files import Source
from analysis.formatting import translated
from analysis.management.census_output import census_lines
from analysis.management.translated_command import TranslatedCommand
from analysis.models import Analysis

MAX_DEPTH = 20
MAX_GROUPS = 10_000


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Count a bucket from its S3 Inventory: pictures, duplicates, archived objects, and the cost and time "
        "to analyze them. Reads only the inventory's files, never an object of the bucket. The bucket's page "
        "shows the last census. Exit status: 0 done, 2 wrong usage or a broken inventory, 3 AWS returned an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "location",
            help=_(
                "the manifest, as s3://BUCKET/…/manifest.json or a local copy; or a folder of Parquet files (in S3,"
                " ending in /)"
            ),
        )
        parser.add_argument("--bucket", default="", help=_("the bucket that was inventoried, as NAME or NAME/PREFIX"))
        parser.add_argument("--prefix", help=_("only keys that start with this"))
        parser.add_argument(
            "--by", choices=list(DIMENSIONS), action="append", help=_("show this table; can be repeated")
        )
        parser.add_argument("--depth", type=_depth, default=1, help=_("folder levels of the prefixes (default: 1)"))
        parser.add_argument("--limit", type=_limit, default=census.SHOWN_GROUPS, help=_("rows per table (default: 20)"))
        parser.add_argument("--apis", type=_apis, help=_("APIs to price, such as labels,faces"))
        parser.add_argument("--allow-missing", action="store_true", help=_("skip parts that are missing or damaged"))
        parser.add_argument("--region", default="", help=_("region of the bucket with the inventory"))
        parser.add_argument("--json", action="store_true", help=_("print one JSON object"))

    def handle(self, *, location: str, **options: Any) -> None:
        try:
            source = targets.source_of(location, region=options["region"])
            inventory = source.read()
            bucket = targets.bucket_of(options["bucket"], inventory)
            chosen = CensusOptions(
                **targets.rules_of(bucket, options["bucket"], options["prefix"]),
                apis=options["apis"] or (bucket.apis if bucket else ()),
                depth=options["depth"],
                groups=options["limit"],
                allow_missing=options["allow_missing"],
            )
            result = self._count(source, inventory, chosen, is_json=options["json"])
        except InvalidInventory as error:
            raise CommandError(translated(error), returncode=2) from error
        except AWSError as error:
            raise CommandError(targets.describe_error(location, error), returncode=3) from error
        except OSError as error:
            raise CommandError(f"{error.filename or location}: {error.strerror}", returncode=2) from error
        # Not with another prefix, which would be a census of something else than the bucket.
        is_kept = bucket is not None and options["prefix"] in {None, bucket.prefix}
        if bucket is not None and is_kept:
            census.save(bucket, result, location=location, now=now())
        self._write(result, by=options["by"], page=str(bucket) if is_kept else "", is_json=options["json"])

    def _count(self, source: Source, inventory: Inventory, options: CensusOptions, *, is_json: bool) -> Census:
        with tqdm(total=len(inventory.parts), unit=_(" parts"), disable=True if is_json else None, leave=False) as bar:

            def count_part(_part: Part) -> None:
                bar.update()

            return census.make_census(source, inventory, options=options, now=now(), on_part=count_part)

    def _write(self, result: Census, *, by: list[str] | None, page: str, is_json: bool) -> None:
        if is_json:
            self.stdout.write(json.dumps(result.as_json()))
            return
        for line in census_lines(result, by=by or list(DIMENSIONS)):
            self.stdout.write(line)
        if page:
            self.stdout.write("")
            self.stdout.write(_("The page of bucket %(bucket)s shows this census.") % {"bucket": page})


def _depth(text: str) -> int:
    return _number(text, MAX_DEPTH)


def _limit(text: str) -> int:
    return _number(text, MAX_GROUPS)


def _number(text: str, maximum: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= maximum):
        raise ArgumentTypeError(_("enter a number from 1 to %(maximum)s") % {"maximum": maximum})
    return int(text)


def _apis(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in Analysis.Api.values]
    if unknown or not names:
        choices = ", ".join(Analysis.Api.values)
        raise ArgumentTypeError(_("choose from: %(choices)s") % {"choices": choices})
    return names
