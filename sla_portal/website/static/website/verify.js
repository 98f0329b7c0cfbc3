// Hashes a file in the browser and sends its SHA-256 alone. Without a script, or without crypto.subtle (plain http), the hash is typed.
"use strict";

const form = document.querySelector(".by-file");
const drop = form.querySelector(".drop");
const file = drop.querySelector("input");
const failed = drop.querySelector("[role=alert]");

async function verify(chosen) {
  failed.hidden = true;
  try {
    const hash = await crypto.subtle.digest("SHA-256", await chosen.arrayBuffer());
    form.elements.sha256.value = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    form.requestSubmit();
  } catch {
    failed.textContent = form.dataset.failed;
    failed.hidden = false;
  }
}

if (globalThis.crypto && crypto.subtle) {
  drop.hidden = false;
  file.addEventListener("change", () => file.files.length && verify(file.files[0]));
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) verify(event.dataTransfer.files[0]);
  });
}
