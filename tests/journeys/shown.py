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


def _pick_all(visitor: Visit) -> None:
    visitor.page.locator("#pick-all").check()


def _ask_where_to(visitor: Visit) -> None:
    _pick_one(visitor)
    visitor.page.locator("#do-ask-move").click()


def _ask_before_erasing(visitor: Visit) -> None:
    _pick_one(visitor)
    visitor.page.locator("#do-ask-erase").click()


def _throw_away(visitor: Visit) -> None:
    _pick_one(visitor)
    visitor.page.locator("#do-trash").click()
    visitor.page.locator(".toast button").wait_for()


def _leave_by(selector: str) -> Callable[[Visit], None]:
    """Pick a message and press what leads to a page that asks."""

    def leave(visitor: Visit) -> None:
        _pick_one(visitor)
        with visitor.page.expect_navigation():
            visitor.page.locator(selector).click()

    return leave


def _ask_on_a_page(visitor: Visit) -> None:
    with visitor.page.expect_navigation():
        visitor.page.locator(".message-tools [value=ask-move]").click()


def _open_saving(visitor: Visit) -> None:
    visitor.page.locator(".save-search summary").click()


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
    Shown("all, everything picked", READER, "/mail/all/inbox/", _pick_all),
    Shown("where to", READER, "/mail/all/inbox/", _ask_where_to),
    Shown("thrown away", READER, "older", _throw_away),
    Shown("snooze", READER, "/mail/all/inbox/", _leave_by("#do-snooze")),
    Shown("labels of a message", READER, "/mail/all/inbox/", _leave_by("#do-label")),
    Shown("snoozed", READER, "/mail/all/snoozed/"),
    Shown("labelled", READER, "labelled"),
    Shown("erase", READER, "/mail/all/trash/", _ask_before_erasing),
    Shown("unread", READER, "/mail/all/unread/"),
    Shown("starred", READER, "/mail/all/starred/"),
    Shown("no stars", GUARDED, "/mail/all/starred/"),
    Shown("nothing here", GUARDED, "/mail/all/inbox/"),
    Shown("folder", READER, "folder"),
    Shown("empty folder", READER, "junk"),
    Shown("search", READER, "/mail/search/?q=sungai"),
    Shown("search, nothing", READER, "/mail/search/?q=zebra"),
    Shown("search, terms", READER, "/mail/search/?q=from:bob+sungai+zzz:a", _open_saving),
    Shown("search, no word", READER, "/mail/search/", _open_details),
    Shown("text", READER, "text"),
    Shown("text, its people", READER, "text", _open_details),
    Shown("HTML", READER, "html"),
    Shown("attachment", READER, "attachment"),
    Shown("damaged", READER, "damaged"),
    Shown("encrypted", READER, "encrypted"),
    Shown("where to, without a list", READER, "text", _ask_on_a_page),
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
    Shown("folders", READER, "/settings/folders/"),
    Shown("new folder, refused", READER, "new folder", _press, is_refused=True),
    Shown("remove folder", READER, "remove folder"),
    Shown("empty now", READER, "/settings/folders/empty/trash/"),
    Shown("labels", READER, "/settings/labels/"),
    Shown("change label", READER, "change label"),
    Shown("remove label", READER, "remove label"),
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
