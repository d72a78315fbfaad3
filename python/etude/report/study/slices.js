// SPDX-License-Identifier: Apache-2.0
// Points that differ from the chosen one in one axis alone.
let sliced = 0; // number of the objective
// Where a screening ran, its tier has them all: then all values of a slice are that tier's.
const screened = points.some((point) => point.model);
const valuesOf = (point) => (screened && point.tier !== "model" ? point.model ?? point.values.map(() => null) : point.values);
function slice(i, objective) {
  const mine = state.chosen, others = done.filter((p) => valuesOf(p)[objective] !== null && p.axes.every((v, n) => n === i || v === mine.axes[n]));
  if (others.length < 2) return null;
  others.sort((a, b) => a.axes[i] - b.axes[i]);
  const axis = data.axes[i], width = 330, height = 190, left = 70, bottom = height - 42, top = 26;
  let low = Math.min(...others.map((p) => valuesOf(p)[objective])), high = Math.max(...others.map((p) => valuesOf(p)[objective]));
  const margin = 0.1 * (high - low) || Math.abs(high) * 0.04 || 1;
  low -= margin;
  high += margin;
  const right = (p) => left + 16 + (p.axes[i] / (axis.values.length - 1)) * (width - left - 40);
  const down = (p) => bottom - ((valuesOf(p)[objective] - low) / (high - low)) * (bottom - top);
  const chart = picture(width, height, `${data.objectives[objective].name} over ${axis.name}`);
  chart.setAttribute("class", "slice");
  chart.append(label(left, 14, axis.name, "start", { fill: INK, "font-weight": 600 }));
  for (const tick of ticks(low, high, 4)) {
    const y = bottom - ((tick - low) / (high - low)) * (bottom - top);
    chart.append(svg("path", { d: `M${left} ${y}H${width - 8}`, stroke: GRID }), label(left - 6, y + 4, four(tick), "end"));
  }
  chart.append(svg("path", { d: others.map((p, n) => `${n ? "L" : "M"}${right(p)} ${down(p)}`).join(""), stroke: OTHER, fill: "none", "stroke-width": 1.5 }));
  const room = (width - left - 40) / Math.max(1, axis.values.length - 1);
  let end = -Infinity;
  for (const p of others) {
    const text = shorten(cell(valueOfAxis(p, i)), Math.max(room, 60)), half = text.length * 3.4;
    if (right(p) - half > end) {
      chart.append(under(right(p), bottom + 17, text, width));
      end = right(p) + half + 4;
    }
    const dot = svg("circle", { cx: right(p), cy: down(p), r: p === mine ? 6 : 4, fill: p === mine ? CHOSEN : p.front ? BEST : OTHER });
    dot.addEventListener("pointermove", (event) => tell(event, `${words(p)}\n${change(valuesOf(p)[objective], valuesOf(mine)[objective])} of the chosen`));
    dot.addEventListener("pointerleave", (event) => tell(event, ""));
    dot.addEventListener("click", () => choose(p));
    chart.append(dot);
  }
  return chart;
}
part("slices", ["choose"], () => {
  if (!state.chosen || state.chosen.status !== "done") return [el("p", {}, "The chosen point has no result.")];
  const charts = varying.map((i) => [data.axes[i].name, slice(i, sliced)]);
  const without = charts.filter(([, chart]) => !chart).map(([name]) => name);
  const options = data.objectives.map((o, i) => el("option", { value: i, selected: i === sliced }, o.name));
  const pick = el("select", { "aria-label": "objective", onchange: (e) => { sliced = Number(e.target.value); draw("choose"); } }, ...options);
  return [
    el("div", { class: "pick" }, el("label", {}, "objective ", pick)),
    screened ? el("p", { class: "count" }, "In the model tier, which every point ran in.") : null,
    el("div", { class: "small" }, ...charts.map(([, chart]) => chart).filter(Boolean)),
    without.length ? el("p", { class: "count" }, `No point of the study differs from point ${state.chosen.id} in ${without.join(", ")} alone.`) : null,
  ];
});
