// Hides the rows of a page that lack the words typed. Without it every page is whole.
"use strict";

const plain = (text) => text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();

for (const box of document.querySelectorAll("[data-filter]")) {
  const input = box.querySelector("input");
  const status = box.querySelector("[role=status]");
  const rows = [...document.querySelectorAll("[data-row]")].map((row) => [row, plain(row.textContent)]);
  const groups = [...document.querySelectorAll("[data-group], table.decision tbody")].reverse();
  box.hidden = false;
  input.addEventListener("input", () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const [row, text] of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      found += row.hidden ? 0 : 1;
    }
    for (const group of groups) {
      group.hidden = !group.querySelector("[data-row]:not([hidden])");
    }
    for (const folded of document.querySelectorAll("details.mode")) {
      folded.open ||= words.length > 0;
    }
    status.textContent = words.length ? (found ? `${found} / ${rows.length}` : status.dataset.none) : "";
  });
}
