"""A bulk run through everything at once: it ends by itself, and its counts are right."""

from bench.chaos.faults import TIMEOUT
from bench.chaos.invariants import check_invariants
from bench.recognition_env import wait_until

PICTURES = 500
COUNTED = """
SELECT batch.state, batch.asked, batch.done + coalesce(sum(entry.done), 0),
       batch.failed + coalesce(sum(entry.failed), 0)
FROM analysis_batch batch LEFT JOIN analysis_batchentry entry ON entry.batch_id = batch.id
GROUP BY batch.id ORDER BY batch.id DESC LIMIT 1
"""


def test_a_bulk_run_ends_by_itself_and_counts_right(world, tmp_path):
    ids = tmp_path / "ids.txt"
    ids.write_text("\n".join(map(str, world.fill(PICTURES))))
    world.scheduler()
    worker = world.worker()
    started = world.manage("analyze_images", "--ids", str(ids), "--all", "--yes", "--detach")
    assert started.returncode == 0, started.stderr
    world.wait_for_done(50)
    lost = world.kill_worker(worker)
    world.worker("next-worker")
    world.wait_for_done(150)
    world.stop_redis()
    world.start_redis()
    world.wait_for_done(250)
    world.restart_postgres(pause=1)
    wait_until(lambda: world.rows(COUNTED)[0][0] == "done", seconds=TIMEOUT, description="the end of the batch")
    assert check_invariants(world).violations(pictures=PICTURES, in_flight=lost) == []
    assert world.rows(COUNTED) == [("done", PICTURES, PICTURES, 0)]
