// Nothing typed is lost: forms keep their key when the reader goes back, and their text when the language or the clock changes.
"use strict";

const forms = [...document.querySelectorAll('form[method="post"]')].filter((form) => form.elements.desk_form);

// Who goes back to a page may get it anew, with what was typed put back by the browser. The form is still the one that was
// sent: it keeps its key, and is not saved again.
const keys = Object.fromEntries(
  forms.flatMap((form, place) => {
    const alike = forms.slice(0, place).filter((other) => other.getAttribute("action") === form.getAttribute("action")).length;
    return ["desk_form", "key"]
      .map((name) => form.elements.namedItem(name))
      .filter((field) => field instanceof HTMLInputElement)
      .map((field) => [`${field.name} ${alike} ${form.getAttribute("action")}`, field]);
  }),
);
const [arrival] = performance.getEntriesByType("navigation");
const before = arrival?.type === "back_forward" ? history.state?.keys : null;
for (const [name, field] of Object.entries(keys)) if (before?.[name]) field.value = before[name];
const now = Object.fromEntries(Object.entries(keys).map(([name, field]) => [name, field.value]));
history.replaceState({ ...history.state, keys: now }, "");

// A change of language or time zone loads the page anew: the server keeps what is typed meanwhile.
const changed = (field) =>
  field.type === "hidden" || field.type === "submit" || field.type === "button"
    ? false
    : field.type === "checkbox" || field.type === "radio"
      ? field.checked !== field.defaultChecked
      : field.options
        ? [...field.options].some((option) => option.selected !== option.defaultSelected) && field.value !== ""
        : field.type !== "file" && field.value !== field.defaultValue;
const begun = (form) =>
  "typed" in form.dataset || form.querySelector('[aria-invalid="true"], .errorlist') || [...form.elements].some(changed);

async function keep() {
  const address = document.querySelector("form[data-keep]").dataset.keep;
  for (const form of forms.filter(begun)) {
    const typed = new FormData(form);
    for (const [name, value] of [...typed]) if (value instanceof File) typed.delete(name);
    await fetch(`${address}?to=${encodeURIComponent(new URL(form.getAttribute("action") ?? "", location.href).pathname)}`, { method: "POST", body: typed });
  }
}

for (const place of document.querySelectorAll("[data-switch]")) {
  place.addEventListener(place.tagName === "FORM" ? "submit" : "click", (event) => {
    if (!forms.some(begun)) return;
    event.preventDefault();
    dispatchEvent(new Event("typed-kept"));
    const { submitter } = event;
    const go = () => {
      if (place.tagName !== "FORM") return location.assign(place.href);
      const said = document.createElement("input");
      Object.assign(said, { type: "hidden", name: submitter.name, value: submitter.value });
      place.append(said);
      place.submit();
    };
    keep().then(go, go);
  });
}

// A refusal stands at the field, in view and focused; where the field itself cannot be focused, what stands for it is.
const wrong = document.querySelector('[aria-invalid="true"], .errors input, .errors select, .errors textarea, .errornote');
function showWrong() {
  const inView = (field) => field.offsetParent !== null && field.type !== "hidden";
  const all = [...document.querySelectorAll('[aria-invalid="true"], .errors :is(input, select, textarea)')].filter(inView);
  const first = all.find((field) => field.autofocus) ?? all[0] ?? document.querySelector(".errornote");
  if (first) {
    first.focus({ preventScroll: true });
    (first.closest(".form-row, fieldset, .card") ?? first).scrollIntoView({ block: "nearest" });
    first.scrollIntoView({ block: "center" });
  }
}
if (wrong) {
  showWrong();
  // A form that comes back to a place of the page has its own focus taken away when the browser goes there.
  if (location.hash) window.addEventListener("load", () => setTimeout(showWrong));
}
