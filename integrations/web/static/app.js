// Comfort only: without this script every form still works.
"use strict";

for (const part of document.querySelectorAll(".with-script")) part.hidden = false;

// The newest reply takes the focus, so that a screen reader reads it and the next Tab leads into it.
document.addEventListener("htmx:load", (event) => {
  const loaded = event.detail.elt;
  if (!loaded.matches || !loaded.matches("[data-focus]")) return;
  loaded.focus({ preventScroll: true });
  loaded.scrollIntoView({ block: "start" });
});

// What was sent leaves the box and the welcome makes room; what was refused stays.
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful || event.detail.requestConfig.verb !== "post") return;
  const welcome = document.getElementById("welcome");
  if (welcome) {
    const heading = welcome.querySelector("h1");
    heading.className = "visually-hidden";
    welcome.replaceWith(heading);
  }
  if (event.target.matches("#composer")) document.getElementById("text").value = "";
  const newest = document.getElementById("conversation").lastElementChild;
  if (newest) newest.scrollIntoView({ block: "nearest" });
});

// No answer at all: say so instead of staying silent.
document.addEventListener("htmx:sendError", () => {
  const place = document.getElementById("form-problem");
  if (place) place.textContent = "The server does not answer. Your message was not sent; try again in a moment.";
});

document.addEventListener("htmx:sseError", (event) => {
  const status = event.target.querySelector && event.target.querySelector(".status");
  if (status) status.textContent = "The connection was lost. Trying again; your message is recorded.";
});

const box = document.getElementById("text");
if (box) {
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    box.form.requestSubmit();
  });
}

// After a full page load: bring the reply that the address names into view and focus.
if (window.location.hash.startsWith("#turn-")) {
  const turn = document.getElementById(decodeURIComponent(window.location.hash.slice(1)));
  if (turn) turn.focus();
}
