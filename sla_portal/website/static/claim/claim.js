// Suggests the browser's own time zone, and says at once which file is too large. Without a script nothing is missed.
"use strict";

const zone = document.querySelector("select[data-suggest]");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && own && [...zone.options].some((option) => option.value === own)) zone.value = own;

const files = document.querySelector("input[type=file][data-largest]");
if (files) {
  files.addEventListener("change", () => {
    const large = [...files.files].some((file) => file.size > Number(files.dataset.largest));
    files.setCustomValidity(large ? files.dataset.tooLarge : "");
    files.reportValidity();
  });
}
