"""Analyze many images in a bulk run: estimate, sample, confirm, start, follow."""

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
from django.core.management.base import CommandError
from django.core.validators import validate_email
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis import pipeline
from analysis.batches import lifecycle, sampling
from analysis.batches.authorization import NotAllowed
from analysis.batches.options import InvalidBatchOptions, build_batch, check_amounts
from analysis.batches.progress import progress
from analysis.formatting import count
from analysis.management.batch_output import BatchOutput
from analysis.management.batch_progress import BatchProgress
from analysis.management.translated_command import TranslatedCommand
from analysis.models import Batch

Scope = Batch.Scope
EXAMPLES = gettext_lazy("""
Exit status: 0 done, 1 done but some failed, 2 wrong usage, 3 stopped by a budget, 4 canceled, 130 paused (Ctrl-C).

  manage.py analyze_images                              pictures without results of the current recognizer
  manage.py analyze_images "beach added:2025" --dry-run estimate cost and time; call no API
  manage.py analyze_images --all --force --sample 50    analyze 50 first and show gained and lost labels
  manage.py analyze_images --model-older-than latest --budget 20 --yes --detach
  manage.py analyze_images --status 7                   show progress, also from a second terminal
  manage.py analyze_images -- "-dog"                    put -- before a search that begins with a minus
""")


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Analyze the pictures of a search, or the whole library, as a bulk run that can be paused, resumed and limited "
        "by a budget. Verdicts, tags and the trash are not changed. Stored results are reused without a charge."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, epilog=str(EXAMPLES), **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        _add_selection(parser)
        _add_request(parser)
        _add_run(parser)
        _add_control(parser)

    def handle(self, *_args: Any, **kwargs: Any) -> None:
        options = Namespace(**kwargs)
        output = BatchOutput(self.stdout, is_json=options.json)
        # Options instead of subcommands, since the positional argument is a search, and "pause" could be one.
        for name, control in (("pause", _pause), ("resume", _resume), ("cancel", _cancel), ("status", _status)):
            batch_id = getattr(options, name)
            if batch_id is not None:
                if progress(batch_id) is None:
                    raise CommandError(_("There is no bulk run %(id)s.") % {"id": batch_id}, returncode=2)
                sys.exit(control(batch_id, options, output))
        if options.dry_run and options.sample:
            raise CommandError(
                _("--dry-run can't be combined with --sample, which calls the recognizer."), returncode=2
            )
        try:
            batch = _build_batch(options)
        except InvalidBatchOptions as error:
            raise CommandError(str(error), returncode=2) from error
        _run(batch, options, output)


def _run(batch: Batch, options: Namespace, output: BatchOutput) -> None:
    """Estimate, sample, confirm, start and follow, as the options say."""
    try:
        if options.ids:  # workers queue a batch in steps, and read the IDs from the database
            lifecycle.prepare(batch, named=_read_ids(options.ids))
        needs_estimate = options.dry_run or options.sample or not options.yes
        if needs_estimate and not _confirm(batch, options, output):
            _delete(batch)
            return
    except BaseException:  # including Ctrl-C, since a batch that was only prepared must not remain
        _delete(batch)
        raise
    pipeline.run_batch(batch)
    if options.detach:
        output.started(batch)
        return
    # sys.exit, since Django prints the return value of handle() instead of using it as exit status.
    sys.exit(BatchProgress(batch.pk, output).wait())


def _confirm(batch: Batch, options: Namespace, output: BatchOutput) -> bool:
    """Write the estimate; True to start the batch."""
    if options.sample:
        _run_sample(batch, options, output)
    estimate = output.make_estimate(batch)
    output.estimate(batch, estimate)
    if options.dry_run or not estimate.analyses:
        return False
    batch.expected = estimate.analyses
    if options.yes or (not estimate.dollars and not options.sample):
        return True
    # In cron or a pipe, input() would wait forever, or read its answer from the list of IDs.
    if options.json or not sys.stdin or sys.stdin.closed or not sys.stdin.isatty():
        sentence = _("Refusing to start a paid run without confirmation; pass --yes or --dry-run.")
        raise CommandError(sentence, returncode=2)
    return input(_("Continue? [y/N] ")).strip().lower() in {"y", "yes"}


def _run_sample(batch: Batch, options: Namespace, output: BatchOutput) -> None:
    ids = sampling.draw_sample(batch, options.sample)
    if not ids:
        return
    sample = sampling.sample_of(batch)
    pipeline.run_batch(sample, named=ids)
    sentence = _("Analyzing a sample of %(number)s first (bulk run %(id)s). Its results are not used in search.")
    output.line(sentence % {"number": count(len(ids)), "id": sample.pk})
    status = BatchProgress(sample.pk, output, is_sample=True).wait()
    output.comparison(sampling.compare_sample(sample))
    # The sample is a separate run, but one budget was given for both.
    if batch.budget is not None and (state := progress(sample.pk)):
        batch.budget -= state.dollars
    if status > 1:
        sys.exit(status)


def _delete(batch: Batch) -> None:
    if batch.pk:
        batch.delete()


def _pause(batch_id: int, _options: Namespace, output: BatchOutput) -> int:
    return output.status(batch_id, is_done=lifecycle.pause(batch_id), refusal=_("It was not running."))


def _cancel(batch_id: int, _options: Namespace, output: BatchOutput) -> int:
    return output.status(batch_id, is_done=lifecycle.cancel(batch_id), refusal=_("It had already ended."))


def _status(batch_id: int, _options: Namespace, output: BatchOutput) -> int:
    return output.status(batch_id)


def _resume(batch_id: int, options: Namespace, output: BatchOutput) -> int:
    try:
        check_amounts(budget=options.budget)
        is_resumed = pipeline.resume_batch(batch_id, budget=options.budget)
    except (InvalidBatchOptions, NotAllowed) as error:
        raise CommandError(str(error), returncode=2) from error
    if not is_resumed:
        return output.status(batch_id, is_done=False, refusal=_("It is not paused or stopped."))
    return 0 if options.detach else BatchProgress(batch_id, output).wait()


def _build_batch(options: Namespace) -> Batch:
    query = " ".join(options.query)
    return build_batch(
        query=query,
        scope=_scope(options, has_selection=bool(query or options.ids)),
        apis=None if options.apis is None else [name.strip() for name in options.apis.split(",") if name.strip()],
        min_confidence=options.min_confidence,
        max_labels=options.max_labels,
        older_than=options.older_than or "",
        error_code=options.error_code or "",
        since=options.since,
        limit=options.limit,
        budget=options.budget,
        rate=options.rate,
        is_forced=options.force,
        uses_id_list=options.ids is not None,
        all_owners=True,
        mail_to=options.mail or "",
    )


def _scope(options: Namespace, *, has_selection: bool) -> str:
    """By default all pictures of a selection, else the library's unanalyzed ones."""
    if options.older_than:
        return Scope.OUTDATED
    if options.failed or options.error_code:
        return Scope.FAILED
    return Scope.ALL if options.all or (has_selection and not options.missing) else Scope.MISSING


def _read_ids(path: Path) -> Iterator[int]:
    """Read IDs line by line, so that a file of any size fits. Raises CommandError."""
    try:
        file = nullcontext(sys.stdin) if str(path) == "-" else path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CommandError(f"--ids: {path}: {error.strerror}", returncode=2) from error
    with file as lines:
        for number, line in enumerate(lines, 1):
            text = line.strip()
            # isdecimal() also accepts digits of other scripts; eighteen digits fit into bigint.
            if text and not (text.isascii() and text.isdecimal() and len(text) <= 18):
                sentence = _("--ids: line %(line)s is not a picture ID: %(text)s")
                raise CommandError(sentence % {"line": number, "text": repr(text[:40])}, returncode=2)
            if text:
                yield int(text)


def _add_selection(parser: ArgumentParser) -> None:
    parser.add_argument("query", nargs="*", help=_("a search, as in the search box (default: the whole library)"))
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--all", action="store_true", help=_("all pictures (the default with a search or --ids)"))
    scope.add_argument(
        "--missing", action="store_true", help=_("those without results of the recognizer (the default otherwise)")
    )
    scope.add_argument("--failed", action="store_true", help=_("those whose last analysis failed"))
    scope.add_argument(
        "--model-older-than",
        dest="older_than",
        metavar="VERSION",
        help=_("those with results from a model version older than this one, or than the latest"),
    )
    parser.add_argument("--error-code", metavar="CODE", help=_("only failed analyses with this error code"))
    parser.add_argument(
        "--since", type=_date, metavar="DATE", help=_("only pictures added since this date (2026-05-01)")
    )
    parser.add_argument("--ids", type=Path, metavar="FILE", help=_("only the picture IDs in this file, one per line"))
    parser.add_argument("--limit", type=int, metavar="N", help=_("at most N pictures"))


def _add_request(parser: ArgumentParser) -> None:
    parser.add_argument("--apis", help=_("comma-separated, such as labels,faces (default: all enabled ones)"))
    parser.add_argument("--min-confidence", type=float, metavar="PERCENT", help=_("default: MIN_CONFIDENCE"))
    parser.add_argument("--max-labels", type=int, metavar="N", help=_("at most N labels per picture"))
    parser.add_argument("--force", action="store_true", help=_("re-run even if a result exists; you are charged again"))


def _add_run(parser: ArgumentParser) -> None:
    parser.add_argument("--budget", type=_dollars, metavar="USD", help=_("stop when this amount is spent"))
    parser.add_argument("--rate", type=float, metavar="N", help=_("at most N calls per second and API"))
    parser.add_argument("--dry-run", action="store_true", help=_("estimate cost and time; call no API"))
    parser.add_argument(
        "--sample", type=_sample_size, metavar="N", help=_("analyze N first and show what would change")
    )
    parser.add_argument("--yes", action="store_true", help=_("start a paid run without confirmation"))
    waiting = parser.add_mutually_exclusive_group()
    waiting.add_argument("--wait", action="store_true", help=_("wait for the end (the default); Ctrl-C pauses the run"))
    waiting.add_argument("--detach", action="store_true", help=_("start the run and exit"))
    parser.add_argument("--mail", type=_email, metavar="ADDRESS", help=_("send the report to this address"))
    parser.add_argument("--json", action="store_true", help=_("print one JSON object per line"))


def _add_control(parser: ArgumentParser) -> None:
    control = parser.add_mutually_exclusive_group()
    for name, text in (
        ("pause", _("pause a bulk run")),
        ("resume", _("resume a paused or stopped bulk run; --budget raises its budget")),
        ("cancel", _("cancel a bulk run; results so far are kept")),
        ("status", _("show the progress of a bulk run")),
    ):
        control.add_argument(f"--{name}", type=int, metavar="ID", help=text)


def _date(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time.min, get_current_timezone())
    except ValueError as error:
        raise ArgumentTypeError(_("not a date: %(text)s (use 2026-05-01)") % {"text": repr(text)}) from error


def _dollars(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        sentence = _("not an amount in US dollars: %(text)s (use 20 or 0.50)")
        raise ArgumentTypeError(sentence % {"text": repr(text)}) from error


def _sample_size(text: str) -> int:
    # argparse shows the message of an ArgumentTypeError, but only "invalid value" for other errors.
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise ArgumentTypeError(_("not a number from 1 to 10,000: %(text)s") % {"text": repr(text)})
    return int(text)


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError as error:
        raise ArgumentTypeError(_("not an email address: %(text)s") % {"text": repr(text)}) from error
    return text
