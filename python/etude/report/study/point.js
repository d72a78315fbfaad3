// SPDX-License-Identifier: Apache-2.0
// The chosen point against the baseline: what changed, its command, and where its cycles, energy and bytes went.
function shellCommand(point) {
  const { start, order, out } = data.command;
  const sets = order.map((pointer) => {
    const i = data.axes.findIndex((axis) => axis.pointer === pointer);
    return data.axes[i].sets[point.axes[i]];
  });
  const tier = `--set '/run/tier="${point.tier}"'`, name = `out/${out}-${point.id}`;
  return [start, ...sets.filter((set) => set), tier, "--out", /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", `'"'"'`)}'`].join(" ");
}
const columnsOf = (kept) => kept.layers.name.length;
const textOf = (kept, column, i) => data.texts[kept.layers[column][i]];
function verdict(mine, base) {
  if (mine === base) return "This point is the baseline.";
  const steps = data.objectives.map((objective, i) => {
    const [a, b] = [mine.values[i], base.values[i]];
    const word = a === b ? "the same" : better(a, b, objective.way) ? "better" : "worse";
    return [`${objective.name} ${change(a, b)}${a === b ? "" : ` (${word})`}`, word];
  });
  const count = (word) => steps.filter(([, one]) => one === word).length;
  const told = count("worse") === 0 ? "Nowhere worse" : count("better") === 0 ? "Nowhere better" : `Better in ${count("better")}, worse in ${count("worse")} of ${steps.length} objectives`;
  return `Against point ${base.id}: ${steps.map(([text]) => text).join(", ")}. ${told}.`;
}
function differences(mine, base) {
  const row = (name, key, a, b, way) => {
    const kind = way && a !== b && a !== null && b !== null ? (better(a, b, way) ? "better" : "worse") : "";
    const told = typeof a === "number" && typeof b === "number" ? change(a, b) : a === b ? "=" : "changed";
    return el("tr", { class: key && a !== b ? "chosen" : undefined }, el("td", { title: key }, name), el("td", { class: "n" }, cell(a)), el("td", { class: "n" }, cell(b)), el("td", { class: `n ${kind}` }, told));
  };
  const axes = data.axes.map((axis, i) => row(axis.name, axis.pointer, valueOfAxis(mine, i), valueOfAxis(base, i)));
  const values = data.objectives.map((o, i) => row(titleOf(o), "", mine.values[i], base.values[i], o.way));
  if (mine.model) values.push(...data.objectives.map((o, i) => row(`${o.name}, model tier`, "", mine.model[i], base.model?.[i] ?? null)));
  const heads = ["", `point ${mine.id}`, `baseline: point ${base.id}`, "change"].map((h, i) => el("th", { class: i ? "n" : undefined }, h));
  return el("div", { class: "scroll" }, el("table", { id: "changed" }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...axes, ...values)));
}
// Cycles, work, energy and bytes by phase and operator, with the total; of the baseline, too.
const SUMS = ["cycles", "macs", "energy_j", "l2", "l3"];
function sumsOf(kept, keyOf) {
  const found = new Map();
  for (let i = 0; i < columnsOf(kept); i++) {
    const name = keyOf(kept, i);
    if (!found.has(name)) found.set(name, { layers: 0, ...Object.fromEntries(SUMS.map((s) => [s, 0])) });
    const sum = found.get(name);
    sum.layers += 1;
    for (const s of SUMS) sum[s] += kept.layers[s][i];
  }
  return found;
}
const keyOfGroup = (kept, i) => `${textOf(kept, "op", i)}\t${textOf(kept, "phase", i)}\t${textOf(kept, "unit", i)}`;
const keyOfLayer = (kept, i) => `${textOf(kept, "name", i)}\t${textOf(kept, "op", i)}\t${textOf(kept, "phase", i)}`;
function groupRows(kept, base, keyOf, texts) {
  const mine = sumsOf(kept, keyOf), theirs = base ? sumsOf(base, keyOf) : new Map();
  const none = { layers: 0, ...Object.fromEntries(SUMS.map((s) => [s, 0])) };
  return [...new Set([...mine.keys(), ...theirs.keys()])].map((name) => {
    const of = mine.get(name) ?? none, other = theirs.get(name) ?? none;
    return { words: name.split("\t").slice(0, texts), ...of, before: other.cycles, moved: of.cycles - other.cycles, joules: of.energy_j - other.energy_j, bytes: of.l2 - other.l2 };
  });
}
const signed = (value) => (value > 0 ? `+${cell(value)}` : cell(value));
function columnsFor(heads, base, all) {
  const share = (row) => (100 * row.cycles) / all;
  return [
    ...heads.map((name, i) => ({ name, value: (row) => row.words[i] })),
    ...(heads[0] === "layer" ? [] : [{ name: "layers", value: (row) => row.layers, number: true }]),
    { name: "cycles", value: (row) => row.cycles, number: true },
    { name: "share, %", value: share, show: (row) => share(row).toFixed(2), number: true },
    ...(base ? [{ name: "baseline", value: (row) => row.before, number: true }, { name: "faster − slower +", value: (row) => row.moved, show: (row) => signed(row.moved), number: true }] : []),
    { name: "MACs", value: (row) => row.macs, number: true },
    { name: "energy, µJ", value: (row) => row.energy_j, show: (row) => energyText(row.energy_j), number: true },
    ...(base ? [{ name: "Δ µJ", value: (row) => row.joules, show: (row) => (row.joules > 0 ? "+" : "") + energyText(row.joules), number: true }] : []),
    { name: "L2, B", value: (row) => row.l2, number: true },
    ...(base ? [{ name: "Δ L2, B", value: (row) => row.bytes, show: (row) => signed(row.bytes), number: true }] : []),
    { name: "L3, B", value: (row) => row.l3, number: true },
  ];
}
const energyText = (joules) => (1e6 * joules).toLocaleString("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
function totalText(rows) {
  const sum = (name) => rows.reduce((total, row) => total + row[name], 0);
  return `${rows.reduce((n, row) => n + row.layers, 0).toLocaleString("en")} layers: ${cell(sum("cycles"))} cycles, ${energyText(sum("energy_j"))} µJ, L2 ${cell(sum("l2"))} B, L3 ${cell(sum("l3"))} B`;
}
function unitBars(kept) {
  const reasons = new Map();
  const bars = Object.entries(kept.units).map(([name, unit]) => {
    const parts = [["busy", unit.busy], ...Object.entries(unit.stalls).sort((a, b) => (["event_wait", "sleep", "idle"].includes(a[0]) - ["event_wait", "sleep", "idle"].includes(b[0])) || b[1] - a[1])];
    const total = parts.reduce((sum, [, cycles]) => sum + cycles, 0) || 1;
    const marks = parts.filter(([, cycles]) => cycles).map(([reason, cycles]) => {
      reasons.set(reason, Math.max(reasons.get(reason) ?? 0, cycles / total));
      return el("i", { style: `width:${((100 * cycles) / total).toFixed(3)}%;background:${colourOfName(reason)}`, title: `${name}: ${reason.replaceAll("_", " ")} ${cell(cycles)} cycles, ${((100 * cycles) / total).toFixed(1)} %` });
    });
    return el("div", { class: "bar" }, el("span", {}, name), el("div", { class: "track" }, ...marks), el("b", {}, `${((100 * unit.busy) / total).toFixed(1)} % busy`));
  });
  const named = [...reasons].filter(([, part_]) => part_ >= 0.005).map(([reason]) => [reason.replaceAll("_", " "), colourOfName(reason)]);
  return [legend(named), el("div", { style: "--end:11ch" }, ...bars)];
}
const memoryOfGroups = {}, memoryOfLayers = {};
let layerWords = "";
function layerSearch(kept, base) {
  const rows = groupRows(kept, base, keyOfLayer, 3), all = kept.step.cycles || 1;
  const columns = columnsFor(["layer", "operator", "phase"], base, all);
  const holder = el("div"), found = el("output", { id: "layers-found" });
  const fill = () => {
    const wanted = layerWords.toLowerCase().split(/\s+/).filter(Boolean);
    const mine = rows.filter((row) => wanted.every((word) => row.words.join(" ").toLowerCase().includes(word)));
    found.textContent = totalText(mine);
    holder.replaceChildren(makeTable(columns, mine, { id: "layers-table", memory: memoryOfLayers }));
  };
  const input = el("input", { type: "search", id: "layers-search", placeholder: "layer, operator, phase", "aria-label": "Show layers with these words", value: layerWords,
    oninput: (event) => { layerWords = event.target.value; fill(); } });
  fill();
  return [el("div", { class: "search" }, input, found), holder];
}
function heading(text, small = "") {
  return el("h3", {}, text, " ", el("small", {}, small));
}
function breakdown(kept, base, width) {
  const all = kept.step.cycles || 1, groups = groupRows(kept, base, keyOfGroup, 3);
  groups.sort((a, b) => b.cycles - a.cycles);
  const parts = (of, ...without) => of && Object.fromEntries(Object.entries(of).filter(([name]) => !without.includes(name)));
  const half = width > 860 ? (width - 22) / 2 : width;
  const roofs = Object.keys(ROOFS).filter((name) => rateOf(kept, name));
  if (!roofs.includes(roof)) roof = roofs[0] ?? roof;
  const pick = el("select", { "aria-label": "roof", onchange: (e) => { roof = e.target.value; draw("choose"); } }, ...roofs.map((name) => el("option", { value: name, selected: name === roof }, name)));
  return [
    el("div", { class: "two" },
      el("div", {}, heading("Energy by component", "µJ"), partsTable("energy-table", parts(kept.energy, "total"), parts(base?.energy, "total"), "µJ", 1e6)),
      el("div", {}, heading("Area by component", "mm²"), partsTable("area-table", parts(kept.area, "total", "cluster"), parts(base?.area, "total", "cluster"), "mm²", 1))),
    el("div", { class: "two" },
      el("div", {}, heading("Roofline", ""), el("div", { class: "pick" }, el("label", {}, "memory ", pick)), ...roofline(kept, half)),
      el("div", {}, heading("Memory over time", "L2"), ...(kept.memory_time ? memoryChart(kept.memory_time, half) : [el("p", { class: "count" }, "The result of this tier does not say.")]))),
    heading("Where the cycles went", "by unit"), ...unitBars(kept),
    heading("By operator, phase and unit", `${totalText(groups)}; leakage is of no layer`),
    makeTable(columnsFor(["operator", "phase", "unit"], base, all), groups, { id: "groups-table", memory: memoryOfGroups }),
    heading("By layer"), ...layerSearch(kept, base),
  ];
}
part("point", ["choose"], (width) => {
  const mine = state.chosen, base = state.baseline;
  if (!mine || !base) return [el("p", {}, "No point has a result.")];
  const list = [...new Set([...points.filter((p) => p.front), base, mine])].sort((a, b) => a.id - b.id);
  const options = list.map((p) => el("option", { value: p.id, selected: p === mine }, `${p.id}${p.front ? ", on the front" : ""}${p === base ? ", baseline" : ""}`));
  const head = el("div", { class: "pick" },
    el("label", {}, "point ", el("select", { id: "choose", "aria-label": "point", onchange: (e) => choose(byId.get(Number(e.target.value))) }, ...options)),
    el("button", { type: "button", id: "rebase", onclick: () => setBaseline(mine), disabled: mine.status !== "done" }, "Compare others with this one"));
  const command = shellCommand(mine);
  const copy = el("button", { type: "button", onclick: () => navigator.clipboard?.writeText(command).catch(() => {}) }, "Copy");
  const kept = data.breakdowns[mine.id], other = base === mine ? null : data.breakdowns[base.id] ?? null;
  const repeat = [heading("To repeat it"), el("pre", { id: "command" }, command), el("p", { class: "count" }, copy)];
  const told = mine.status === "done" ? [el("p", { class: "words" }, verdict(mine, base))] : [el("p", { class: "words" }, `${mine.status}: ${mine.reason}`)];
  const without = el("p", { class: "count" }, mine.status === "done" ? "Its layers are not on this page; the command above repeats the run, and etude report shows them." : "");
  return [head, ...told, differences(mine, base), ...repeat, ...(kept ? breakdown(kept, other, width) : [without])];
});
