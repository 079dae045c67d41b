// The slider through a subject's past: says to which moment it points, and goes there when let go.

for (const place of document.querySelectorAll("[data-moments]")) {
  const step = place.querySelector("input[type=range]");
  const said = place.querySelector("output");
  const form = place.closest("form");
  const times = step.dataset.times?.split("|");
  step.addEventListener("input", () => {
    said.value = times?.[step.value - 1] ?? `${step.value} / ${step.max}`;
  });
  step.addEventListener("change", () => form.requestSubmit());
  for (const by of place.querySelectorAll("input[type=radio]")) {
    by.addEventListener("change", () => form.requestSubmit());
  }
}
