// The inbox by key and by thumb: a press acts without a change of page; letters are shortcuts, for whoever wants them.
"use strict";

(() => {
  const rows = () => [...document.querySelectorAll("ol.cases > li")];
  const rowOf = (element) => (element && element.closest ? element.closest("ol.cases > li") : null);
  const says = (row) => row.querySelector("a.says");
  const speak = (words) => { const line = document.getElementById("spoken"); if (line) line.textContent = words; };

  // -- a press without a change of page -----------------------------------------------------------------------------

  // What is pressed while another press is on its way follows it; pressed twice, it is done once.
  const underWay = new Set();
  let queue = Promise.resolve();

  // What came of it, where that is not what was asked for: nothing on the page has changed.
  const tell = (words) => {
    const note = document.createElement("div");
    const line = document.createElement("span");
    const again = document.createElement("a");
    note.className = "note bad bar said";
    note.setAttribute("role", "alert");
    line.textContent = words;
    again.href = location.pathname + location.search;
    again.textContent = "Reload the page";
    note.append(line, again);
    document.getElementById("said").replaceChildren(note);
  };

  const checked = () => new Set([...document.querySelectorAll("input[name=case]:checked")].map((box) => box.value));

  const send = async (action, body, before) => {
    try {
      const answer = await fetch(action, { method: "POST", body, credentials: "same-origin" });
      const where = new URL(answer.url);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok) {
        const parts = ["main h1", "main h1 + p"].map((each) => fresh.querySelector(each)).filter(Boolean);
        tell(parts.map((each) => each.textContent).join(". ") || "That did not work.");
        return;
      }
      if (where.pathname !== "/") { location.href = answer.url; return; }
      const kept = new Set((where.searchParams.get("chosen") || "").split(","));
      for (const each of checked()) if (!before.has(each)) kept.add(each);  // selected meanwhile
      earful.swap(document.getElementById("said"), fresh);
      for (const part of document.querySelectorAll("[data-live]")) earful.swap(part, fresh, kept, body.has("verb"));
      document.title = fresh.title;
      const said = document.querySelector("#said span");
      speak(said ? said.textContent : "");
    } catch {
      tell("The page could not be reached. Check your connection, then press again.");
    }
  };

  const act = (form, submitter) => {
    const body = new URLSearchParams(new FormData(form, submitter));
    const name = body.has("one") ? `${body.get("one")} ${body.get("tag")}` : body.toString();
    if (underWay.has(name)) return;
    underWay.add(name);
    const before = checked();
    queue = queue.then(() => send(form.action, body, before)).finally(() => underWay.delete(name));
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-here-too]")) return;
    event.preventDefault();
    act(form, event.submitter);
  });

  // -- selecting ------------------------------------------------------------------------------------------------------

  let last = null;

  const boxes = () => [...document.querySelectorAll("input[type=checkbox][name=case]")];

  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches || !box.matches("input[type=checkbox][name=case]")) return;
    range(box, event.shiftKey);
  });

  const range = (box, more) => {
    const all = boxes();
    const from = all.findIndex((each) => each.value === last);
    if (more && from >= 0) {
      const to = all.indexOf(box);
      for (const each of all.slice(Math.min(from, to), Math.max(from, to) + 1)) each.checked = box.checked;
    }
    last = box.value;
  };

  const showAll = () => {
    for (const each of document.querySelectorAll("[data-all]")) each.hidden = false;
  };
  document.addEventListener("swapped", showAll);
  showAll();

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-all]");
    if (!button) return;
    const mine = [...button.closest("section").querySelectorAll("input[type=checkbox][name=case]")];
    const on = !mine.every((box) => box.checked);
    for (const box of mine) box.checked = on;
    speak(on ? `${mine.length} cases selected` : "No case selected");
  });

  // -- shortcuts ------------------------------------------------------------------------------------------------------

  const help = document.getElementById("shortcuts");
  if (!help) return;
  const KEPT = "earful.shortcuts";
  const kept = () => { try { return localStorage.getItem(KEPT) !== "off"; } catch { return true; } };
  const box = help.querySelector("[data-shortcuts-on]");
  box.checked = kept();
  box.addEventListener("change", () => { try { localStorage.setItem(KEPT, box.checked ? "on" : "off"); } catch { /* for this page only */ } });
  for (const button of document.querySelectorAll("[data-shortcuts]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }

  const here = () => rowOf(document.activeElement);

  const move = (by) => {
    const of = here();  // from nowhere: to the first row of the first list, or to its last
    const all = of ? rows() : [...document.querySelectorAll("ol.cases")].slice(0, 1).flatMap((list) => [...list.children]);
    if (!all.length) return;
    const at = all.indexOf(of);
    const next = all[Math.min(Math.max(at >= 0 ? at + by : by > 0 ? 0 : all.length - 1, 0), all.length - 1)];
    says(next).focus();
    next.scrollIntoView({ block: "nearest" });
  };

  // What a key presses: in the row with the focus, else of the first row; on the page of a case, of that case.
  const keyed = (key) => {
    const row = here() || rows()[0];
    return (row && row.querySelector(`[data-key="${key}"]`)) || document.querySelector(`main [data-key="${key}"]:not(ol.cases [data-key])`);
  };

  const press = (key) => {
    const found = keyed(key);
    if (!found) { speak("That can't be done with this case."); return; }
    if (found.tagName !== "SUMMARY") { found.click(); return; }
    const folded = found.parentElement;
    folded.open = true;
    const first = folded.querySelector("button, input:not([type=hidden])");
    if (first) first.focus();
  };

  const tagging = document.getElementById("tagging");
  if (tagging) {
    tagging.querySelector("[data-cancel]").addEventListener("click", () => tagging.close());
    tagging.querySelector("form").addEventListener("submit", () => tagging.close());
  }

  const tag = () => {
    const row = here() || rows()[0];
    const field = document.querySelector("main [data-key=l]");
    if (tagging && row) {
      const form = tagging.querySelector("form");
      form.elements.one.value = `${row.dataset.case} tag`;
      form.elements.tag.value = "";
      tagging.showModal();
    } else if (field) {
      field.closest("details").open = true;
      field.focus();
    }
  };

  const choose = (number) => {
    const open = document.querySelector("details.ask[open], details.more[open]");
    const button = open && [...open.querySelectorAll("button")][number - 1];
    if (button) button.click();
  };

  const onKey = (event) => {
    const { key } = event;
    if (key === "?") help.showModal();
    else if (key === "/") { const search = document.querySelector("input[name=q]"); if (search) search.focus(); else return false; }
    else if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (key === "x" || key === "X") {
      const row = here();
      const select = row && row.querySelector("input[name=case]");
      if (!select) return false;
      select.checked = !select.checked;
      range(select, event.shiftKey);
    }
    else if (key === "l") tag();
    else if (/^[1-9]$/.test(key)) choose(Number(key));
    else if (key === "z") { if (!event.repeat) queue.then(() => press(key)); }  // of what was pressed last
    else if ("gtnaeuc".includes(key) && !event.repeat) press(key);
    else return false;
    return true;
  };

  document.addEventListener("keydown", (event) => {
    const at = document.activeElement;
    if (event.key === "Escape") {
      const open = at && at.closest && at.closest("details.ask[open], details.more[open]");
      if (open) { open.open = false; open.querySelector("summary").focus(); }
      return;
    }
    if (!kept() || document.querySelector("dialog[open]") || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (at && (at.isContentEditable || /^(TEXTAREA|SELECT)$/.test(at.tagName) || (at.tagName === "INPUT" && !/^(checkbox|radio)$/.test(at.type)))) return;
    if (onKey(event)) event.preventDefault();
  });
})();
