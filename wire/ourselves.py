"""How Muara names itself to the servers of others."""

from __future__ import annotations

NAME = "Muara"
# That of the project; a test holds the two together.
VERSION = "0.1.0"
