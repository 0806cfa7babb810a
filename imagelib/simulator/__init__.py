"""Simulator of Amazon Rekognition's endpoint, with invented results and faults.

    with run_simulator(latency=300, jitter=50, tps=50) as simulator:
        client = boto3.client("rekognition", endpoint_url=simulator.address)
        simulator.set(throttles=5)
        simulator.statistics()["paid"]

It reads only a picture's header. All settings are in imagelib/simulator/settings.py.
"""

from imagelib.simulator.errors import RequestRefused
from imagelib.simulator.server import RunningSimulator, run_simulator
from imagelib.simulator.settings import OPERATIONS, NextError, Settings

__all__ = ["OPERATIONS", "NextError", "RequestRefused", "RunningSimulator", "Settings", "run_simulator"]
