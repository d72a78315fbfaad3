// SPDX-License-Identifier: Apache-2.0
// Tables that are made here: sorted by a click, a part of the rows at a time.
const MOST_ROWS = 200;
// `columns`: {name, value(row), show(row)?, number?}; `more`: {id, pick(row)?, kind(row)?, sort?}.
function makeTable(columns, rows, more = {}) {
  const memory = more.memory ?? {};
  memory.most ??= MOST_ROWS;
  const holder = el("div", { class: "scroll tall" });
  const fill = () => {
    let sorted = rows;
    if (memory.sort !== undefined) {
      const { value } = columns[memory.sort], sign = memory.down ? -1 : 1;
      const last = (v) => v === null || v === undefined;
      sorted = [...rows].sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        return last(x) || last(y) ? Number(last(x)) - Number(last(y)) : sign * before(x, y);
      });
    }
    const heads = columns.map((column, i) => {
      const sort = () => {
        memory.down = memory.sort === i ? !memory.down : Boolean(column.number);
        memory.sort = i;
        fill();
      };
      const way = memory.sort === i ? (memory.down ? "descending" : "ascending") : undefined;
      return el("th", { class: column.number ? "n" : undefined, tabindex: 0, "aria-sort": way, onclick: sort,
        onkeydown: (event) => { if (event.key === "Enter") sort(); } }, column.name);
    });
    const lines = sorted.slice(0, memory.most).map((row) => {
      const cells = columns.map((column) => el("td", { class: column.number ? "n" : undefined }, column.show ? column.show(row) : cell(column.value(row))));
      return el("tr", { class: more.kind?.(row), onclick: more.pick ? () => more.pick(row) : undefined }, ...cells);
    });
    const left = sorted.length - lines.length;
    const button = left > 0 ? el("button", { type: "button", onclick: () => { memory.most *= 5; fill(); } }, `${left.toLocaleString("en")} more rows`) : "";
    holder.replaceChildren(el("table", { id: more.id, class: "sorted" }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...lines)), button);
  };
  fill();
  return holder;
}
const memoryOfPoints = {};
part("points", ["filter", "choose"], () => {
  const mine = points.filter(shown);
  const columns = [
    { name: "id", value: (p) => p.id, number: true },
    { name: "front", value: (p) => (p.front ? "front" : "") },
    { name: "tier", value: (p) => p.tier },
    { name: "status", value: (p) => p.status },
    ...data.axes.map((axis, i) => ({ name: axis.name, value: (p) => valueOfAxis(p, i), number: axis.numbers })),
    ...data.objectives.map((objective, i) => ({ name: objective.name, value: (p) => p.values[i], number: true })),
    { name: "reason", value: (p) => p.reason ?? "" },
  ];
  const kind = (p) => (p === state.chosen ? "chosen" : p === state.baseline ? "base" : undefined);
  return [el("p", { class: "count" }, countText()), makeTable(columns, mine, { id: "points-table", pick: choose, kind, memory: memoryOfPoints })];
});
