// While an incident or a window goes on its figures run: they are fetched anew, and nothing being typed is touched.
"use strict";

const EVERY = 15000;
const PARTS = [...document.querySelectorAll("[data-live]")].map((part) => part.id);

async function refresh() {
  const part = document.querySelector("[data-part]")?.dataset.part;
  if (!part || document.hidden) return;
  const answer = await fetch(part);
  // Signed out meanwhile: the login page is not the figures.
  if (!answer.ok || answer.redirected) return;
  const sheet = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of PARTS) {
    const stale = document.getElementById(id);
    const fresh = sheet.getElementById(id);
    if (!stale || !fresh || stale.contains(document.activeElement)) continue;
    stale.replaceWith(document.adoptNode(fresh));
  }
}

if (PARTS.length) {
  setInterval(() => refresh().catch(() => {}), EVERY);
  document.addEventListener("visibilitychange", () => refresh().catch(() => {}));
}
