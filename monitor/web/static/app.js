// A little help on top of pages that work without it: news without reloading, copying, counting, a look at the tone.
"use strict";

(() => {
  const typing = (part) => {
    const at = document.activeElement;
    return part.contains(at) && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) && at.type !== "checkbox" && at.type !== "radio";
  };

  // What a colleague does meanwhile: the parts marked data-live are fetched again, and only where nobody is writing.
  const parts = () => [...document.querySelectorAll("[data-live]")];
  let waiting = null;
  let under = false;

  const busy = (part) => typing(part) || part.querySelector("details[open]");

  const listOf = (row, within) => {
    const list = row.closest("[aria-labelledby]");
    return list ? [...within.querySelectorAll(`[aria-labelledby="${list.getAttribute("aria-labelledby")}"] ol.cases > li`)] : [];
  };

  // One part of the page as it is now: what is selected and chosen stays so (not what a press has just used), and the
  // focus where it is. Where the row with the focus has left its list, whoever works down that list goes on with the
  // row that took its place.
  const swap = (part, fresh, selected = null, used = false) => {
    const other = part.id && fresh.getElementById(part.id);
    if (!other || other.innerHTML === part.innerHTML) return;
    const boxes = () => [...part.querySelectorAll("input[name=case]")];
    const chosen = selected || new Set(boxes().filter((box) => box.checked).map((box) => box.value));
    const picked = used ? [] : [...part.querySelectorAll("select[id]")].map((list) => [list.id, list.value]);
    const known = new Set([...part.querySelectorAll("[data-case]")].map((item) => item.dataset.case));
    const at = document.activeElement;
    const focus = part.contains(at) ? at.getAttribute("href") || at.value || at.id : null;
    const row = focus && at.closest("ol.cases > li");
    const place = row ? listOf(row, part).indexOf(row) : -1;
    part.replaceChildren(...[...other.childNodes].map((node) => document.importNode(node, true)));
    for (const box of boxes()) box.checked = chosen.has(box.value);
    for (const list of part.querySelectorAll("select[id]")) {
      const value = new Map(picked).get(list.id);
      if ([...list.options].some((option) => option.value === value)) list.value = value;
    }
    for (const item of part.querySelectorAll("[data-case]")) if (!known.has(item.dataset.case)) item.classList.add("fresh");
    if (row) {
      const rows = listOf(row, part);
      const same = rows.find((each) => each.dataset.case === row.dataset.case);
      const next = same || rows[Math.min(place, rows.length - 1)] || part.querySelector("ol.cases > li");
      const again = same && [...same.querySelectorAll("a, button, input")].find((each) => (each.getAttribute("href") || each.value) === focus);
      if (next) (again || next.querySelector("a.says")).focus({ preventScroll: Boolean(same) });
    } else if (focus) {
      const again = [...part.querySelectorAll("a, button, input")].find((each) => (each.getAttribute("href") || each.value || each.id) === focus);
      if (again) again.focus({ preventScroll: true });
    }
    document.dispatchEvent(new Event("swapped"));
  };

  const renew = async () => {
    if (under || document.hidden) { waiting = true; return; }
    if (parts().every(busy)) { waiting = true; return; }
    under = true;
    waiting = null;
    try {
      const answer = await fetch(location.href, { headers: { "x-live": "1" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        if (busy(part)) waiting = true;
        else swap(part, fresh);
      }
      document.title = fresh.title;
      sign(true);
    } catch { /* the next news will bring it */ } finally {
      under = false;
    }
  };

  const sign = (on) => {
    for (const each of document.querySelectorAll("[data-live-sign]")) {
      each.hidden = false;
      each.classList.toggle("on", on);
      each.textContent = on ? "live" : "not live: load the page to see news";
    }
  };

  if (parts().length && "EventSource" in window) {
    let known = null;
    let later = null;
    const source = new EventSource("/live");
    source.addEventListener("mark", (news) => {
      sign(true);
      if (known !== null && news.data !== known) {
        clearTimeout(later);
        later = setTimeout(renew, 150);
      }
      known = news.data;
    });
    source.addEventListener("here", (news) => {
      const open = JSON.parse(news.data);
      for (const each of document.querySelectorAll("[data-here]")) {
        each.textContent = open[each.dataset.here] || "";
        each.hidden = !each.textContent;
      }
    });
    source.addEventListener("error", () => sign(false));
    addEventListener("pagehide", () => source.close());
    document.addEventListener("visibilitychange", () => { if (!document.hidden && waiting) renew(); });
    document.addEventListener("focusout", () => { if (waiting) setTimeout(() => { if (waiting) renew(); }, 400); });
    document.addEventListener("toggle", () => { if (waiting) renew(); }, true);
  }

  window.earful = { swap };

  // What somebody wrote is not lost with a press that was refused (a login that has ended, a page that is out of date,
  // no connection): this tab keeps it until it has arrived, and puts it back.
  const WRITTEN = "earful.written";
  const written = () => { try { return JSON.parse(sessionStorage.getItem(WRITTEN)); } catch { return null; } };
  const keep = (found) => {
    try {
      if (found) sessionStorage.setItem(WRITTEN, JSON.stringify(found));
      else sessionStorage.removeItem(WRITTEN);
    } catch { /* it is on the page alone */ }
  };
  const areas = (part) => [...part.querySelectorAll("textarea[id]:not([readonly])")].filter((area) => area.value.trim() && (area.value !== area.defaultValue || area.id === "reply"));

  const putBack = () => {
    const found = written();
    if (!found) return;
    const [way] = performance.getEntriesByType("navigation");
    const refused = document.querySelector("[data-refused]");
    const followed = document.referrer && way && way.type === "navigate";  // the answer to the press, or where it led
    const lost = found.lost || !followed || Boolean(refused || document.querySelector(".note.bad"));
    if (!lost) { keep(null); return; }  // it has arrived
    found.lost = true;
    keep(found);
    const place = refused && refused.querySelector("[data-written]");
    if (place) {
      place.hidden = false;
      place.querySelector("textarea").value = Object.values(found.texts).join("\n\n");
    }
    if (location.pathname !== found.path && !location.pathname.startsWith(`${found.path}/`)) return;
    const there = Object.entries(found.texts).map(([id, text]) => [document.getElementById(id), text]).filter(([area]) => area);
    for (const [area, text] of there) {
      if (area.value === area.defaultValue) area.value = text;
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (there.length) keep(null);
  };
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") === "/logout") { keep(null); return; }
    const texts = areas(event.target).map((area) => [area.id, area.value]);
    if (texts.length) keep({ path: location.pathname, texts: Object.fromEntries(texts), lost: false });
  });

  // A form is sent once: a double click takes one case with "Give me the next", and puts no tag on and off again.
  const sent = new Set();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.matches("[data-here-too]")) return;
    if (sent.has(form)) { event.preventDefault(); return; }
    sent.add(form);
    setTimeout(() => sent.delete(form), 10_000);  // whoever stopped it may press again
  });
  addEventListener("pageshow", () => sent.clear());

  // While a case stands open here, colleagues see it.
  const open = document.querySelector("[data-beat]");
  if (open) {
    const beat = (gone) => {
      const body = new URLSearchParams({ csrf: document.querySelector("input[name=csrf]").value, gone });
      navigator.sendBeacon(open.dataset.beat, body);
    };
    setInterval(() => { if (!document.hidden) beat(""); }, 40_000);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) beat(""); });
    addEventListener("pagehide", () => beat("1"));
  }

  // The reply: its length, its tone, and a copy of it. Only a press of its button posts it.
  const form = document.querySelector("form[data-reply]");
  if (form) {
    const box = form.querySelector("textarea");
    const count = form.querySelector("[data-count]");
    const remarks = form.querySelector("[data-remarks]");
    const copy = form.querySelector("[data-copy]");
    const limit = Number(form.dataset.limit) || 0;
    let later = null;

    const look = async () => {
      if (!box.value.trim()) { remarks.replaceChildren(); return; }
      const body = new URLSearchParams({ csrf: form.elements.csrf.value, case: form.dataset.case, reply: box.value });
      try {
        const answer = await fetch("/tone", { method: "POST", body, credentials: "same-origin" });
        if (!answer.ok) return;
        const found = (await answer.json()).remarks;
        remarks.replaceChildren(...(found.length ? found : [null]).map((each) => {
          const line = document.createElement("li");
          if (!each) { line.textContent = "No remarks; it reads well."; return line; }
          const tag = document.createElement("span");
          tag.className = "tag warn";
          tag.textContent = each.kind;
          line.append(tag, ` ${each.words ? `“${each.words}” · ` : ""}${each.advice}`);
          return line;
        }));
      } catch { /* the button checks it too */ }
    };
    const changed = () => {
      const length = [...box.value.trim()].length;
      count.textContent = limit ? `${length} of ${limit} characters` : length ? `${length} characters` : "";
      count.classList.toggle("late", Boolean(limit) && length > limit);
      clearTimeout(later);
      later = setTimeout(look, 500);
    };
    box.addEventListener("input", changed);
    copy.hidden = false;
    const copied = async () => {
      if (!box.value.trim()) return;
      try {
        await navigator.clipboard.writeText(box.value.trim());
        copy.textContent = "Copied";
      } catch {
        box.select();
        copy.textContent = "Press Ctrl+C";
      }
      setTimeout(() => { copy.textContent = "Copy"; }, 2500);
    };
    copy.addEventListener("click", copied);
    for (const link of form.querySelectorAll("[data-copy-open]")) link.addEventListener("click", copied);
    for (const use of document.querySelectorAll("[data-use]")) {
      use.hidden = false;
      use.addEventListener("click", () => {
        box.value = use.parentElement.querySelector("[data-saved]").textContent;
        changed();
        box.focus();
      });
    }
  }

  putBack();
})();
