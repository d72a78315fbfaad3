// SPDX-License-Identifier: Apache-2.0
// Pictures of one point: parts of a total, roofline, memory over time; and of all: the error of the model tier.
const SPARE = ["#66999b", "#a26769", "#496a81", "#b5838d", "#6d6875", "#7a9e7e", "#c9ada7", "#3d5a80", "#bc6c25"];
function colourOfName(name) {
  return data.colours[name] ?? SPARE[[...name].reduce((sum, c) => sum + c.charCodeAt(0), 0) % SPARE.length];
}
// Two bars per part, of this point and of the baseline, longest first, with the total.
function partsTable(id, parts, base, unit, scale) {
  const names = [...new Set([...Object.keys(parts), ...Object.keys(base ?? {})])].filter((n) => parts[n] || base?.[n]);
  names.sort((a, b) => (parts[b] ?? 0) - (parts[a] ?? 0));
  const most = Math.max(...names.flatMap((n) => [parts[n] ?? 0, base?.[n] ?? 0])) || 1;
  const shownAs = (value) => (scale * value).toLocaleString("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const bar = (value, colour) => el("i", { style: `display:block;height:7px;width:${((100 * value) / most).toFixed(2)}%;background:${colour}` });
  const row = (name) => {
    const mine = parts[name] ?? 0, theirs = base?.[name] ?? 0;
    const bars = [bar(mine, colourOfName(name)), ...(base ? [bar(theirs, "#c6ced8")] : [])];
    const cells = [el("td", {}, name), el("td", { style: "width:38%" }, ...bars), el("td", { class: "n" }, shownAs(mine))];
    if (base) cells.push(el("td", { class: "n" }, shownAs(theirs)), el("td", { class: "n" }, change(mine, theirs)));
    return el("tr", {}, ...cells);
  };
  const sum = (of) => names.reduce((total, name) => total + (of[name] ?? 0), 0);
  const total = [el("td", {}, el("b", {}, "total")), el("td"), el("td", { class: "n" }, el("b", {}, shownAs(sum(parts))))];
  if (base) total.push(el("td", { class: "n" }, shownAs(sum(base))), el("td", { class: "n" }, change(sum(parts), sum(base))));
  const heads = ["part", "", unit, ...(base ? ["baseline", "change"] : [])].map((h, i) => el("th", { class: i > 1 ? "n" : undefined }, h));
  return el("div", { class: "scroll" }, el("table", { id }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...names.map(row), el("tr", {}, ...total))));
}
// Work over cycles of a bound of the result, as "1,252,188 B at 1.11 B/cycle" and its least cycles say.
function rateOf(kept, resource) {
  const bound = kept.bounds.find((one) => one.resource === resource);
  return bound && bound.cycles ? parseFloat(bound.work.replaceAll(",", "")) / bound.cycles : null;
}
const ROOFS = {
  "L2 bandwidth": { bytes: (l, i) => Math.max(l.in[i], l.out[i]), text: "bytes between L2 and L1, the larger direction" },
  "L3 bandwidth": { bytes: (l, i) => l.l3[i], text: "bytes over the HyperBus" },
};
let roof = "L2 bandwidth";
function roofline(kept, width) {
  const layers = kept.layers, shape = kept.platform.redmule, rate = rateOf(kept, roof);
  const peak = shape ? 2 * shape.height * shape.width : 2 * kept.platform.cores;
  // Products of the array are counted in the cycles of a layer, of whatever layer; those of the cores are its own.
  const work = (i) => layers.fma[i] + (data.texts[layers.unit[i]] === "cores" ? layers.macs[i] : 0);
  const found = layers.name.map((_, i) => ({ i, flop: 2 * work(i), bytes: ROOFS[roof].bytes(layers, i), cycles: layers.cycles[i] }))
    .filter((one) => one.flop > 0 && one.cycles > 0);
  const inside = found.filter((one) => one.bytes > 0);
  const height = 330, left = 62, right = width - 26, top = 14, bottom = height - 44;
  const chart = picture(width, height, "Roofline with each layer on it");
  chart.id = "roofline";
  if (!inside.length) return [el("p", { class: "count" }, `No layer has products and ${ROOFS[roof].text}.`)];
  const xs = inside.map((one) => Math.log10(one.flop / one.bytes)), ys = found.map((one) => Math.log10(one.flop / one.cycles));
  const ridge = rate ? Math.log10(peak / rate) : 0;
  const [x0, x1] = [Math.floor(Math.min(ridge - 0.5, ...xs)), Math.ceil(Math.max(ridge + 0.5, ...xs))];
  const [y0, y1] = [Math.floor(Math.max(-3, Math.min(...ys))), Math.max(Math.log10(peak), ...ys) + 0.15];
  const across = (x) => left + ((x - x0) / (x1 - x0)) * (right - left);
  const down = (y) => bottom - ((Math.max(y, y0) - y0) / (y1 - y0)) * (bottom - top);
  for (let x = x0; x <= x1; x++) chart.append(svg("path", { d: `M${across(x)} ${top}V${bottom}`, stroke: GRID }), under(across(x), bottom + 16, four(10 ** x), width));
  for (let y = y0; y <= y1; y++) chart.append(svg("path", { d: `M${left} ${down(y)}H${right}`, stroke: GRID }), label(left - 6, down(y) + 4, four(10 ** y), "end"));
  const middle = (top + bottom) / 2;
  chart.append(label((left + right) / 2, height - 8, "FLOP per byte", "middle", { fill: INK }));
  chart.append(label(13, middle, "FLOP per cycle", "middle", { fill: INK, transform: `rotate(-90 13 ${middle})` }));
  const level = Math.log10(peak), slope = rate ? Math.log10(rate) : null;
  const start = slope === null ? x0 : Math.max(x0, y0 - slope);
  const line = slope === null ? `M${across(x0)} ${down(level)}H${right}` : `M${across(start)} ${down(start + slope)}L${across(ridge)} ${down(level)}H${right}`;
  chart.append(svg("path", { d: line, fill: "none", stroke: INK, "stroke-width": 2 }));
  chart.append(label(right, down(level) - 5, `${four(peak)} FLOP/cycle`, "end", { fill: INK, class: "halo" }));
  if (slope !== null) chart.append(label(across(start) + 8, down(start + slope) - 8, `${four(rate)} B/cycle`, "start", { fill: INK, class: "halo" }));
  const most = Math.max(...found.map((one) => one.cycles));
  for (const one of inside) {
    const i = one.i, size = 2.5 + 8 * Math.sqrt(one.cycles / most), name = data.texts[layers.name[i]];
    const dot = svg("circle", { cx: across(Math.log10(one.flop / one.bytes)), cy: down(Math.log10(one.flop / one.cycles)), r: size,
      fill: colourOfName(data.texts[layers.phase[i]]), "fill-opacity": 0.6, class: "layer" });
    const text = `${name} (${data.texts[layers.op[i]]}, ${data.texts[layers.phase[i]]})\n${cell(one.cycles)} cycles, ${four(one.flop / one.cycles)} FLOP/cycle, ${four(one.flop / one.bytes)} FLOP/byte`;
    dot.addEventListener("pointermove", (event) => tell(event, text));
    dot.addEventListener("pointerleave", (event) => tell(event, ""));
    chart.append(dot);
  }
  const phases = [...new Set(inside.map((one) => data.texts[layers.phase[one.i]]))];
  const note = `${inside.length} of ${layers.name.length} layers: those with products (the array's in their cycles, the cores' of their own) and ${ROOFS[roof].text}; size is cycles. The products of a tile of the array count at one moment, so that a short layer can lie above the roof.`;
  return [legend(phases.map((phase) => [phase, colourOfName(phase)])), chart, el("p", { class: "count" }, note)];
}
const KINDS = {
  fixed: ["runtime, task list", "#9aa5b1"], parameter: ["parameters", "#0072b2"], state: ["optimiser states", "#cc79a7"],
  input: ["inputs", "#56b4e9"], activation: ["activations", "#f0c94a"], gradient: ["gradients", "#d55e00"], loss: ["loss", "#000000"],
  transfer: ["buffers of transfers", "#009e73"], workspace: ["workspace", "#6b5b95"],
};
function memoryChart(memory, width) {
  const kinds = Object.keys(memory.bytes), count = memory.bytes[kinds[0]].length;
  const height = 300, left = 62, right = width - 16, top = 14, bottom = height - 44;
  const total = (n) => kinds.reduce((sum, kind) => sum + memory.bytes[kind][n], 0);
  const totals = Array.from({ length: count }, (_, n) => total(n)), fullest = Math.max(...totals);
  const lines = memory.lines.filter(([, level]) => level <= 2.5 * fullest);
  const most = 1.06 * Math.max(fullest, ...lines.map(([, level]) => level));
  const across = (n) => left + (n / count) * (right - left), down = (bytes) => bottom - (bytes / most) * (bottom - top);
  const chart = picture(width, height, "Bytes in L2 over time, by kind");
  chart.id = "memory-chart";
  for (const tick of ticks(0, most / 1024)) chart.append(svg("path", { d: `M${left} ${down(1024 * tick)}H${right}`, stroke: GRID }), label(left - 6, down(1024 * tick) + 4, four(tick), "end"));
  let floor = Array(count).fill(0);
  for (const kind of kinds) {
    const level = floor.map((low, n) => low + memory.bytes[kind][n]);
    const edge = level.map((v, n) => `${across(n)} ${down(v)}L${across(n + 1)} ${down(v)}`).join("L");
    const back = floor.map((v, n) => `${across(n + 1)} ${down(v)}L${across(n)} ${down(v)}`).reverse().join("L");
    chart.append(svg("path", { d: `M${edge}L${back}Z`, fill: KINDS[kind]?.[1] ?? "#999" }));
    floor = level;
  }
  lines.forEach(([name, level], i) => {
    chart.append(svg("path", { d: `M${left} ${down(level)}H${right}`, stroke: INK, "stroke-dasharray": "6 3" }));
    chart.append(label(right - 4 - 190 * (i % 2), down(level) - 4, `${name}: ${cell(level)} B`, "end", { class: "halo" }));
  });
  const unit = memory.seconds >= 1 ? [1, "s"] : memory.seconds >= 1e-3 ? [1e3, "ms"] : [1e6, "µs"], length = memory.seconds * unit[0];
  for (const tick of ticks(0, length, 8)) chart.append(under(left + (tick / length) * (right - left), bottom + 16, four(tick), width));
  const middle = (top + bottom) / 2;
  chart.append(label((left + right) / 2, height - 8, `time, ${unit[1]}`, "middle", { fill: INK }));
  chart.append(label(13, middle, "KiB of L2", "middle", { fill: INK, transform: `rotate(-90 13 ${middle})` }));
  drags(chart, ([x], from, event) => {
    const n = Math.floor(((x - left) / (right - left)) * count);
    if (n < 0 || n >= count) return tell(event, "");
    const held = kinds.filter((kind) => memory.bytes[kind][n]).map((kind) => `${KINDS[kind]?.[0] ?? kind} ${cell(memory.bytes[kind][n])} B`);
    return tell(event, [`${cell(totals[n])} B`, ...held].join("\n"));
  }, () => {}, () => {});
  return [legend(kinds.map((kind) => [KINDS[kind]?.[0] ?? kind, KINDS[kind]?.[1] ?? "#999"])), chart];
}
part("tier-error", ["choose"], () => {
  const mine = points.filter((p) => p.model && p.status === "done" && p.model.every((v) => v !== null));
  const charts = data.objectives.map((objective, i) => {
    const errors = mine.filter((p) => p.values[i]).map((p) => [p, p.model[i] / p.values[i] - 1]);
    const width = 330, height = 200, left = 62, bottom = height - 40, top = 26;
    const most = 1.15 * Math.max(0.001, ...errors.map(([, e]) => Math.abs(e)));
    const x = dimensions.find((d) => d.objective === i), right = (p) => left + x.at(p) * (width - left - 12);
    const down = (e) => (top + bottom) / 2 - (e / most) * ((bottom - top) / 2);
    const chart = picture(width, height, `Error of ${objective.name}`);
    chart.append(label(left, 14, objective.name, "start", { fill: INK, "font-weight": 600 }));
    for (const tick of ticks(-100 * most, 100 * most, 5)) chart.append(svg("path", { d: `M${left} ${down(tick / 100)}H${width - 8}`, stroke: tick ? GRID : SOFT }), label(left - 6, down(tick / 100) + 4, `${four(tick)} %`, "end"));
    let end = -Infinity;
    for (const [place, text] of x.marks) {
      const at = left + place * (width - left - 12);
      if (at - text.length * 3.4 > end && at + text.length * 3.4 < width) {
        chart.append(label(at, bottom + 16, text, "middle"));
        end = at + text.length * 3.4 + 6;
      }
    }
    for (const [p, e] of errors) {
      const dot = svg("circle", { cx: right(p), cy: down(e), r: p === state.chosen ? 6 : 4, fill: p === state.chosen ? CHOSEN : p.front ? BEST : OTHER });
      dot.addEventListener("pointermove", (event) => tell(event, `${words(p)}\nmodel tier ${cell(p.model[i])}, ${(100 * e).toFixed(2)} % off`));
      dot.addEventListener("pointerleave", (event) => tell(event, ""));
      dot.addEventListener("click", () => choose(p));
      chart.append(dot);
    }
    return chart;
  });
  return [el("div", { class: "small" }, ...charts)];
});
