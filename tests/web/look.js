// What axe would call serious: names, labels, headings, lists, ids, contrast of AA. Returns the faults of a page.
() => {
  const faults = [];
  const short = (each) => each.outerHTML.slice(0, 120);
  const labels = (each) => [...(each.labels || [])].map((label) => label.textContent).join(" ");
  const name = (each) => (each.textContent || each.ariaLabel || each.title || each.placeholder || labels(each) || "").trim();
  for (const each of document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select, textarea")) {
    if (!name(each)) faults.push(`no name: ${short(each)}`);
  }
  for (const each of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!(each.labels && each.labels.length) && !each.ariaLabel) faults.push(`no label: ${short(each)}`);
  }
  for (const each of document.querySelectorAll("img:not([alt]), svg[role=img]:not([aria-label])")) {
    faults.push(`no words for ${short(each)}`);
  }
  if (!document.documentElement.lang) faults.push("no language");
  for (const only of ["h1", "main"]) {
    const number = document.querySelectorAll(only).length;
    if (number !== 1) faults.push(`${only}: ${number} of them`);
  }
  const seen = new Set();
  for (const each of document.querySelectorAll("[id]")) {
    if (seen.has(each.id)) faults.push(`twice: ${each.id}`);
    seen.add(each.id);
  }
  for (const list of document.querySelectorAll("ul, ol")) {
    for (const child of list.children) if (child.tagName !== "LI") faults.push(`${child.tagName} in a list`);
  }
  const numbers = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const part = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([red, green, blue]) => 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  const ground = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const found = numbers(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0.99) return found.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement;
    const words = walk.currentNode.textContent.trim();
    if (!words || !at.checkVisibility() || at.closest("svg, .hidden, .skip, option")) continue;
    const style = getComputedStyle(at);
    const [one, two] = [light(numbers(style.color)), light(ground(at))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)}: ${words.slice(0, 40)}`);
  }
  return [...new Set(faults)];
}
