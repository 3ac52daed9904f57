"""The catalogues of translated sentences: what the code says, and whether it is all translated.

Needs Babel, a developer's package; the program itself only reads the compiled catalogues.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.apps import apps
from django.conf import settings
from django.utils.translation.template import templatize

PLAIN = ("gettext", "ngettext", "pgettext", "npgettext")
KEYWORDS = dict.fromkeys(["_", "gettext_noop", *PLAIN, *(f"{name}_lazy" for name in PLAIN)])
# What Babel's documentation says it yields: line, function, literals (None for others), comments.
Words = str | None | tuple[str | None, ...]
Found = Iterable[tuple[int, str, Words, list[str]]]
TEMPLATE_ENDINGS = {".html", ".txt"}
# The parts of allauth whose pages and forms people see here.
SIGN_IN_PARTS = ("account", "mfa", "usersessions", "core")
# Words that would name a second time, or spell otherwise, what our pages name already.
AVOIDED = {"id": re.compile(r"[Ee]-mail|[Ss]ilahkan|\banda\b|[Kk]uki|[Pp]eramban|[Dd]efault")}
NOT_SHOWN = {"migrations", "management", "tests", "admin.py"}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{\w*\}")
HEADER = "# The sentences of Muara in another language.\n"


def languages() -> list[str]:
    """Return the languages that need a catalogue: all but the one the code is written in."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def po_path(language: str) -> Path:
    """Return where a language's catalogue lies; the compiled one lies beside it as .mo."""
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"


# --- What the code says ---------------------------------------------------------------------------
def wanted(language: str) -> Catalog:
    """Collect our own sentences, and those of the sign-in pages that others say otherwise.

    allauth and Django leave some in English, and others use words that ours avoid.
    """
    catalog = Catalog(locale=language, project="Muara")
    for file, name in _our_files():
        _collect(file, name, catalog)
    theirs = Catalog(locale=language)
    for file, name in _sign_in_files():
        _collect(file, name, theirs)
    translated = [load_compiled(_compiled(folder, language)) for folder in _sign_in_folders()]
    for message in _real(theirs):
        done = (known.get(message.id, message.context) for known in translated)
        # The first of them that knows a sentence is the one that is shown.
        shown = next((one for one in done if one and _is_translated(one)), None)
        if shown is None or not _is_good(shown, language):
            _add(catalog, message)
    return catalog


def _our_files() -> Iterator[tuple[Path, str]]:
    root = Path(settings.BASE_DIR)
    ours = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).parent == root]
    for folder in sorted([*ours, root / "templates"]):
        yield from _files(folder, root)


def _sign_in_files() -> Iterator[tuple[Path, str]]:
    allauth, passwords = _sign_in_folders()
    for part in SIGN_IN_PARTS:
        yield from _files(allauth / part, allauth.parent)
    for file, name in _files(allauth / "templates", allauth.parent):
        inside = file.relative_to(allauth / "templates")
        replaced = (Path(settings.BASE_DIR) / "templates" / inside).exists()
        if inside.parts[0] in SIGN_IN_PARTS and not replaced:
            yield file, name
    yield passwords / "password_validation.py", "django/contrib/auth/password_validation.py"


def _sign_in_folders() -> tuple[Path, Path]:
    return _folder("allauth"), _folder("django") / "contrib" / "auth"


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{package} is not installed")
    return Path(spec.origin).parent


def _compiled(folder: Path, language: str) -> Path:
    return folder / "locale" / language / "LC_MESSAGES" / "django.mo"


def _files(folder: Path, root: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", *TEMPLATE_ENDINGS} and NOT_SHOWN.isdisjoint(
            path.relative_to(folder).parts
        ):
            yield path, path.relative_to(root).as_posix()


def _collect(file: Path, name: str, catalog: Catalog) -> None:
    for message in sentences(file.read_text(), name):
        _add(catalog, message)


def _add(catalog: Catalog, message: Message) -> None:
    catalog.add(
        message.id,
        locations=message.locations,
        auto_comments=message.auto_comments,
        context=message.context,
    )


def sentences(source: str, name: str) -> Iterator[Message]:
    """Yield the sentences of one Python file or template, in order."""
    # Brackets around a template's calls, since their indentation means nothing.
    code = source if name.endswith(".py") else f"({templatize(source, origin=name)}\n)"
    found = extract_python(io.BytesIO(code.encode()), KEYWORDS, ["Translators:"], {})
    for line, function, words, comments in cast("Found", found):
        given = [word or "" for word in (words if isinstance(words, tuple) else (words,))]
        context, ids = _arguments(function, given)
        if ids and all(ids):
            identity = ids[0] if len(ids) == 1 else tuple(ids)
            yield Message(
                identity, locations=[(name, line)], auto_comments=comments, context=context
            )


def _arguments(function: str, given: list[str]) -> tuple[str | None, list[str]]:
    """Tell a call's context from its sentences, by the function's name."""
    context = given.pop(0) if function.startswith(("p", "np")) and given else None
    return context, given[: 2 if function.startswith("n") else 1]


# --- Whether it is all translated -----------------------------------------------------------------
def problems(wanted: Catalog, catalog: Catalog, compiled: Catalog | None) -> list[str]:
    """Return one line for everything that keeps a catalogue from being complete."""
    found = []
    for message in _real(wanted):
        known = catalog.get(message.id, message.context)
        if known is None:
            found.append(f"missing: {_shown(message)}")
        else:
            found += _faults(known)
            words = _avoided_words(known, str(catalog.locale))
            found += [f"{word!r} has another word here: {_shown(known)}" for word in words]
    for message in [*_real(catalog), *catalog.obsolete.values()]:
        if wanted.get(message.id, message.context) is None:
            found.append(f"no longer used: {_shown(message)}")
    if compiled is None or _answers(compiled) != _answers(catalog):
        found.append("the compiled catalogue (.mo) is not that of the .po file")
    return found


def _faults(message: Message) -> Iterator[str]:
    if not _is_translated(message):
        yield f"untranslated: {_shown(message)}"
        return
    if message.fuzzy:
        yield f"fuzzy: {_shown(message)}"
    # The last form is the plural one, which names everything that the sentence speaks of.
    expected = placeholders(_forms(message.id)[-1])
    for form in _forms(message.string):
        if placeholders(form) != expected:
            yield f"placeholders differ: {_shown(message)} -> {form!r}"


def placeholders(sentence: str) -> set[str]:
    """Return the places that are filled in when a sentence is shown."""
    return set(PLACEHOLDER.findall(sentence.replace("%%", "")))


def _forms(words: str | Iterable[str] | None) -> list[str]:
    if words is None:
        return []
    return [words] if isinstance(words, str) else list(words)


def _is_translated(message: Message) -> bool:
    return bool(message.string) and all(_forms(message.string))


def _avoided_words(message: Message, language: str) -> list[str]:
    avoided = AVOIDED.get(language)
    return [*avoided.findall(" ".join(_forms(message.string)))] if avoided else []


def _is_good(message: Message, language: str) -> bool:
    return _is_translated(message) and not _avoided_words(message, language)


def _real(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def _answers(catalog: Catalog) -> dict[object, object]:
    return {
        (message.context, tuple(_forms(message.id))): tuple(_forms(message.string))
        for message in _real(catalog)
        if _is_translated(message) and not message.fuzzy
    }


def _shown(message: Message) -> str:
    where = f"{message.locations[0][0]}: " if message.locations else ""
    return f"{where}{_forms(message.id)[0]!r}"


# --- Reading and writing --------------------------------------------------------------------------
def check(language: str) -> list[str]:
    """Return the problems of a language's catalogue, none when it is complete."""
    mo = po_path(language).with_suffix(".mo")
    compiled = load_compiled(mo) if mo.exists() else None
    return problems(wanted(language), load(language), compiled)


def update(language: str) -> None:
    """Add the sentences that are new to the catalogue and drop those that are gone."""
    catalog, source = load(language), wanted(language)
    created = catalog.creation_date
    catalog.update(source, no_fuzzy_matching=True)
    catalog.creation_date = created  # else every update would change the file
    path = po_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(
            file, catalog, width=100, include_lineno=False, sort_by_file=True, ignore_obsolete=True
        )


def compile_catalog(language: str) -> None:
    """Write the compiled catalogue that the program reads."""
    with po_path(language).with_suffix(".mo").open("wb") as file:
        write_mo(file, load(language))


def load(language: str) -> Catalog:
    """Read a language's catalogue; an empty one where there is none yet."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=language, project="Muara", header_comment=HEADER, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def load_compiled(path: Path) -> Catalog:
    """Read a compiled catalogue."""
    with path.open("rb") as file:
        found = read_mo(file)
    catalog = Catalog()
    for message in _real(found):
        # Babel leaves the contexts of compiled catalogues as bytes.
        context = cast("str | bytes | None", message.context)
        text = context.decode() if isinstance(context, bytes) else context
        catalog.add(message.id, message.string, context=text)
    return catalog
