"""A simulator of Amazon Rekognition's endpoint: AWS's wire protocol over HTTP, invented answers, faults on demand.

    with running(latency=300, jitter=50, tps=50) as simulator:
        client = boto3.client("rekognition", endpoint_url=simulator.address)
        simulator.set(throttles=5)
        simulator.statistics()["paid"]

It looks at no picture but at its header. imagelib/simulator/settings.py names every knob.
"""

from imagelib.simulator.errors import RequestRefused
from imagelib.simulator.server import Running, running
from imagelib.simulator.settings import OPERATIONS, ErrorToCome, Settings

__all__ = ["OPERATIONS", "ErrorToCome", "RequestRefused", "Running", "Settings", "running"]
