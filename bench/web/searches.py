"""Times searches where they are made: from the words typed to the rows of the first page.

    python -m bench.web.searches ROUNDS

Each kind has words of its own, taken in turn; printed are the milliseconds by kind.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence

import django

from bench.web import letters


def kinds() -> Mapping[str, Sequence[str]]:
    """Return what is searched for, by kind; each ends with a blank unless it is a beginning."""
    words = letters.vocabulary()[0]
    # From words in every second message to words in one of a thousand.
    some = [words[rank] for rank in (40, 150, 400, 900, 2000, 5000, 12_000, 30_000)]
    people = [letters.person(number)[1] for number in (0, 3, 12, 40, 111, 300, 590)]
    names = [*(name.lower() for name in letters.NAMES), *people]
    return {
        "word": [f"{word} " for word in [*some, letters.RARE]],
        "phrase": [f'"{letters.PHRASE}"', f'"{words[3]} {words[1]}"', f'"{words[60]} {words[2]}"'],
        "prefix": [word[: 3 + number % 2] for number, word in enumerate(some)],
        "two letters": [word[:2] for word in some],
        "from:": [f"from:{name} " for name in names],
        "two operators": [
            f"from:{names[0]} has:attachment", f"from:{names[3]} before:2019",
            "has:attachment after:2022-05", f"subject:{words[20]} is:unread",
            f"from:{names[5]} larger:5k", "is:starred has:attachment",
        ],
        "common word": [f"{letters.HALF} ", f"{words[0]} ", f"{letters.HALF} {words[1]} "],
        "nothing": ["takadasama ", f'"{words[5]} takada"', "from:takada "],
    }  # fmt: skip


def main(rounds: str) -> None:
    """Search and tell."""
    django.setup()
    from accounts.models import User  # noqa: PLC0415 - needs Django set up
    from bench.web.fill import EMAIL  # noqa: PLC0415
    from mailstore.queries import list_messages  # noqa: PLC0415

    reader = User.objects.get(email=EMAIL)
    told: dict[str, list[float]] = {}
    for kind, texts in kinds().items():
        for number in range(int(rounds) + len(texts)):
            began = time.perf_counter()
            list_messages(reader, text=texts[number % len(texts)])
            milliseconds = (time.perf_counter() - began) * 1000
            if number >= len(texts):
                told.setdefault(kind, []).append(milliseconds)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
