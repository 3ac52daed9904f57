"""The catalogues: what is found in the code, and what counts as complete."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.conf import LazySettings
from django.core.management import CommandError, call_command, execute_from_command_line

from aggregator import translations


def found(source: str, name: str = "page.html") -> list[object]:
    return [message.id for message in translations.sentences(source, name)]


def catalog(*entries: tuple[str | tuple[str, str], str | tuple[str, ...]]) -> Catalog:
    made = Catalog(locale="id")
    for source, translated in entries:
        made.add(source, translated)
    return made


def faults(wanted: Catalog, known: Catalog) -> list[str]:
    return [line.partition(":")[0] for line in translations.problems(wanted, known, known)]


def test_templates_give_their_sentences_in_every_form() -> None:
    source = """{% load i18n %}
      <h1 title="{% translate "A title" %}">{% blocktranslate trimmed %}
          Two lines
          in one ({{ name }})
        {% endblocktranslate %}</h1>
     {% blocktranslate count n=n %}One letter{% plural %}{{ n }} letters{% endblocktranslate %}
   {% include "x.html" with label=_("A label") %}"""
    assert found(source) == [
        "A title",
        "Two lines in one (%(name)s)",
        ("One letter", "%(n)s letters"),
        "A label",
    ]


def test_code_gives_its_sentences_with_plurals_and_contexts() -> None:
    source = (
        "a = _('One')\nb = gettext('Two ' 'halves')\nc = ngettext('a day', '%(n)s days', n)\n"
        "d = pgettext('month', 'May')\ne = gettext(variable)\n"
    )
    messages = list(translations.sentences(source, "code.py"))
    assert [message.id for message in messages] == [
        "One",
        "Two halves",
        ("a day", "%(n)s days"),
        "May",
    ]
    assert messages[-1].context == "month"


def test_a_complete_catalogue_has_no_problems() -> None:
    known = catalog(("Inbox", "Kotak masuk"), (("a day", "%(n)s days"), ("%(n)s hari",)))
    assert faults(catalog(("Inbox", ""), (("a day", "%(n)s days"), ("", ""))), known) == []


@pytest.mark.parametrize(
    ("translated", "fault"),
    [
        ("", "untranslated"),
        ("Halo", "placeholders differ"),
        ("Halo %(nama)s", "placeholders differ"),
    ],
)
def test_each_fault_is_named(translated: str, fault: str) -> None:
    source = "Hello %(name)s"
    assert faults(catalog((source, "")), catalog((source, translated))) == [fault]


def test_missing_and_left_over_sentences_are_named() -> None:
    assert faults(catalog(("New", "")), catalog(("Old", "Lama"))) == ["missing", "no longer used"]


def test_a_guess_is_no_translation() -> None:
    known = catalog(("Hello", "Halo"))
    known["Hello"].flags.add("fuzzy")
    assert faults(catalog(("Hello", "")), known) == ["fuzzy"]


def test_braces_are_placeholders_too() -> None:
    assert translations.placeholders("{host} on %(port)s, 100%% sure") == {"{host}", "%(port)s"}


def test_a_stale_compiled_catalogue_is_noticed() -> None:
    known, old = catalog(("Inbox", "Kotak masuk")), catalog(("Inbox", "Kotak Surat"))
    assert len(translations.problems(known, known, old)) == 1
    assert len(translations.problems(known, known, None)) == 1


def test_update_then_compile_keeps_what_was_translated(
    tmp_path: Path, settings: LazySettings
) -> None:
    settings.LOCALE_PATHS = [tmp_path]
    call_command("translations", "--update")
    path = translations.po_path("id")
    first = path.read_bytes()
    call_command("translations", "--update")
    assert path.read_bytes() == first
    path.write_bytes(
        first.replace(b'msgid "Paused"\nmsgstr ""', b'msgid "Paused"\nmsgstr "Dijeda"')
    )
    call_command("translations", "--update")
    call_command("translations", "--compile")
    assert b"Dijeda" in path.with_suffix(".mo").read_bytes()
    with pytest.raises(CommandError, match="problems"):
        call_command("translations", "--check")


def test_a_refusal_in_a_shell_begins_as_all_others_do(
    tmp_path: Path, settings: LazySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.LOCALE_PATHS = [tmp_path]
    with pytest.raises(SystemExit, match="1"):
        execute_from_command_line(["manage.py", "translations", "--check"])
    assert capsys.readouterr().err.splitlines()[-1].startswith("muara: ")


def test_a_compiled_catalogue_reads_as_it_was_written(
    tmp_path: Path, settings: LazySettings
) -> None:
    settings.LOCALE_PATHS = [tmp_path]
    path = translations.po_path("id")
    path.parent.mkdir(parents=True)
    path.write_text(
        'msgid ""\nmsgstr "Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
        'msgctxt "month"\nmsgid "May"\nmsgstr "Mei"\n\n'
        'msgid "a day"\nmsgid_plural "%(n)s days"\nmsgstr[0] "%(n)s hari"\n'
    )
    translations.compile_catalog("id")
    known = translations.load("id")
    compiled = translations.load_compiled(path.with_suffix(".mo"))
    assert translations.problems(known, known, compiled) == []


def test_one_thing_has_one_word_also_where_allauth_has_another() -> None:
    entries = ("Email", "E-mail"), ("Your address", "Alamat Anda")
    assert faults(catalog(*entries), catalog(*entries)) == ["'E-mail' has another word here"]
    wanted = translations.wanted("id")
    assert wanted.get("The email address is not assigned to any user account.")
    assert wanted.get("Incorrect password.") is None
    # Django says "Email" too, and as ours does, but allauth's "E-mail" would be shown before it.
    assert wanted.get("Email")
