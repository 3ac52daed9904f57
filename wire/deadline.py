"""How long a server may take: for the whole session, and for each answer within it."""

from __future__ import annotations

from time import monotonic

# An answer that trickles in more slowly than this many octets a second is as good as none.
SLOWEST = 1024
# One that brings so many a second makes progress, and a long one may outlast its session.
STEADY = 4 * 1024


class Deadline:
    """The end of a session, and within it the end of the step that is being waited for.

    A timeout per read would let one octet a second last for ever; here every read is given only
    what is left of the step, and a step grows only as fast as octets arrive at a decent pace.
    """

    def __init__(self, seconds: float, overtime: float = 0) -> None:
        """Begin a session that must be over in so many seconds.

        ``overtime`` is how much longer an answer may take that arrives steadily.
        """
        self._session_ends = monotonic() + seconds
        self._last_end = self._session_ends + overtime
        self.allow(seconds)

    def allow(self, seconds: float) -> None:
        """Begin a step that may take so many seconds without bringing anything."""
        self._seconds = seconds
        self._began, self._octets = monotonic(), 0
        self._step_ends = self._began + seconds

    def earn(self, octets: int) -> None:
        """Prolong the step for octets that arrived, never beyond its first length from now.

        The session is prolonged with it while they arrive steadily, as far as overtime goes.
        """
        now = monotonic()
        longest = now + self._seconds
        self._step_ends = min(self._step_ends + octets / SLOWEST, longest)
        self._octets += octets
        if self._octets >= STEADY * max(self._seconds, now - self._began):
            self._session_ends = max(self._session_ends, min(longest, self._last_end))

    def session_left(self) -> float:
        """Return the seconds left of the whole session, 0 when none are."""
        return max(0, self._session_ends - monotonic())

    def renew(self) -> None:
        """Begin the step anew, after a wait that was not for the server."""
        self.allow(self._seconds)

    def left(self) -> float:
        """Return the seconds left, always more than 0; raise TimeoutError when none are."""
        left = min(self._step_ends, self._session_ends) - monotonic()
        if left <= 0:
            raise TimeoutError
        return left
