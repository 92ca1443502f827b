"use strict";
// Search, filter by verdict, and sort. Without this file everything is shown, in its own order.
for (const main of document.querySelectorAll("main")) {
  const tools = main.querySelector(".tools");
  const query = tools.querySelector("input[type=search]");
  const boxes = [...tools.querySelectorAll("input[type=checkbox]")];
  const told = tools.querySelector("output");
  const rows = [...main.querySelectorAll("[data-status]")];
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const update = () => {
    const wanted = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const statuses = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const active = wanted.length > 0 || statuses.size > 0;
    let shown = 0;
    for (const row of rows) {
      const text = words.get(row);
      row.hidden = active
        && !((statuses.size === 0 || statuses.has(row.dataset.status)) && wanted.every((word) => text.includes(word)));
      shown += row.hidden ? 0 : 1;
    }
    told.textContent = active
      ? told.dataset.shown.replace("{n}", String(shown)).replace("{of}", String(rows.length)) : "";
  };
  query.addEventListener("input", update);
  boxes.forEach((box) => box.addEventListener("change", update));
  tools.hidden = false;
  // What a link leads to must not lie under them.
  new ResizeObserver(() => main.style.setProperty("--tools", `${tools.offsetHeight + 8}px`)).observe(tools);

  for (const table of main.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
        const body = table.tBodies[0];
        const order = new Intl.Collator(main.lang, { numeric: true }).compare;
        body.append(...[...body.rows].sort((a, b) => (down ? -1 : 1) * order(key(a), key(b))));
      });
    });
  }
}
// A link to something inside a closed part opens it.
const open = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", open);
open();
// What is closed on the screen is printed as well.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
