// Filters the ticket grid and opens tickets from the packed transcripts. Nothing is fetched.
"use strict";
(() => {
  const rows = [...document.querySelectorAll("#grid tbody tr")];
  const mode = document.getElementById("mode");
  const words = document.getElementById("words");
  const category = document.getElementById("category");
  const shown = document.getElementById("shown");
  if (!mode) return;

  const filter = () => {
    const wanted = words.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const keep =
        (!mode.value || row.dataset.modes.split(" ").includes(mode.value)) &&
        (!category.value || row.dataset.category === category.value) &&
        (!wanted || row.dataset.words.includes(wanted));
      row.hidden = !keep;
      count += keep;
    }
    shown.textContent = `${count} of ${rows.length} tickets`;
  };
  for (const field of [mode, words, category]) field.addEventListener("input", filter);
  filter();

  let unpacked = null;
  const transcripts = () => {
    unpacked ??= (async () => {
      const text = document.getElementById("packed").textContent.trim();
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      return JSON.parse(await new Response(stream).text());
    })();
    return unpacked;
  };

  const make = (tag, text, cls) => {
    const node = document.createElement(tag);
    if (text !== undefined && text !== null) node.textContent = text;
    if (cls) node.className = cls;
    return node;
  };

  const criterion = ([id, verdict, failed, reason, quote, by]) => {
    const item = make("li", `${failed ? "✗" : verdict === "unscored" ? "?" : "✓"} ${id} (${by}): ${reason} `);
    if (failed) item.className = "failed";
    if (quote) item.append(make("q", quote));
    return item;
  };

  const side = (system) => {
    const box = make("div", null, "side");
    box.append(make("h3", system.score === null ? system.name : `${system.name}: ${system.score.toFixed(1)}`));
    if (system.error) box.append(make("p", system.error, "warn"));
    for (const turn of system.turns) {
      box.append(make("div", turn.said, "said"), make("div", turn.reply || "(nothing)", "reply"));
      const parts = [turn.end || "no disposition", turn.queue && `to ${turn.queue}`, turn.sources.length && `sources ${turn.sources.join(", ")}`];
      box.append(make("p", parts.filter(Boolean).join("; "), "fine"));
    }
    if (system.why) box.append(make("p", system.why));
    const list = make("ul", null, "crit");
    list.append(...system.criteria.map(criterion));
    box.append(list);
    return box;
  };

  const dialog = document.getElementById("ticket");
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.open");
    if (!button) return;
    const data = (await transcripts())[button.dataset.case];
    const body = document.getElementById("ticket-body");
    body.replaceChildren(make("h2", button.dataset.case), make("p", `${data.label}; asked by ${data.asker}`, "fine"));
    body.append(make("p", `Expected: ${data.expected}. ${data.evidence}`), make("p", `A good colleague: ${data.reference}`));
    if (data.planted) body.append(make("p", `Planted: ${data.planted}`, "warn"));
    const sides = make("div", null, "sides");
    sides.append(...data.systems.map(side));
    body.append(sides);
    dialog.showModal();
  });
  document.getElementById("close").addEventListener("click", () => dialog.close());
})();
