// Updates a page in place while things happen: hears of each event (server-sent events), asks for
// the page again and takes from it the parts that are marked `data-live-part`, by their ids.
// Without this script a page is right when it is loaded.

const PATIENCE_MS = 60_000; // while nobody looks, nothing is asked for

const live = document.body.dataset.live;
const every = Number(document.body.dataset.liveEvery ?? 250);
let timer = null;
let askedAt = 0;

function soon() {
  if (timer !== null) return;
  const rest = Math.max(0, askedAt + every - performance.now());
  timer = setTimeout(again, Math.max(rest, 30));
}

async function again() {
  timer = null;
  if (document.hidden) {
    document.addEventListener("visibilitychange", soon, { once: true });
    return;
  }
  askedAt = performance.now();
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live-part]")) {
    const fresh = page.getElementById(part.id);
    if (fresh && fresh.innerHTML !== part.innerHTML && !isChosenIn(part)) replace(part, fresh);
  }
}

// Whoever is about to choose something keeps what they choose from.
function isChosenIn(part) {
  return part.contains(document.activeElement) && document.activeElement.matches("input, select");
}

// Where the keyboard is within a part: the how-manieth of its like, of its own event if it has one.
function placeOf(one, part) {
  const key = one.closest("[data-key]")?.dataset.key;
  return { text: one.outerHTML, key, nth: alike(part, one.outerHTML, key).indexOf(one) };
}

function alike(part, text, key) {
  const within = key ? part.querySelector(`[data-key="${CSS.escape(key)}"]`) : part;
  return [...(within?.querySelectorAll("a, button, summary, [tabindex]") ?? [])].filter(
    (one) => one.outerHTML === text,
  );
}

function replace(part, fresh) {
  const at = part.contains(document.activeElement) ? placeOf(document.activeElement, part) : null;
  const known = new Set([...part.querySelectorAll("[data-key]")].map((one) => one.dataset.key));
  const open = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
  const adopted = document.importNode(fresh, true);
  for (const id of open) adopted.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  for (const one of adopted.querySelectorAll("[data-key]")) {
    if (known.size && !known.has(one.dataset.key)) one.classList.add("fresh");
  }
  if (!known.size) adopted.classList.add("fresh");
  part.replaceWith(adopted);
  if (at) alike(adopted, at.text, at.key)[at.nth]?.focus({ preventScroll: true });
}

function listen() {
  const asked = new URLSearchParams();
  if (live.includes("/")) asked.set("subject", live);
  if (document.body.dataset.liveSince) asked.set("since", document.body.dataset.liveSince);
  const source = new EventSource(`/api/v1/stream?${asked}`);
  source.addEventListener("entry", soon);
  source.addEventListener("resync", soon);
  let wasOpen = false;
  source.addEventListener("ready", () => {
    document.documentElement.dataset.liveState = "on";
    if (wasOpen) soon();
    wasOpen = true;
  });
  source.addEventListener("error", () => {
    document.documentElement.dataset.liveState = "off";
    // A closed source does not come back by itself: a session may have ended meanwhile.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, PATIENCE_MS);
  });
}

if (live) listen();
