// SPDX-License-Identifier: Apache-2.0
// Parallel coordinates: one upright line per axis and objective.
const MOST_LINES = 3000; // of points that are not on the front
part("parallel", ["filter", "choose"], (width) => {
  const last = dimensions.length - 1, length = (i) => 7 * titleOf(dimensions[i]).length + 8; // of a title, sideways
  const pitch = Math.max(74, (width - 48 - length(last)) / Math.max(1, last));
  const end = Math.max(...dimensions.map((_, i) => length(i) - (last - i) * pitch));
  const wide = 40 + pitch * last + Math.max(40, end), top = Math.ceil(30 + 0.46 * Math.max(...dimensions.map((_, i) => length(i))));
  const height = top + 330, bottom = height - 16;
  const chart = picture(Math.max(width, Math.ceil(wide)), height, "Every point across all axes and objectives");
  chart.id = "parallel-chart";
  const right = dimensions.map((_, i) => 40 + i * pitch);
  const down = (dimension, point) => bottom - dimension.at(point) * (bottom - top);
  const line = (point) => dimensions.map((d, i) => `${i ? "L" : "M"}${right[i].toFixed(1)} ${down(d, point).toFixed(1)}`).join("");
  const some = (list) => list.filter((_, i) => i % Math.ceil(list.length / MOST_LINES) === 0);
  const mine = done.filter(shown);
  const kinds = [
    ["out", some(done.filter((p) => !shown(p))), FAINT, 1, 0.7],
    ["others", some(mine.filter((p) => !p.front)), OTHER, 1, 0.45],
    ["best", mine.filter((p) => p.front), BEST, 1.4, done.filter((p) => p.front).length > 30 ? 0.5 : 0.8],
    ["base", state.baseline ? [state.baseline] : [], BASE, 2.4, 1],
    ["chosen", state.chosen ? [state.chosen] : [], CHOSEN, 2.6, 1],
  ];
  for (const [kind, list, colour, size, opacity] of kinds) {
    const path = svg("path", { d: list.map(line).join(""), stroke: colour, "stroke-width": size, "stroke-opacity": opacity, fill: "none" });
    path.setAttribute("class", kind);
    chart.append(path);
  }
  dimensions.forEach((dimension, i) => {
    const x = right[i], name = `translate(${x} ${top - 14}) rotate(-24)`;
    chart.append(svg("path", { d: `M${x} ${top}V${bottom}`, stroke: INK }));
    const title = svg("text", { transform: name, fill: INK, "font-weight": 600 }, titleOf(dimension));
    chart.append(title);
    for (const [place, text] of dimension.marks) {
      const y = bottom - place * (bottom - top);
      const mark = label(x + 5, y + 4, shorten(text, pitch - 12), "start", { "font-size": 11, class: "halo" });
      chart.append(svg("path", { d: `M${x - 3} ${y}H${x + 3}`, stroke: INK }), mark);
    }
    const range = state.ranges.get(dimension);
    if (range) {
      const [low, high] = range.map((place) => bottom - place * (bottom - top));
      chart.append(svg("rect", { x: x - 7, y: high, width: 14, height: Math.max(3, low - high), fill: CHOSEN, "fill-opacity": 0.25, stroke: CHOSEN }));
    }
  });
  const box = svg("rect", { fill: CHOSEN, "fill-opacity": 0.15, stroke: CHOSEN, visibility: "hidden" });
  chart.append(box);
  const nearest = (x) => right.reduce((best, at, i) => (Math.abs(at - x) < Math.abs(right[best] - x) ? i : best), 0);
  const place = (y) => Math.min(1, Math.max(0, (bottom - y) / (bottom - top)));
  drags(chart, (to, from) => {
    chart.style.cursor = "ns-resize";
    if (!from) return;
    const x = right[nearest(from[0])], shape = { x: x - 7, width: 14, y: Math.min(from[1], to[1]), height: Math.abs(from[1] - to[1]) };
    for (const [name, value] of Object.entries({ ...shape, visibility: "visible" })) box.setAttribute(name, value);
  }, (from, to) => {
    const dimension = dimensions[nearest(from[0])];
    setRange(dimension, [place(from[1]), place(to[1])].sort((a, b) => a - b));
    draw("filter");
  }, (at) => {
    const dimension = dimensions[nearest(at[0])];
    if (!state.ranges.has(dimension)) return;
    setRange(dimension, null);
    draw("filter");
  });
  const shownLines = mine.filter((p) => !p.front).length;
  const note = shownLines > MOST_LINES ? el("p", { class: "count" }, `Of ${shownLines.toLocaleString("en")} points that are not on the front some are drawn.`) : null;
  return [el("div", { class: "scroll" }, chart), note];
});
