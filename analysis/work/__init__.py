"""All background work in one process: `manage.py work` and AWS Lambda."""

from analysis.work.run_lease import AlreadyRunning
from analysis.work.runner import RunOutcome, Status, run
from analysis.work.stop import Stop

__all__ = ["AlreadyRunning", "RunOutcome", "Status", "Stop", "run"]
