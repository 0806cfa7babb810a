"""Have many pictures analyzed, again or for the first time: counted, tried and paid for knowingly."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.utils.timezone import get_current_timezone

from analysis import pipeline
from analysis.batches import lifecycle, sampling
from analysis.batches.authorization import NotAllowed
from analysis.batches.options import InvalidBatchOptions, build_batch, check_amounts
from analysis.batches.progress import progress
from analysis.management.batch_output import BatchOutput
from analysis.management.batch_progress import BatchProgress
from analysis.models import Batch

Scope = Batch.Scope
EXAMPLES = """
Exit status: 0 done, 1 done but some failed, 2 wrong usage, 3 stopped by a budget, 4 cancelled, 130 paused (Ctrl-C).

  manage.py analyze_images                              what the recognizer has not answered yet
  manage.py analyze_images "beach added:2025" --dry-run what that would come to; nothing is called
  manage.py analyze_images --all --force --sample 50    50 of them first, and what that gained and lost
  manage.py analyze_images --model-older-than latest --budget 20 --yes --detach
  manage.py analyze_images --status 7                   also in a second terminal
  manage.py analyze_images -- "-dog"                    a search that begins with a minus goes after two
"""


class Command(BaseCommand):
    help = (
        "Analyze the pictures of a search, or of the whole library, in the background: pause it, resume it, limit what "
        "it may cost. What people said, tags and the trash stay as they are. An answer that is stored is not paid for "
        "again."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, epilog=EXAMPLES, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        _add_selection(parser)
        _add_asking(parser)
        _add_running(parser)
        _add_known(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        asked = Namespace(**options)
        words = BatchOutput(self.stdout, is_json=asked.json)
        for name, act in (("pause", _pause), ("resume", _resume), ("cancel", _cancel), ("status", _status)):
            batch_id = getattr(asked, name)
            if batch_id is not None:
                if progress(batch_id) is None:
                    raise CommandError(f"There is no batch {batch_id}.", returncode=2)
                sys.exit(act(batch_id, asked, words))
        try:
            if asked.dry_run and asked.sample:
                raise InvalidBatchOptions("--dry-run calls nothing and --sample does: leave one out.")
            batch = _wish(asked)
        except InvalidBatchOptions as error:
            raise CommandError(str(error), returncode=2) from error
        _run(batch, asked, words)


def _run(batch: Batch, asked: Namespace, words: BatchOutput) -> None:
    """Estimate, sample, confirm, start, watch: as far as the options go."""
    try:
        if asked.ids:  # to be gone through a step at a time, and again tomorrow, the ids must be rows
            lifecycle.prepare(batch, named=_ids(asked.ids))
        is_weighed = asked.dry_run or asked.sample or not asked.yes
        if is_weighed and not _weigh(batch, asked, words):
            _forget(batch)
            return
    except BaseException:
        _forget(batch)
        raise
    pipeline.run_batch(batch)
    if asked.detach:
        words.started(batch)
        return
    sys.exit(BatchProgress(batch.pk, words).until_over())


def _weigh(batch: Batch, asked: Namespace, words: BatchOutput) -> bool:
    """Say what it would come to, and whether it is wanted then."""
    if asked.sample:
        _sample(batch, asked, words)
    found = words.estimating(batch)
    words.estimate(batch, found)
    if asked.dry_run or not found.analyses:
        return False
    batch.expected = found.analyses
    if asked.yes or (not found.dollars and not asked.sample):
        return True
    if asked.json or not sys.stdin or sys.stdin.closed or not sys.stdin.isatty():
        raise CommandError("Nothing was started, since it costs money: add --yes, or --dry-run.", returncode=2)
    return input("Go on? [y/N] ").strip().lower() in {"y", "yes"}


def _sample(batch: Batch, asked: Namespace, words: BatchOutput) -> None:
    ids = sampling.draw_sample(batch, asked.sample)
    if not ids:
        return
    sample = sampling.sample_of(batch)
    pipeline.run_batch(sample, named=ids)
    words.line(f"A sample of {len(ids):,} pictures is analyzed first (batch {sample.pk}); nothing else changes.")
    status = BatchProgress(sample.pk, words, is_sample=True).until_over()
    words.difference(sampling.compare_sample(sample))
    if batch.budget is not None and (spent := progress(sample.pk)):
        batch.budget -= spent.dollars
    if status > 1:
        sys.exit(status)


def _forget(batch: Batch) -> None:
    if batch.pk:
        batch.delete()


def _pause(batch_id: int, _: Namespace, words: BatchOutput) -> int:
    return words.told(batch_id, lifecycle.pause(batch_id), "It was not running.")


def _cancel(batch_id: int, _: Namespace, words: BatchOutput) -> int:
    return words.told(batch_id, lifecycle.cancel(batch_id), "It was over already.")


def _status(batch_id: int, _: Namespace, words: BatchOutput) -> int:
    return words.told(batch_id, True, "")


def _resume(batch_id: int, asked: Namespace, words: BatchOutput) -> int:
    try:
        check_amounts(budget=asked.budget)
        is_resumed = pipeline.resume_batch(batch_id, budget=asked.budget)
    except (InvalidBatchOptions, NotAllowed) as error:
        raise CommandError(str(error), returncode=2) from error
    if not is_resumed:
        return words.told(batch_id, False, "There was nothing to resume.")
    return 0 if asked.detach else BatchProgress(batch_id, words).until_over()


def _wish(asked: Namespace) -> Batch:
    query = " ".join(asked.query)
    scope = _scope(asked, has_query=bool(query or asked.ids))
    return build_batch(
        query=query,
        scope=scope,
        apis=None if asked.apis is None else [name.strip() for name in asked.apis.split(",") if name.strip()],
        min_confidence=asked.min_confidence,
        max_labels=asked.max_labels,
        older_than=asked.older_than or "",
        error_code=asked.error_code or "",
        since=asked.since,
        limit=asked.limit,
        budget=asked.budget,
        rate=asked.rate,
        is_forced=asked.force,
        uses_id_list=asked.ids is not None,
        all_owners=True,
        mail_to=asked.mail or "",
    )


def _scope(asked: Namespace, *, has_query: bool) -> str:
    """What is asked for; a search or ids alone mean all of these, nothing at all what is missing."""
    if asked.older_than:
        return Scope.OUTDATED
    if asked.failed or asked.error_code:
        return Scope.FAILED
    return Scope.ALL if asked.all or (has_query and not asked.missing) else Scope.MISSING


def _ids(path: Path) -> Iterator[int]:
    """The ids of a file, one a line, read as they are needed. Raises CommandError naming the line."""
    try:
        file = nullcontext(sys.stdin) if str(path) == "-" else path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CommandError(f"--ids: {path}: {error.strerror}", returncode=2) from error
    with file as lines:
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if text and not (text.isascii() and text.isdecimal() and len(text) <= 18):
                raise CommandError(f"--ids: line {number} is {text[:40]!r}, which is no picture's id.", returncode=2)
            if text:
                yield int(text)


def _add_selection(parser: ArgumentParser) -> None:
    parser.add_argument("query", nargs="*", help="a search, as typed into the search box; without one, the library")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="every one of them")
    which.add_argument("--missing", action="store_true", help="those the recognizer never answered (without a search)")
    which.add_argument("--failed", action="store_true", help="those that failed last time")
    which.add_argument(
        "--model-older-than", dest="older_than", metavar="VERSION", help="those an older model answered; or: latest"
    )
    parser.add_argument("--error-code", metavar="CODE", help="of the failed, those of this cause")
    parser.add_argument("--since", type=_day, metavar="DATE", help="only pictures added since, for example 2026-05-01")
    parser.add_argument("--ids", type=Path, metavar="FILE", help="only the pictures with these ids, one a line")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many pictures")


def _add_asking(parser: ArgumentParser) -> None:
    parser.add_argument("--apis", help="comma-separated, for example labels,faces (default: all that are switched on)")
    parser.add_argument("--min-confidence", type=float, metavar="PERCENT")
    parser.add_argument("--max-labels", type=int, metavar="N")
    parser.add_argument("--force", action="store_true", help="ask again although an answer is stored; it is paid again")


def _add_running(parser: ArgumentParser) -> None:
    parser.add_argument("--budget", type=_dollars, metavar="USD", help="stop when so much is spent")
    parser.add_argument("--rate", type=float, metavar="N", help="at most so many calls a second of each API")
    parser.add_argument("--dry-run", action="store_true", help="say what it would come to; nothing is called")
    parser.add_argument("--sample", type=_several, metavar="N", help="analyze N first and show what would change")
    parser.add_argument("--yes", action="store_true", help="do not ask before money is spent")
    waiting = parser.add_mutually_exclusive_group()
    waiting.add_argument("--wait", action="store_true", help="until it is over (the default); Ctrl-C pauses it")
    waiting.add_argument("--detach", action="store_true", help="start it and return")
    parser.add_argument("--mail", type=_address, metavar="ADDRESS", help="send the report there when it ends")
    parser.add_argument("--json", action="store_true", help="for programs: one JSON object a line")


def _add_known(parser: ArgumentParser) -> None:
    known = parser.add_mutually_exclusive_group()
    for name, words in (
        ("pause", "hold a batch back"),
        ("resume", "let a paused or stopped batch go on; --budget raises its budget"),
        ("cancel", "end a batch; what is answered stays"),
        ("status", "how far a batch is"),
    ):
        known.add_argument(f"--{name}", type=int, metavar="BATCH", help=words)


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time.min, get_current_timezone())
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date; write 2026-05-01") from error


def _dollars(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text!r} is no amount in US dollars; write 20 or 0.50") from error


def _several(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise ArgumentTypeError(f"{text!r} is no number of pictures from 1 to 10,000")
    return int(text)


def _address(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError as error:
        raise ArgumentTypeError(f"{text!r} is no mail address") from error
    return text
