// What pages do better with a script and do without where there is none.
"use strict";

// The clocks of the strip run; their zones are in data-clock.
const clocks = document.querySelectorAll("time[data-clock]");
// The server's clock counts, whatever this device thinks.
const ahead = clocks.length ? new Date(clocks[0].dateTime) - Date.now() : 0;

function told(now, zone) {
  // Swedish writes a date and time as the portal does: 2026-09-10 01:02:03.
  return new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: zone }).format(now);
}

function tick() {
  const now = new Date(Date.now() + ahead);
  for (const clock of clocks) clock.textContent = told(now, clock.dataset.clock);
  // A page may fetch some of these anew.
  for (const time of document.querySelectorAll("time[data-since], time[data-until]")) {
    const { since, until } = time.dataset;
    const seconds = Math.max(0, Math.floor((since ? now - new Date(since) : new Date(until) - now) / 1000));
    const pad = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    time.textContent = `${hours ? hours + ":" : ""}${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  }
}
if (clocks.length || document.querySelector("time[data-since], time[data-until]")) {
  tick();
  setInterval(tick, 1000);
}

// On a phone the navigation folds away; without a script it stays open.
const fold = document.querySelector(".fold");
if (fold) {
  document.documentElement.classList.add("foldable");
  fold.hidden = false;
  fold.addEventListener("click", () => {
    const open = fold.getAttribute("aria-expanded") !== "true";
    fold.setAttribute("aria-expanded", String(open));
  });
}

// A menu closes when the reader turns elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Select2 draws its own box, once jQuery is ready, and forgets the label's words.
window.django?.jQuery?.(() => {
  for (const box of document.querySelectorAll(".select2-selection")) {
    const select = box.closest(".select2").previousElementSibling;
    const name = document.querySelector(`label[for="${select.id}"]`).textContent.trim();
    for (const part of [box, box.querySelector(".select2-selection__rendered")]) part.setAttribute("aria-label", name);
  }
});

// The first field of a form that is there to be filled in; where something is refused, the error comes first.
const toFill = document.querySelector("form[data-focus-first]");
if (toFill && !document.querySelector(".errornote, .errorlist") && !location.hash) {
  [...toFill.elements].find((field) => field.matches("input, select, textarea") && field.offsetParent)?.focus();
}

// Keyboard shortcuts: elements name theirs in aria-keyshortcuts. Off while typing, and for readers who turned them off.
const shortcuts = document.getElementById("shortcuts");
const OFF = "shortcuts-off";

function typing(field) {
  return field.isContentEditable || field.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=submit])");
}

function openShortcuts() {
  const list = shortcuts.querySelector("dl");
  list.replaceChildren();
  for (const element of document.querySelectorAll("[aria-keyshortcuts]")) {
    const key = document.createElement("dt");
    const name = document.createElement("dd");
    key.append(Object.assign(document.createElement("kbd"), { textContent: element.getAttribute("aria-keyshortcuts") }));
    name.textContent = element.dataset.keyName ?? element.textContent.trim();
    list.append(key, name);
  }
  shortcuts.showModal();
}

if (shortcuts) {
  const active = document.getElementById("shortcuts-on");
  active.checked = !localStorage.getItem(OFF);
  active.addEventListener("change", () => {
    if (active.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
  const opener = document.querySelector("[data-opens=shortcuts]");
  opener.hidden = false;
  opener.addEventListener("click", openShortcuts);
  document.addEventListener("keydown", (event) => {
    if (!active.checked || shortcuts.open || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target)) return;
    const named = [...document.querySelectorAll("[aria-keyshortcuts]")];
    const element = named.find((one) => one.getAttribute("aria-keyshortcuts") === event.key);
    if (!element) return;
    event.preventDefault();
    if (element === opener) openShortcuts();
    else if (element.matches("a")) element.click();
    else element.focus();
  });
}
