"""Every page there is, and what a person does to see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.core import mail

from tests.builders import PASSWORD
from tests.journeys.visits import Visit
from tests.journeys.world import GUARDED, KEYED, NEWCOMER, READER, STRANGER, World
from tests.servers.shapes import CODE


@dataclass(frozen=True, slots=True)
class Shown:
    """One page as one kind of person sees it: a path or a name of one, then what they do there."""

    name: str
    who: str
    path: str
    then: Callable[[Visit], None] | None = None
    is_refused: bool = False

    def reach(self, visitor: Visit, world: World) -> None:
        """Bring the page up in a browser that is this person's already."""
        visitor.refused = self.is_refused
        path = self.path if self.path.startswith("/") else world.paths[self.path]
        visitor.go(path)
        assert visitor.page.url == f"{visitor.site}{path}", self.name
        if self.then:
            self.then(visitor)


def _submit(visitor: Visit, **typed: str) -> None:
    """Fill a form in and send it past the browser's own checks."""
    page = visitor.page
    for name, value in typed.items():
        page.locator(f"main [name={name}]").first.fill(value)
    form = page.locator("main form[method=post]").first
    form.evaluate("form => { form.noValidate = true; }")
    with page.expect_navigation():
        form.locator("button[type=submit]").first.click()


def _sign_up(visitor: Visit) -> None:
    _submit(visitor, email="baru@contoh.example", password1="perahu kecil di muara")


def _sign_up_wrongly(visitor: Visit) -> None:
    _submit(visitor, email="bukan alamat", password1="123")


def _sign_in_wrongly(visitor: Visit) -> None:
    _submit(visitor, login="siapa@contoh.example", password="bukan ini kata sandinya")


def _ask_for_reset(visitor: Visit) -> None:
    mail.outbox.clear()
    _submit(visitor, email="pembaca@contoh.example")


def _reset(visitor: Visit) -> None:
    _ask_for_reset(visitor)
    code = CODE.findall(str(mail.outbox[-1].body))[-1]
    _submit(visitor, code=code)


def _half_sign_in(visitor: Visit) -> None:
    visitor.page.locator("input[name=login]").fill("terjaga@contoh.example")
    _submit(visitor, password=PASSWORD)


def _type_nonsense(visitor: Visit) -> None:
    _submit(visitor, address="bukan alamat")


def _type_server(visitor: Visit) -> None:
    _submit(visitor, host="a..b", username="siti")


def _ask_for_no_day(visitor: Visit) -> None:
    visitor.page.locator("main [name=when][value=later]").check()
    with visitor.page.expect_navigation():
        visitor.page.locator("main button[type=submit]").first.click()


def _empty_the_name(visitor: Visit) -> None:
    _submit(visitor, name="")


def _ask_too_much(visitor: Visit) -> None:
    _submit(visitor, interval_minutes="0", max_per_cycle="0")


def _press(visitor: Visit) -> None:
    _submit(visitor)


def _lose_the_token(visitor: Visit) -> None:
    visitor.page.context.clear_cookies(name="muara_csrf")
    _submit(visitor)


def _open_menu(visitor: Visit) -> None:
    visitor.page.locator("button[popovertarget=me]").click()


def _open_switcher(visitor: Visit) -> None:
    opener = visitor.page.locator(".rail-opener")
    if opener.is_visible():
        opener.click()
    visitor.page.locator(".switcher").click()


def _import_nothing(visitor: Visit) -> None:
    page = visitor.page
    form = page.locator("form[enctype]")
    form.evaluate("form => { form.noValidate = true; }")
    with page.expect_navigation():
        form.locator("button[type=submit]").click()


def _open_sheet(visitor: Visit) -> None:
    visitor.page.keyboard.press("?")
    visitor.page.locator("#key-sheet").wait_for()


def _open_palette(visitor: Visit) -> None:
    visitor.page.keyboard.press("Control+k")
    visitor.page.locator("#palette-words").wait_for()


def _open_details(visitor: Visit) -> None:
    visitor.page.locator("main details summary").first.click()


def _open_leaving(visitor: Visit) -> None:
    visitor.page.locator(".unsubscribe summary").click()


def _open_more(visitor: Visit) -> None:
    visitor.page.locator("[data-key=more]").click()


def _pick_one(visitor: Visit) -> None:
    visitor.page.locator(".rows .pick input").first.check()


def _change_address(visitor: Visit) -> None:
    visitor.page.locator("main input[type=email]").fill("lain@contoh.example")
    with visitor.page.expect_navigation():
        visitor.page.locator("main [name=action_add]").click()


SIGN_IN = (
    Shown("sign in", STRANGER, "/auth/login/"),
    Shown("sign in, refused", STRANGER, "/auth/login/", _sign_in_wrongly),
    Shown("sign up", STRANGER, "/auth/signup/"),
    Shown("sign up, refused", STRANGER, "/auth/signup/", _sign_up_wrongly),
    Shown("code of signing up", STRANGER, "/auth/signup/", _sign_up),
    Shown("reset", STRANGER, "/auth/password/reset/"),
    Shown("code of a reset", STRANGER, "/auth/password/reset/", _ask_for_reset),
    Shown("new password after a reset", STRANGER, "/auth/password/reset/", _reset),
    Shown("second factor", STRANGER, "/auth/login/", _half_sign_in),
    Shown("sign out", READER, "/auth/logout/"),
    Shown("re-authentication", READER, "/auth/reauthenticate/"),
    Shown("re-authentication by code", GUARDED, "/auth/2fa/reauthenticate/"),
    Shown("email", READER, "/auth/email/"),
    Shown("email being changed", NEWCOMER, "/auth/email/", _change_address),
    Shown("password", READER, "/auth/password/change/"),
    Shown("password, refused", READER, "/auth/password/change/", _press),
    Shown("second factors, none", READER, "/auth/2fa/"),
    Shown("second factors", GUARDED, "/auth/2fa/"),
    Shown("TOTP", READER, "/auth/2fa/totp/activate/"),
    Shown("TOTP, refused", READER, "/auth/2fa/totp/activate/", _press),
    Shown("TOTP off", GUARDED, "/auth/2fa/totp/deactivate/"),
    Shown("recovery codes", GUARDED, "/auth/2fa/recovery-codes/"),
    Shown("new recovery codes", GUARDED, "/auth/2fa/recovery-codes/generate/"),
    Shown("passkeys, none", READER, "/auth/2fa/webauthn/"),
    Shown("passkeys", KEYED, "/auth/2fa/webauthn/"),
    Shown("new passkey", READER, "/auth/2fa/webauthn/add/"),
    Shown("sessions", READER, "/auth/sessions/"),
)
MAIL = (
    Shown("no accounts", NEWCOMER, "/mail/all/inbox/"),
    Shown("all", READER, "/mail/all/inbox/"),
    Shown("all, one picked", READER, "/mail/all/inbox/", _pick_one),
    Shown("all, older", READER, "older"),
    Shown("unread", READER, "/mail/all/unread/"),
    Shown("starred", READER, "/mail/all/starred/"),
    Shown("no stars", GUARDED, "/mail/all/starred/"),
    Shown("nothing here", GUARDED, "/mail/all/inbox/"),
    Shown("folder", READER, "folder"),
    Shown("empty folder", READER, "junk"),
    Shown("search", READER, "/mail/search/?q=sungai"),
    Shown("search, nothing", READER, "/mail/search/?q=zebra"),
    Shown("search, no word", READER, "/mail/search/"),
    Shown("text", READER, "text"),
    Shown("text, its people", READER, "text", _open_details),
    Shown("HTML", READER, "html"),
    Shown("attachment", READER, "attachment"),
    Shown("damaged", READER, "damaged"),
    Shown("calendar", READER, "calendar"),
    Shown("event", READER, "event", _open_details),
    Shown("delivery report", READER, "bounce", _open_details),
    Shown("conversation", READER, "conversation"),
    Shown("list", READER, "list", _open_leaving),
    Shown("forged sender", READER, "forged"),
    Shown("more of a message", READER, "html", _open_more),
    Shown("menu", READER, "/mail/all/inbox/", _open_menu),
    Shown("account switcher", READER, "folder", _open_switcher),
)
SETTINGS = (
    Shown("general", READER, "/settings/general/"),
    Shown("notifications", READER, "/settings/notifications/"),
    Shown("privacy", READER, "/settings/privacy/"),
    Shown("transfers", READER, "/settings/transfers/"),
    Shown("transfers, refused", READER, "/settings/transfers/", _import_nothing, is_refused=True),
    Shown("help, keys", READER, "/help/keyboard/"),
    Shown("sheet of keys", READER, "/mail/all/inbox/", _open_sheet),
    Shown("palette", READER, "/mail/all/inbox/", _open_palette),
    Shown("no mail accounts", NEWCOMER, "/settings/mail-accounts/"),
    Shown("mail accounts", READER, "/settings/mail-accounts/"),
    Shown("mail accounts, more", READER, "/settings/mail-accounts/", _open_details),
    Shown("add", READER, "/settings/mail-accounts/add/"),
    Shown("add, refused", READER, "/settings/mail-accounts/add/", _type_nonsense, is_refused=True),
    Shown("add, searching", READER, "searching"),
    Shown("add, type", READER, "type"),
    Shown("add, type found by a search", READER, "type, found"),
    Shown("add, nothing found", READER, "type, nothing"),
    Shown("add, incoming", READER, "incoming"),
    Shown("add, incoming found by a search", READER, "incoming, found"),
    Shown("add, incoming by hand", READER, "incoming by hand"),
    Shown("add, incoming refused", READER, "incoming by hand", _type_server, is_refused=True),
    Shown("add, outgoing", READER, "outgoing, adding"),
    Shown("add, first fetch", READER, "added"),
    Shown("outgoing", READER, "outgoing"),
    Shown("account settings", READER, "account"),
    Shown("account settings, refused", READER, "account", _empty_the_name, is_refused=True),
    Shown("fetching", READER, "fetching"),
    Shown("fetching, refused", READER, "fetching", _ask_too_much, is_refused=True),
    Shown("storage of an account", READER, "storage"),
    Shown("storage", READER, "/settings/storage/"),
    Shown("storage, nearly full", GUARDED, "/settings/storage/"),
    Shown("storage, nothing", NEWCOMER, "/settings/storage/"),
    Shown("journal", READER, "journal"),
    Shown("journal, details", READER, "journal", _open_details),
    Shown("journal, empty", READER, "no journal"),
    Shown("deletion", READER, "deletion"),
    Shown("deletion, shown before it is saved", READER, "deletion planned"),
    Shown("deletion, refused", READER, "deletion", _ask_for_no_day, is_refused=True),
    Shown("connection", READER, "connection"),
    Shown("connection, refused", READER, "connection", _press, is_refused=True),
    Shown("remove", READER, "remove"),
    Shown("remove, refused", READER, "remove", _press, is_refused=True),
    Shown("test waiting", READER, "waiting"),
    Shown("test running", READER, "running"),
    Shown("test failed", READER, "failed"),
    Shown("test failed, details", READER, "failed", _open_details),
    Shown("test passed", READER, "passed"),
    Shown("add many", READER, "/settings/mail-accounts/import/"),
    Shown("add many, refused", READER, "/settings/mail-accounts/import/", _press, is_refused=True),
    Shown("verdicts", READER, "verdicts"),
    Shown("help", READER, "/help/"),
    Shown("help for a stranger", STRANGER, "/help/"),
    Shown("help, an error", READER, "/help/errors/auth.failed/"),
    Shown("help, an error, for a stranger", STRANGER, "/help/errors/tls.name/"),
    Shown("help, app passwords", READER, "/help/app-passwords/"),
    Shown("help, POP or IMAP", READER, "/help/pop-or-imap/"),
    Shown("help, deleting", READER, "/help/delete-from-server/"),
    Shown("404", READER, "/mail/all/nothing/", is_refused=True),
    Shown("404 for a stranger", STRANGER, "/nothing/", is_refused=True),
    Shown("403", READER, "/admin/login/?next=/admin/", is_refused=True),
    Shown("403, a form", READER, "/settings/mail-accounts/add/", _lose_the_token, is_refused=True),
)
EVERY_PAGE = SIGN_IN + MAIL + SETTINGS
