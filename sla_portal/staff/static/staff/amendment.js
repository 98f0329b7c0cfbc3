// While a draft is typed its redline follows, and nobody leaves the page with something unsaved unasked.
"use strict";

const AFTER = 1200;
const form = document.getElementById("draft");
const mark = form.querySelector(".unsaved-mark");
let typed = document.querySelector("[data-unsaved]") !== null;
let waiting;

function noted() {
  typed = true;
  mark.hidden = false;
  clearTimeout(waiting);
  waiting = setTimeout(() => follow().catch(() => {}), AFTER);
}

async function follow() {
  const told = new FormData(form);
  told.set("do", "preview");
  const answer = await fetch(form.action, { method: "POST", body: told });
  form.querySelector(".changed-mark").hidden = answer.status !== 409;
  // Refused or signed out: the page says so when it is saved.
  if (!answer.ok || answer.redirected) return;
  const sheet = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of [".clause-redline", ".term-means"]) {
    const stale = form.querySelectorAll(part);
    const fresh = sheet.querySelectorAll(part);
    // A clause that was removed stands in a row of its own: it shows after saving.
    if (stale.length !== fresh.length) continue;
    stale.forEach((one, place) => one.replaceWith(document.adoptNode(fresh[place])));
  }
}

// A marker goes where the cursor was last in a wording or summary.
let field;
form.addEventListener("focusin", (event) => {
  if (event.target.matches("textarea[name^=clauses-]")) field = event.target;
});
form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-marker]");
  if (!button) return;
  const own = button.closest(".clause-edit");
  if (own && !own.contains(field)) field = own.querySelector("textarea");
  if (!field) return;
  const marker = button.dataset.marker;
  field.setRangeText(marker, field.selectionStart, field.selectionEnd, "end");
  field.focus();
  noted();
});

form.addEventListener("input", noted);
form.addEventListener("submit", () => {
  typed = false;
});
addEventListener("typed-kept", () => {
  typed = false;
});
addEventListener("beforeunload", (event) => {
  if (typed) event.preventDefault();
});
