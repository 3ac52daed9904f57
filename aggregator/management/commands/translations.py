"""``manage.py translations``: keep the catalogues complete, without gettext installed."""

from __future__ import annotations

from argparse import ArgumentParser
from importlib.util import find_spec
from typing import Any

from django.core.management.base import CommandError

from accounts.management.base import PlainCommand


class Command(PlainCommand):
    help = "Check, update or compile the catalogues of translated sentences (for developers)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--check", action="store_true", help="fail unless all is translated")
        what.add_argument("--update", action="store_true", help="add new sentences, drop old ones")
        what.add_argument("--compile", action="store_true", help="write the .mo files")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        if find_spec("babel") is None:
            raise CommandError(
                "This needs Babel, one of the developer's packages: run make check once, which "
                "installs them."
            )
        from aggregator import translations  # noqa: PLC0415 - imports Babel, not always there

        if options["check"]:
            self._check(translations)
            return
        for language in translations.languages():
            if options["update"]:
                translations.update(language)
            else:
                translations.compile_catalog(language)

    def _check(self, translations: Any) -> None:
        found = [
            f"{language}: {problem}"
            for language in translations.languages()
            for problem in translations.check(language)
        ]
        for line in found:
            self.stderr.write(line)
        if found:
            raise CommandError(
                f"{len(found)} problems. Run manage.py translations --update, translate, then "
                "--compile."
            )
        self.stdout.write("Every sentence is translated.")
