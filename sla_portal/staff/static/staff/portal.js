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
