"""A real browser tells the story of the page: by keyboard alone, on a phone, without script, two people at once.

It drives the Chromium of the distribution (apt-get install chromium), or the one that EARFUL_CHROMIUM names.
"""

from __future__ import annotations

from typing import Any

from tests.browser.seat import PHONE, Seat
from tests.helpers import ANGRY, BROKEN, INJURY, MINUTE, case, lines, post
from tests.web.office import Office
from tests.web.test_hostile import CORPUS


def log_in(seat: Seat, office: Office, name: str) -> None:
    seat.page.goto(office.welcome(name))
    seat.page.fill("#password", "a sentence is a good password")
    seat.page.fill("#again", "a sentence is a good password")
    seat.page.keyboard.press("Enter")
    seat.page.wait_for_url("**/")


def story(office: Office) -> str:
    office.take(post(BROKEN, author="bo"), post(ANGRY, author="ann"))
    (case_id,) = office.take(post(INJURY, author="ike"))
    return case_id


def test_by_keyboard_alone_from_the_login_to_a_closed_case(chromium: Any, office: Office, seats: list[Seat]) -> None:
    """A newcomer finds the most urgent case first, reads why, takes it, and closes it with an outcome."""
    case_id = story(office)
    seats.append(seat := Seat(chromium, office))
    page = seat.page
    page.goto(office.welcome("Nele"))
    page.wait_for_selector("#password:focus")  # given as the page is drawn, which may be after it has loaded
    page.keyboard.type("a sentence is a good password")
    page.keyboard.press("Tab")
    page.keyboard.type("a sentence is a good password")
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    first = page.locator("ol.cases > li").first
    assert "burned my hand" in first.inner_text()
    assert "injur" in first.locator(".why").inner_text()
    seat.tab_to("burned my hand")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{case_id}")
    seat.tab_to("I have it")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=taken by Nele")
    assert case(office.database, case_id).owner == "Nele"
    assert (
        page.locator("a", has_text="Answer on forum").first.get_attribute("href").startswith("https://forum.example/")
    )
    seat.tab_to("Answered")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=answered 10:00")
    seat.tab_to("Close")
    page.keyboard.press("Enter")
    assert case(office.database, case_id).closed_at is None
    seat.tab_to("solved")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=closed by Nele: solved")
    assert case(office.database, case_id).outcome == "solved"
    assert seat.complaints == []


def test_on_a_phone_nothing_is_cut_or_wider_than_the_screen(chromium: Any, demo: Office, seats: list[Seat]) -> None:
    case_id = story(demo)
    demo.take(post(f"Acme is terrible {'A' * 3000} {CORPUS[1]}", author="w" * 200, title="T" * 500))
    (mention,) = demo.database.rows("SELECT id FROM mentions LIMIT 1")
    for scheme in ("light", "dark"):
        seats.append(seat := Seat(chromium, demo, viewport=PHONE, color_scheme=scheme))
        for path in ("/", f"/cases/{case_id}", "/mentions", f"/mentions/{mention['id']}", "/insights", "/sources",
                     "/desk", "/settings", "/people", "/you", "/?state=closed", "/nothing"):  # fmt: skip
            seat.page.goto(path, wait_until="domcontentloaded")
            assert seat.wide() <= 0, (path, scheme)
        seat.page.goto(f"/cases/{case_id}")
        seat.page.get_by_role("button", name="I have it").click()
        seat.page.wait_for_selector("text=taken by You")
        seat.page.get_by_role("button", name="Undo").click()
        seat.page.wait_for_selector("text=nobody has taken it yet")
        assert [each for each in seat.complaints if "404" not in each] == []


def test_without_script_the_same_story_works(chromium: Any, office: Office, seats: list[Seat]) -> None:
    case_id = story(office)
    seats.append(seat := Seat(chromium, office, java_script_enabled=False))
    log_in(seat, office, "Nele")
    seat.page.locator("ol.cases a.says").first.click()
    seat.page.get_by_role("button", name="I have it").click()
    assert case(office.database, case_id).owner == "Nele"
    seat.page.fill("#reply", "You should have been careful.")
    seat.page.get_by_role("button", name="Check tone").click()
    assert "blames" in seat.page.locator("[data-remarks]").inner_text()
    seat.page.locator("summary", has_text="No answer needed").click()
    seat.page.locator("button[value=spam]").click()
    assert case(office.database, case_id).why == "spam"
    seat.page.goto("/")
    seat.page.locator("input[name=case]").first.check()
    seat.page.locator(".act button[value=take]").click()
    assert "1 case: yours now." in seat.page.inner_text("main")
    seat.page.get_by_role("button", name="Undo").click()
    seat.page.locator("a", has_text="Select all").click()
    seat.page.locator(".act button[value=dismiss]").click()
    assert "Choose a reason first" in seat.page.inner_text("main")
    assert seat.page.locator("input[name=case]:checked").count() == 2
    seat.page.locator("details.ask summary").first.click()
    seat.page.locator("details.ask[open] button", has_text="not a complaint").click()
    assert "closed by Nele: not a complaint" in seat.page.inner_text("main")
    seat.page.get_by_role("button", name="Give me the next").click()
    assert "taken by Nele" in seat.page.inner_text("main")


def test_what_a_colleague_does_appears_without_reloading(chromium: Any, office: Office, seats: list[Seat]) -> None:
    case_id = story(office)
    seats.append(one := Seat(chromium, office))
    seats.append(two := Seat(chromium, office))
    log_in(one, office, "Nele")
    log_in(two, office, "Olle")
    one.page.goto("/")
    one.page.wait_for_selector("[data-live-sign].on")
    one.page.evaluate("window.sameDocument = true")
    two.page.goto(f"/cases/{case_id}")
    two.page.get_by_role("button", name="I have it").click()
    one.page.wait_for_selector("text=taken by Olle")
    office.take(post("Acme lost my parcel, I want a refund, awful service", author="fresh"))
    one.page.wait_for_selector("text=lost my parcel")
    assert one.page.evaluate("window.sameDocument")
    assert one.complaints + two.complaints == []


def test_news_never_take_the_words_from_under_somebodys_hands(chromium: Any, office: Office, seats: list[Seat]) -> None:
    case_id = story(office)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    seat.page.goto(f"/cases/{case_id}")
    seat.page.wait_for_selector("[data-live-sign].on")
    seat.page.click("#reply")
    seat.page.keyboard.type("I am so ")
    colleague = office.person("Olle")
    colleague.get(f"/cases/{case_id}")
    colleague.post(f"/cases/{case_id}", {"verb": "take"})
    seat.page.wait_for_selector("text=taken by Olle")
    seat.page.keyboard.type("sorry.")
    assert seat.page.input_value("#reply") == "I am so sorry."
    assert seat.page.evaluate("document.activeElement.id") == "reply"


def test_what_somebody_has_unfolded_stays_open_while_the_rest_of_the_page_is_renewed(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    (case_id,) = office.take(post(ANGRY, thread_id="loud", native_id="first", at=office.clock() - 2 * MINUTE))
    for n in range(4):
        office.take(post(f"Acme is all right, says stranger {n}", author=f"s{n}", thread_id="loud"))
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    seat.page.goto(f"/cases/{case_id}")
    seat.page.wait_for_selector("[data-live-sign].on")
    seat.page.locator("li.others summary").click()
    colleague = office.person("Olle")
    colleague.get(f"/cases/{case_id}")
    colleague.post(f"/cases/{case_id}", {"verb": "take"})
    seat.page.wait_for_selector("text=taken by Olle")
    assert seat.page.locator("text=stranger 3").is_visible()


def test_chosen_cases_stay_chosen_when_news_come(chromium: Any, demo: Office, seats: list[Seat]) -> None:
    story(demo)
    seats.append(seat := Seat(chromium, demo))
    seat.page.goto("/")
    seat.page.wait_for_selector("[data-live-sign].on")
    box = seat.page.locator("input[name=case]").first
    chosen = box.get_attribute("value")
    box.check()
    demo.take(post("Acme lost my parcel, I want a refund, awful service", author="fresh"))
    seat.page.wait_for_selector("text=lost my parcel")
    assert seat.page.eval_on_selector_all("input[name=case]:checked", "all => all.map(each => each.value)") == [chosen]


def test_a_reply_is_copied_and_the_network_opened_and_nothing_is_sent(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    case_id = story(office)
    seats.append(seat := Seat(chromium, office, permissions=["clipboard-read", "clipboard-write"]))
    asked: list[tuple[str, str]] = []
    log_in(seat, office, "Nele")
    seat.page.goto(f"/cases/{case_id}")
    seat.page.on("request", lambda request: asked.append((request.method, request.url.removeprefix(office.address))))
    seat.page.locator("summary", has_text="Saved replies").click()
    seat.page.locator("[data-use]").first.click()
    seat.page.wait_for_selector("text=No remarks")
    seat.page.locator("[data-copy]").click()
    seat.page.wait_for_selector("text=Copied")
    assert seat.page.evaluate("navigator.clipboard.readText()").startswith("@ike, I'm sorry")
    assert {each for each in asked if each[0] != "GET"} == {("POST", "/tone")}
    assert "answered" not in lines(office.database, case_id)


def test_no_hostile_word_runs_in_a_real_browser(chromium: Any, demo: Office, seats: list[Seat]) -> None:
    """No dialog, no script error, no request to anywhere else, and no complaint of the policy."""
    ids = []
    for number, evil in enumerate(CORPUS):
        ids += demo.take(
            post(f"Acme charged me for a box, terrible {evil}", title=evil[:500], author=f"{number}{evil[:100]}",
                 url="javascript:alert(1)")
        )  # fmt: skip
    seats.append(seat := Seat(chromium, demo))
    outside: list[str] = []
    seat.page.on("request", lambda asked: None if asked.url.startswith(demo.address) else outside.append(asked.url))
    for path in ("/", "/?state=sweep", "/mentions", "/insights", *[f"/cases/{each}" for each in ids]):
        seat.page.goto(path, wait_until="domcontentloaded")
        seat.page.wait_for_load_state("load")
    assert outside == []
    assert seat.complaints == []


# Where the first and the last letter of what is shown stand, in pixels from the left.
ENDS = """(part) => {
  const text = [...part.childNodes].find((node) => node.nodeType === 3 && node.data.trim());
  const at = (place) => {
    const range = document.createRange();
    range.setStart(text, place);
    range.setEnd(text, place + 1);
    return range.getBoundingClientRect().left;
  };
  const first = text.data.length - text.data.trimStart().length;
  return [at(first), at(text.data.trimEnd().length - 1)];
}"""


def test_arabic_and_hebrew_run_from_right_to_left_to_their_last_mark(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    office.take(post("شركة Acme سيئة جداً، أريد استرداد المال!", author="محمد"), post(ANGRY, author="ann"))
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    (row,) = office.database.rows("SELECT id, case_id FROM mentions WHERE author = 'محمد'")
    there = [f"/mentions/{row['id']}", "/mentions", *([f"/cases/{row['case_id']}"] if row["case_id"] else [])]
    for path in there:
        seat.page.goto(path)
        shown = seat.page.locator(".quote, a.says, .body", has_text="شركة").first
        begins, ends = shown.evaluate(ENDS)
        assert ends < begins, f"on {path} the exclamation mark stands where the sentence begins"
        if path == "/mentions":
            begins, ends = seat.page.locator("a.says", has_text="wrong box").evaluate(ENDS)
            assert begins < ends
