"""A bulk run survives a killed worker, a lost Redis and a restarted PostgreSQL."""

from bench.chaos.faults import TIMEOUT
from bench.chaos.invariants import check_invariants
from bench.recognition_env import wait_until

PICTURES = 500
COUNTS = """
SELECT batch.state, batch.asked, batch.done + coalesce(sum(entry.done), 0),
       batch.failed + coalesce(sum(entry.failed), 0)
FROM analysis_batch batch LEFT JOIN analysis_batchentry entry ON entry.batch_id = batch.id
GROUP BY batch.id ORDER BY batch.id DESC LIMIT 1
"""


def test_bulk_run_finishes_with_exact_counts(chaos, tmp_path):
    ids = tmp_path / "ids.txt"
    ids.write_text("\n".join(map(str, chaos.fill(PICTURES))))
    chaos.scheduler()
    worker = chaos.worker()
    started = chaos.manage("analyze_images", "--ids", str(ids), "--all", "--yes", "--detach")
    assert started.returncode == 0, started.stderr
    chaos.wait_for_done(50)
    lost = chaos.kill_worker(worker)
    chaos.worker("next-worker")
    chaos.wait_for_done(150)
    chaos.stop_redis()
    chaos.start_redis()
    chaos.wait_for_done(250)
    chaos.restart_postgres(pause=1)
    wait_until(lambda: chaos.rows(COUNTS)[0][0] == "done", seconds=TIMEOUT, description="the end of the batch")
    assert check_invariants(chaos).violations(pictures=PICTURES, in_flight=lost) == []
    assert chaos.rows(COUNTS) == [("done", PICTURES, PICTURES, 0)]
