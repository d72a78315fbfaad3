// SPDX-License-Identifier: Apache-2.0
// Which values of the axes are shown, and how many points that leaves.
function countText() {
  const mine = points.filter(shown);
  const best = mine.filter((point) => point.front).length;
  const results = mine.filter((point) => point.status === "done").length;
  return `${mine.length.toLocaleString("en")} of ${points.length.toLocaleString("en")} points shown, ` +
    `${results.toLocaleString("en")} with a result, ${best.toLocaleString("en")} on the front`;
}
function chip(text, on, toggle) {
  return el("button", { type: "button", class: "chip", "aria-pressed": String(on), onclick: () => { toggle(); draw("filter"); } }, text);
}
function flip(set, value) {
  if (!set.delete(value)) set.add(value);
}
part("filter", ["filter"], () => {
  const rows = varying.map((i) => {
    const axis = data.axes[i];
    const chips = axis.values.map((v, n) => chip(cell(v), !state.hidden[i].has(n), () => flip(state.hidden[i], n)));
    return el("div", { class: "chips" }, el("span", { title: axis.pointer }, axis.name), el("div", {}, ...chips));
  });
  const tiers = [...new Set(points.map((point) => point.tier))];
  if (tiers.length > 1) {
    const chips = tiers.map((tier) => chip(tier, !state.tiers.has(tier), () => flip(state.tiers, tier)));
    rows.push(el("div", { class: "chips" }, el("span", {}, "tier"), el("div", {}, ...chips)));
  }
  const brushed = [...state.ranges.keys()].map((dimension) =>
    chip(`${dimension.name}: drawn range ×`, true, () => state.ranges.delete(dimension)));
  if (brushed.length) rows.push(el("div", { class: "chips" }, el("span", {}, "drawn"), el("div", {}, ...brushed)));
  const reset = el("button", { type: "button", id: "reset", onclick: () => {
    state.hidden.forEach((values) => values.clear());
    state.tiers.clear();
    state.ranges.clear();
    draw("filter");
  } }, "Show all");
  return [...rows, el("p", { class: "count" }, el("output", { id: "shown" }, countText()), " ", reset)];
});
