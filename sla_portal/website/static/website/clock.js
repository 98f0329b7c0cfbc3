// Offers the browser's own clock where it differs from the one that times are shown on. Without a script nothing is missed.
"use strict";

const suggestion = document.querySelector(".suggestion");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (suggestion && here) {
  const hour = (zone) => new Date().toLocaleString("en", { timeZone: zone });
  if (hour(here) !== hour(suggestion.dataset.zone)) {
    suggestion.elements.zone.value = here;
    suggestion.querySelector("b").textContent = here.split("/").pop().replaceAll("_", " ");
    suggestion.hidden = false;
  }
}
