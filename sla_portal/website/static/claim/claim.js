// Suggests the browser's time zone, and names a file that is too large.
"use strict";

const zone = document.querySelector("select[data-suggest]");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && own && [...zone.options].some((option) => option.value === own)) zone.value = own;

for (const files of document.querySelectorAll("input[type=file][data-largest]")) {
  files.addEventListener("change", () => {
    const large = [...files.files].find((file) => file.size > Number(files.dataset.largest));
    files.setCustomValidity(large ? `${large.name}: ${files.dataset.tooLarge}` : "");
    files.reportValidity();
  });
}
