// The slider through a subject's past: says to which moment it points, and goes there when let go.
// What is heard of is heard for the page: the slider is another one when something happened.

function placeOf(event) {
  return event.target.closest("[data-moments]");
}

document.addEventListener("input", (event) => {
  const place = placeOf(event);
  if (!place || event.target.type !== "range") return;
  const step = event.target;
  const times = step.dataset.times?.split("|");
  place.querySelector("output").value = times?.[step.value - 1] ?? `${step.value} / ${step.max}`;
});
document.addEventListener("change", (event) => placeOf(event)?.closest("form").requestSubmit());
