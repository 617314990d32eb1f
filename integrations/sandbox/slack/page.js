// News every second, and forms that are sent without leaving the page. What is typed stays.
"use strict";

const EVERY_MS = 1000;
const PARTS = ["places", "talk", "prompts", "modal"];
const { as, in: place } = document.body.dataset;
const shown = new Map();
let latest = 0;

const talk = document.getElementById("talk");
let left = 0;

// The end of the conversation; of a message that is higher than the window its beginning.
function follow() {
  const last = [...talk.querySelectorAll(".message")].pop();
  const end = talk.scrollHeight - talk.clientHeight;
  const top = last ? last.getBoundingClientRect().top - talk.getBoundingClientRect().top + talk.scrollTop : end;
  talk.scrollTop = Math.min(end, top - 12);
  left = talk.scrollTop;
}

function isFollowing() {
  const isAtEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
  return talk.classList.contains("talk") && (isAtEnd || Math.abs(talk.scrollTop - left) < 2);
}

function tell(words, form) {
  const near = form?.closest("dialog")?.querySelector("[role=alert]");
  (near || document.getElementById("notice")).textContent = words;
}

// ---- keeping what a person is doing

function keep(old) {
  const typed = [...old.querySelectorAll("textarea[id], select")].map((e) => [e.id || e.name, e.value]);
  const open = [...old.querySelectorAll("details[data-keep]")].map((e) => [e.dataset.keep, e.open]);
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  return { typed, open, held, place: held?.selectionStart };
}

function giveBack(fresh, kept) {
  for (const field of fresh.querySelectorAll("textarea[id], select")) {
    const found = kept.typed.find(([name]) => name === (field.id || field.name));
    if (found) field.value = found[1];
  }
  for (const each of fresh.querySelectorAll("details[data-keep]")) {
    const found = kept.open.find(([name]) => name === each.dataset.keep);
    if (found) each.open = found[1];
  }
  if (!kept.held) return;
  const again = alike(fresh, kept.held);
  again.focus({ preventScroll: true });
  if (kept.place !== undefined && again.setSelectionRange) again.setSelectionRange(kept.place, kept.place);
}

function alike(fresh, held) {
  if (held.id) return fresh.querySelector(`[id="${CSS.escape(held.id)}"]`) || fresh;
  const same = [...fresh.querySelectorAll(held.tagName)].find(
    (each) => each.value === held.value && each.textContent === held.textContent,
  );
  return same || fresh.querySelector("a") || fresh;
}

// ---- taking the news

function patch(part, news) {
  const wanted = [...news.children];
  const names = new Set(wanted.map((each) => each.id));
  for (const old of [...part.children]) {
    if (!names.has(old.id)) leave(old);
  }
  let isNew = false;
  wanted.forEach((each, index) => {
    const source = each.outerHTML;
    const old = document.getElementById(each.id);
    if (old && shown.get(each.id) === source) return;
    shown.set(each.id, source);
    isNew = true;
    if (!old) part.insertBefore(each, part.children[index] || null);
    else if (old.tagName !== "DIALOG") swap(old, each);
    if (each.tagName === "DIALOG" && each.isConnected) each.showModal();
  });
  return isNew;
}

function swap(old, fresh) {
  const kept = keep(old);
  old.replaceWith(fresh);
  giveBack(fresh, kept);
}

function leave(old) {
  shown.delete(old.id);
  const wasModal = old.tagName === "DIALOG";
  old.remove();
  if (wasModal) talk.focus({ preventScroll: true });
}

async function refresh() {
  const number = ++latest;
  const address = new URLSearchParams({ as, in: place });
  const answer = await fetch(`/page/fragment?${address}`);
  const text = await answer.text();
  if (number !== latest) return;
  const news = new DOMParser().parseFromString(text, "text/html");
  const wasFollowing = isFollowing();
  const changed = PARTS.filter((name) => patch(document.getElementById(name), news.getElementById(name)));
  if (wasFollowing && changed.includes("talk")) follow();
}

async function watch() {
  try {
    await refresh();
    if (document.body.classList.contains("alone")) tell("");
    document.body.classList.remove("alone");
  } catch {
    document.body.classList.add("alone");
    tell("The simulator does not answer. Start it again and reload this page.");
  }
  setTimeout(watch, EVERY_MS);
}

// ---- what a person does

async function post(address, fields, form) {
  fields.set("as", as);
  fields.set("in", place);
  try {
    const answer = await fetch(address, { method: "POST", body: new URLSearchParams(fields) });
    tell(answer.ok ? "" : await answer.text(), form);
    return answer.ok;
  } catch {
    tell("That was not sent: the simulator does not answer.", form);
    return false;
  }
}

async function send(form, button) {
  const fields = new FormData(form, button);
  form.setAttribute("aria-busy", "true");
  const box = form.querySelector("textarea");
  const address = button?.getAttribute("formaction") || form.getAttribute("action");
  const isDone = await post(address, fields, form);
  form.removeAttribute("aria-busy");
  if (!isDone) return;
  if (box && form.classList.contains("write")) {
    box.value = "";
    if (box.id === "composer") left = talk.scrollTop;
  }
  form.closest("details.more")?.removeAttribute("open");
  await refresh();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") !== "true") send(form, event.submitter);
});

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("form.write");
  if (form && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
  if (event.key === "Escape") event.target.closest?.("details.more")?.removeAttribute("open");
});

document.addEventListener(
  "cancel",
  (event) => {
    if (event.target.tagName !== "DIALOG") return;
    event.preventDefault();
    post("/page/dismiss", new FormData(), null).then(refresh);
  },
  true,
);

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.more[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

for (const name of PARTS) document.getElementById(name).replaceChildren();
post("/page/open", new FormData(), null).then(watch);
