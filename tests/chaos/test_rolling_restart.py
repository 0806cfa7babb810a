"""A rolling restart under load: no request fails, no analysis is lost."""

from __future__ import annotations

from bench.chaos.faults import TIMEOUT
from bench.chaos.invariants import check_invariants
from bench.chaos.rolling_restart import RoundRobin, create_token, free_ports, restart_all, start_web

PICTURES = 500


def test_rolling_restart_loses_nothing(chaos) -> None:
    chaos.put_in_progress(PICTURES)
    ports = free_ports(2)
    proxy = RoundRobin(ports, create_token(chaos))
    webs = {port: start_web(chaos, port, generation=1) for port in ports}
    with proxy.sending():
        chaos.scheduler()
        workers = [chaos.worker(f"worker-{number}") for number in range(2)]
        chaos.wait_for_done(50)
        restart_all(chaos, webs, workers)
        chaos.wait_for_end(seconds=TIMEOUT)
    assert (proxy.failures, proxy.answered > 20, proxy.refused > 0) == ([], True, True)
    assert check_invariants(chaos).violations(pictures=PICTURES, in_flight=0) == []
