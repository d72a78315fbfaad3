// SPDX-License-Identifier: Apache-2.0
"use strict";
// Tables whose columns can be sorted, and the search of layers.
function valueOf(row, column) {
  const text = row.cells[column].textContent;
  const number = parseFloat(text.replaceAll(",", ""));
  return Number.isNaN(number) ? text.toLowerCase() : number;
}
function before(a, b) {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
for (const table of document.querySelectorAll("table.sorted")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.tabIndex = 0;
    const sort = () => {
      const numbers = head.classList.contains("n");
      const down = head.ariaSort ? head.ariaSort === "ascending" : numbers;
      for (const other of heads) other.ariaSort = null;
      head.ariaSort = down ? "descending" : "ascending";
      const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
      rows.sort((x, y) => (down ? before(y[0], x[0]) : before(x[0], y[0])));
      body.append(...rows.map(([, row]) => row));
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
}
const search = document.getElementById("search");
if (search) {
  const rows = [...document.getElementById("layers").tBodies[0].rows];
  const words = rows.map((row) => [0, 1, 2, 3].map((i) => row.cells[i].textContent).join(" ").toLowerCase());
  const all = rows.reduce((sum, row) => sum + valueOf(row, 4), 0) || 1;
  const show = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0, cycles = 0, energy = 0;
    rows.forEach((row, i) => {
      row.hidden = !wanted.every((word) => words[i].includes(word));
      if (row.hidden) return;
      count += 1;
      cycles += valueOf(row, 4);
      energy += valueOf(row, 8);
    });
    document.getElementById("found").textContent =
      `${count} of ${rows.length} layers: ${cycles.toLocaleString("en")} cycles, ${((100 * cycles) / all).toFixed(1)} % of the step, ` +
      `${energy.toFixed(1)} µJ`;
  };
  search.addEventListener("input", show);
  show();
}
