"""How long a server may take: for the whole session, and for each answer within it."""

from __future__ import annotations

from time import monotonic

# An answer that trickles in more slowly than this many octets a second is as good as none.
SLOWEST = 1024


class Deadline:
    """The end of a session, and within it the end of the step that is being waited for.

    A timeout per read would let one octet a second last for ever; here every read is given only
    what is left of the step, and a step grows only as fast as octets arrive at a decent pace.
    """

    def __init__(self, seconds: float) -> None:
        """Begin a session that must be over in so many seconds."""
        self._session_ends = monotonic() + seconds
        self.allow(seconds)

    def allow(self, seconds: float) -> None:
        """Begin a step that may take so many seconds without bringing anything."""
        self._seconds = seconds
        self._step_ends = monotonic() + seconds

    def earn(self, octets: int) -> None:
        """Prolong the step for octets that arrived, never beyond its first length from now."""
        longest = monotonic() + self._seconds
        self._step_ends = min(self._step_ends + octets / SLOWEST, longest)

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
