// What a division of the minutes is worth is asked of the server while it is typed; a whole page of claims is chosen at once.
"use strict";

const form = document.querySelector("form.recommend");
const minutes = form?.elements.namedItem("voucher_minutes");
let asked = 0;

async function refreshWorth() {
  const mine = ++asked;
  const answer = await fetch(`${form.dataset.part}&voucher_minutes=${encodeURIComponent(minutes.value)}`);
  // Signed out meanwhile: the login page is not the worth. A later question has gone out: its answer counts.
  if (!answer.ok || answer.redirected || mine !== asked) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("worth");
  const stale = form.querySelector("[data-worth]");
  if (fresh && stale) stale.replaceWith(document.adoptNode(fresh));
}

minutes?.addEventListener("input", () => refreshWorth().catch(() => {}));

// The decision and the proof are as high as there is room below the top of the window, so that their last line is in view.
const panels = document.querySelectorAll(".claim-decision, .claim-proof");

function fit() {
  for (const panel of panels) {
    const top = Math.max(panel.getBoundingClientRect().top, 8);
    const stays = getComputedStyle(panel).position === "sticky";
    panel.style.maxHeight = stays ? `${Math.max(window.innerHeight - top - 8, 240)}px` : "";
  }
}
if (panels.length) {
  fit();
  for (const moved of ["scroll", "resize"]) window.addEventListener(moved, fit, { passive: true });
}

for (const head of document.querySelectorAll("th[data-choose-all]")) {
  const boxes = [...head.closest("table").querySelectorAll('td.choose input[type="checkbox"]')];
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", head.dataset.chooseAll);
  all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
  head.append(all);
}
