// Parts of a page that change are fetched again and replaced, except one in which somebody types.
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
  // The title counts what nobody has acknowledged.
  const count = Number(sheet.querySelector("[data-count]")?.dataset.count ?? 0);
  document.title = (count ? `(${count}) ` : "") + document.title.replace(/^\(\d+\) /, "");
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
