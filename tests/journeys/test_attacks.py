"""Hostile HTML in a real browser: it runs nothing, loads nothing and leads nowhere by itself.

It runs where ``MUARA_CORPUS_HTML`` names a folder with ``html-attacks.jsonl``; every tenth of them,
or all with ``MUARA_SWEEP=whole``. Each wall must also hold while the other is taken away.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser, ConsoleMessage, Dialog, ElementHandle, Page, Request, Route
from playwright.sync_api import Error as BrowserError

from accounts.models import ExternalAccount
from mailstore import contents, rendering
from tests.builders import make_account
from tests.journeys.people import make_person, session_of
from tests.mailstore.rows import make_message
from tests.sweeps import IS_WHOLE, result

FOLDER = os.environ.get("MUARA_CORPUS_HTML", "")
SETTLE_MS, WINDOW_SECONDS = 150, 2
ALLOWED_LINKS = {"http", "https", "mailto"}
IDS = re.compile(r"[0-9a-f-]{36}")
# The list beside the message renews itself when mail comes, here each attack's own.
RENEWED = "xhr /mail/ID/inbox/"
# Whatever an attack calls, in whichever frame it comes to run, is remembered in the page's console.
ALARM = """for (const name of ["alert", "confirm", "prompt", "print"])
  window[name] = () => { window.__pwned = name; console.log("PWNED " + name); };"""
# Asked from our own page: a frame that the browser left empty never answers for itself.
MARKED = """() => {
  const marked = [];
  const look = (frame) => {
    try {
      if (frame.__pwned !== undefined) marked.push(frame.location.href);
    } catch {} // Another site's, which answers with an empty page here.
    for (let i = 0; i < frame.length; i++) look(frame[i]);
  };
  look(window);
  return marked;
}"""
CLICKABLE = "a, area, button, label, summary, input, select, [onclick], [href]"
pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="MUARA_CORPUS_HTML names no folder of hostile HTML"),
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(3000),
]


def vectors(walls: str) -> list[dict[str, str]]:
    """Draw the attacks to try: a policy alone does not keep a document from being endless."""
    lines = (Path(FOLDER) / "html-attacks.jsonl").read_text().splitlines()
    every = [json.loads(line) for line in lines]
    fair = [vector for vector in every if walls != "policy" or vector["class"] != "dos"]
    return fair if IS_WHOLE else fair[random.randrange(10) :: 10]


def as_mail(markup: str) -> bytes:
    head = "From: Eve <eve@example.org>\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n"
    kind = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    body = base64.encodebytes(markup.encode("utf-8", "surrogatepass"))
    return (head + kind).encode() + body.replace(b"\n", b"\r\n")


@dataclass
class Watch:
    """What a browser did with one message; ``usual`` is what it asks for an empty one.

    ``is_led`` says that a click on a raw link has led the frame to another page of this site, which
    the policy alone does not forbid; such a page shows in no frame, and nothing changes by it.
    """

    page: Page
    site: str
    usual: Counter[str] = field(default_factory=Counter)
    asked: list[Request] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    windows: list[Page] = field(default_factory=list)
    is_led: bool = False

    def see_window(self, window: Page) -> None:
        if window != self.page:
            self.windows.append(window)

    def see_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and not parts.path.startswith(("/static/", "/mail/changes/")):
            self.asked.append(request)

    def see_dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"a dialog: {dialog.type}")
        dialog.dismiss()

    def hear(self, message: ConsoleMessage) -> None:
        if message.text.startswith("PWNED"):
            self.troubles.append(message.text)

    def asked_for(self) -> Counter[str]:
        """Count what was asked for, but for what the browser itself held back by our policy."""
        sent = [request for request in self.asked if request.failure != "csp"]
        return Counter(
            f"{one.resource_type} {IDS.sub('ID', one.url.removeprefix(self.site))}" for one in sent
        )

    def open(self, path: str) -> None:
        """Open a message page, wait, and take down what should not be."""
        self.asked.clear()
        self.is_led = False
        self.page.goto(f"{self.site}{path}")
        self.page.wait_for_timeout(SETTLE_MS)
        while self.windows:
            self.troubles.append(f"opened {self.windows.pop().url[:80]} by itself")
        self.look(path)
        inner = [urlsplit(frame.url).path for frame in self.page.main_frame.child_frames]
        if inner != [f"{path}body/"]:
            self.troubles.append(f"the frames are {inner}")

    def look(self, path: str) -> None:
        """Take down scripts that ran, what was asked for, and a page that is another one now."""
        if urlsplit(self.page.url).path != path:
            self.troubles.append(f"the page went to {self.page.url[:120]}")
        self.troubles += [f"ran in {where[:80]}" for where in self.page.evaluate(MARKED)]
        extra = self.asked_for() - self.usual if self.usual else ()
        self.troubles += [f"asked for {what[:120]}" for what in extra if not self._may_ask(what)]

    def _may_ask(self, what: str) -> bool:
        return what == RENEWED or (self.is_led and what.startswith("document /"))


@contextmanager
def watched(browser: Browser, site: str, session: str) -> Iterator[Watch]:
    """Open a browser in which other sites answer with an empty page, and nothing is asked twice."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(3000)
    context.set_default_navigation_timeout(30_000)
    context.add_init_script(ALARM)
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": site}
    context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict
    page = context.new_page()
    watch = Watch(page, site)
    context.on("page", watch.see_window)
    page.on("request", watch.see_request)
    page.on("console", watch.hear)
    page.on("dialog", watch.see_dialog)
    page.on("download", lambda file: watch.troubles.append(f"download of {file.url[:80]}"))
    context.route(lambda url: not url.startswith(f"{site}/"), _answer_for_others)
    try:
        yield watch
    finally:
        context.close()


def _answer_for_others(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<title>elsewhere</title>")


def click_everything(watch: Watch, path: str) -> None:
    """Click whatever the frame offers; a link may open a window of its own that knows nothing."""
    frame = watch.page.main_frame.child_frames[0]
    links = sum(_click(thing) for thing in frame.query_selector_all(CLICKABLE)[:20])
    watch.page.wait_for_timeout(SETTLE_MS)
    for _ in range(WINDOW_SECONDS * 20):
        if len(watch.windows) >= links:
            break
        watch.page.wait_for_timeout(50)
    while watch.windows:
        window = watch.windows.pop()
        window.wait_for_load_state()
        scheme = urlsplit(window.url).scheme
        if scheme not in ALLOWED_LINKS and window.url != "about:blank":
            watch.troubles.append(f"opened {window.url[:80]}")
        if window.evaluate("window.opener !== null"):
            watch.troubles.append(f"{window.url[:80]} knows its opener")
        window.close()
    watch.look(path)


def _click(thing: ElementHandle) -> bool:
    """Click one thing; tell whether a window should open."""
    try:
        if not _is_in_frame(thing):
            return False
        opens: bool = thing.evaluate("it => it.matches('a[href][target=_blank]')")
        thing.click(force=True, no_wait_after=True, timeout=500)
    except BrowserError:
        # Out of reach for a mouse, so for a person's too.
        return False
    return opens


def _is_in_frame(thing: ElementHandle) -> bool:
    """Tell whether the middle of a thing shows in its frame; beside it a click meets our page."""
    thing.scroll_into_view_if_needed(timeout=500)
    frame = thing.owner_frame()
    box, room = thing.bounding_box(), frame and frame.frame_element().bounding_box()
    if not box or not room:
        return False
    across = box["x"] + box["width"] / 2 - room["x"]
    down = box["y"] + box["height"] / 2 - room["y"]
    return 0 <= across <= room["width"] and 0 <= down <= room["height"]


def _as_it_is(_monkeypatch: pytest.MonkeyPatch, _watch: Watch) -> None:
    """Both walls stand."""


def _without_sanitiser(monkeypatch: pytest.MonkeyPatch, _watch: Watch) -> None:
    def unclean(markup: str, *_pictures: object) -> str:
        return markup

    monkeypatch.setattr(rendering, "clean_html", unclean)


def _without_rules(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> None:
    """Take the body's policy away, and the sandbox of the frame around it."""
    monkeypatch.setattr(contents, "BODY", "")

    def unbox(route: Route) -> None:
        answer = route.fetch(timeout=30_000)
        text = answer.text().replace(' sandbox="', ' data-was="', 1)
        text = re.sub(r'\s+sandbox="', ' data-was="', text)
        route.fulfill(response=answer, body=text)

    watch.page.route(re.compile(r"/m/[0-9a-f-]{36}/$"), unbox)


def _without_any(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> None:
    _without_sanitiser(monkeypatch, watch)
    _without_rules(monkeypatch, watch)


WALLS = {"both": _as_it_is, "policy": _without_sanitiser, "sanitiser": _without_rules}


@pytest.fixture
def account(site: str) -> ExternalAccount:
    return make_account(make_person())


@pytest.mark.parametrize("walls", WALLS)
def test_hostile_html_runs_and_loads_nothing(
    chromium: Browser,
    site: str,
    account: ExternalAccount,
    monkeypatch: pytest.MonkeyPatch,
    walls: str,
) -> None:
    bad, clicks, tried = {}, 0, vectors(walls)
    with watched(chromium, site, session_of(account.owner)) as watch:
        WALLS[walls](monkeypatch, watch)
        watch.open(_path(account, ""))
        assert watch.asked
        assert not watch.troubles, watch.troubles
        watch.usual = watch.asked_for()
        for vector in tried:
            path = _path(account, vector["html"])
            watch.open(path)
            if not watch.troubles:
                watch.is_led = walls == "policy"
                click_everything(watch, path)
                clicks += 1
            if watch.troubles:
                bad[vector["id"]] = f"{vector['class']}: {'; '.join(watch.troubles)}"
                watch.troubles.clear()
    wrong = Counter({"not harmless": len(bad)} if bad else {})
    said = result(f"hostile HTML, walls: {walls}", clicks, len(tried), wrong)
    if bad:
        whys = (f"{name}: {why}" for name, why in bad.items())
        pytest.fail("\n".join([said, *whys]), pytrace=False)


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("<img src=x onerror=alert(1)>", "PWNED alert"),
        ("<script>window.__pwned = 1</script>", "ran in"),
        ("<img src=//leak.test/a.png>", "asked for image http://leak.test/a.png"),
        ("<meta http-equiv=refresh content='0;url=//leak.test/'>", "the frames are"),
        ("<img src=/mail/all/inbox/>", "asked for image /mail/all/inbox/"),
    ],
)
def test_without_any_wall_an_attack_is_seen(
    chromium: Browser,
    site: str,
    account: ExternalAccount,
    monkeypatch: pytest.MonkeyPatch,
    markup: str,
    seen: str,
) -> None:
    with watched(chromium, site, session_of(account.owner)) as watch:
        _without_any(monkeypatch, watch)
        watch.open(_path(account, ""))
        watch.usual = watch.asked_for()
        watch.open(_path(account, markup))
        assert any(seen in trouble for trouble in watch.troubles), watch.troubles


def _path(account: ExternalAccount, markup: str) -> str:
    message = make_message(account, as_mail(markup or "<p>nothing</p>"))
    return reverse("mail_message", args=[account.public_id, message.public_id])
