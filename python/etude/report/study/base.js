// SPDX-License-Identifier: Apache-2.0
// What all parts of a study's page share: points, what of them is shown, which is chosen.
const data = JSON.parse(document.getElementById("data").textContent);
const INK = "#1d2733", SOFT = "#5b6876", GRID = "#e3e7eb";
const BEST = "#d55e00", OTHER = "#7f93a6", MODEL = "#b9a3cf", FAINT = "#e6eaee", CHOSEN = "#0072b2", BASE = "#009e73";

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}
function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
function label(x, y, text, anchor = "start", extra = {}) {
  return svg("text", { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor, fill: SOFT, ...extra }, text);
}
// A label below x that stays inside a picture of this width.
function under(x, y, text, width) {
  const half = 3.8 * text.length;
  if (x + half > width - 2) return label(width - 2, y, text, "end");
  return x - half < 2 ? label(2, y, text, "start") : label(x, y, text, "middle");
}
function picture(width, height, name) {
  return svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "font-size": 12, role: "img", "aria-label": name });
}
// Four digits; whole numbers in full where `whole`.
function four(value) {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return value === 0 ? "0" : String(parseFloat(value.toPrecision(4)));
}
function cell(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? value.toLocaleString("en") : four(value);
}
function compact(value) {
  return typeof value === "number" && value >= 1e6 && value % 1e5 === 0 ? `${four(value / 1e6)} M` : cell(value);
}
function change(value, base) {
  if (value === null || base === null) return "";
  if (value === base) return "=";
  return base ? `${value > base ? "+" : ""}${((100 * (value - base)) / Math.abs(base)).toFixed(1)} %` : "new";
}
function ticks(low, high, most = 6) {
  if (!(high > low)) return [low];
  let step = 10 ** Math.floor(Math.log10((high - low) / most));
  step *= [1, 2, 5, 10, 20].find((factor) => (high - low) / (step * factor) <= most);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i <= Math.floor(high / step + 1e-9); i++) found.push(i * step);
  return found;
}
function shorten(text, room) {
  const most = Math.max(3, Math.floor(room / 6.6));
  return text.length <= most ? text : `${text.slice(0, Math.ceil((most - 1) / 2))}…${text.slice(text.length - Math.floor((most - 1) / 2))}`;
}

for (const kept of Object.values(data.breakdowns)) {
  for (const [name, column] of Object.entries(kept.layers)) kept.layers[name] = data.columns[column];
}
const STATUS = ["done", "infeasible", "failed"];
const onFront = new Set(data.rows.front);
const points = data.rows.id.map((id, i) => ({
  id,
  tier: data.rows.tier[i] ? "model" : "cycle",
  status: STATUS[data.rows.status[i]],
  reason: data.rows.reason[i] < 0 ? null : data.rows.reasons[data.rows.reason[i]],
  axes: data.rows.axes.map((column) => column[i]),
  values: data.rows.values.map((column) => column[i]),
  model: data.rows.model[id],
  front: onFront.has(id),
}));
const byId = new Map(points.map((point) => [point.id, point]));
const done = points.filter((point) => point.status === "done");
const varying = data.axes.map((axis, i) => i).filter((i) => data.axes[i].values.length > 1);
const valueOfAxis = (point, i) => data.axes[i].values[point.axes[i]];

// Axes that vary and objectives, each with a place from 0 to 1 for every point that is done.
const dimensions = [
  ...varying.map((i) => {
    const axis = data.axes[i], last = axis.values.length - 1;
    return { name: axis.name, axis: i, marks: axis.values.map((v, n) => [n / last, compact(v)]), at: (p) => p.axes[i] / last };
  }),
  ...data.objectives.map((objective, i) => {
    const values = done.map((point) => point.values[i]);
    let low = values.reduce((a, b) => Math.min(a, b), Infinity), high = values.reduce((a, b) => Math.max(a, b), -Infinity);
    const margin = 0.04 * (high - low) || Math.abs(high) * 0.04 || 1;
    low -= margin;
    high += margin;
    const at = (p) => (p.values[i] - low) / (high - low);
    const marks = ticks(low, high).map((tick) => [(tick - low) / (high - low), four(tick)]);
    return { name: objective.name, objective: i, way: objective.way, marks, at };
  }),
];
const titleOf = (dimension) => (dimension.way ? `${dimension.name} (${dimension.way})` : dimension.name);

const state = { hidden: data.axes.map(() => new Set()), tiers: new Set(), ranges: new Map(), chosen: null, baseline: null };
const drawers = { filter: [], choose: [] };
function shown(point) {
  if (state.tiers.has(point.tier)) return false;
  if (state.hidden.some((values, i) => values.has(point.axes[i]))) return false;
  if (state.ranges.size === 0) return true;
  if (point.status !== "done") return false;
  for (const [dimension, [low, high]] of state.ranges) {
    const place = dimension.at(point);
    if (place < low - 1e-9 || place > high + 1e-9) return false;
  }
  return true;
}
function draw(kind) {
  for (const drawer of drawers[kind]) drawer();
}
function setRange(dimension, range) {
  if (range) state.ranges.set(dimension, range);
  else state.ranges.delete(dimension);
}
function choose(point) {
  state.chosen = point;
  draw("choose");
}
function setBaseline(point) {
  state.baseline = point;
  draw("choose");
}
state.chosen = byId.get(data.chosen) ?? null;
state.baseline = byId.get(data.baseline) ?? null;

function colourOf(point) {
  return point.front ? BEST : point.tier === data.tier ? OTHER : MODEL;
}
function words(point) {
  const axes = varying.map((i) => `${data.axes[i].name} ${cell(valueOfAxis(point, i))}`);
  const values = data.objectives.map((objective, i) => `${objective.name} ${cell(point.values[i])}`);
  const kind = `${point.front ? "on the front, " : ""}tier ${point.tier}`;
  return [`point ${point.id}, ${kind}`, axes.join(", "), values.join(", ")].filter(Boolean).join("\n");
}
const tip = el("div", { id: "tip", hidden: true });
document.body.append(tip);
function tell(event, text) {
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, document.documentElement.clientWidth - width - 6))}px`;
  tip.style.top = `${event.clientY + 18 + height > window.innerHeight ? event.clientY - height - 10 : event.clientY + 18}px`;
}
// A part of the page: drawn now, when one of `kinds` changes, and when its width does.
function part(name, kinds, drawer) {
  const holder = document.getElementById(name);
  if (!holder) return;
  let width = 0;
  const again = () => {
    width = holder.clientWidth;
    holder.replaceChildren(...[drawer(width)].flat().filter(Boolean));
  };
  for (const kind of kinds) drawers[kind].push(again);
  new ResizeObserver(() => { if (Math.abs(holder.clientWidth - width) > 1) again(); }).observe(holder);
  again();
}
// Where a pointer is in a picture, drags, and clicks: `ended(from, to)` of a drag, `clicked(place)`.
function drags(area, moved, ended, clicked) {
  const place = (event) => {
    const box = area.getBoundingClientRect(), view = area.viewBox.baseVal;
    return [((event.clientX - box.left) * view.width) / box.width, ((event.clientY - box.top) * view.height) / box.height];
  };
  let from = null;
  area.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = place(event);
    area.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  area.addEventListener("pointermove", (event) => moved(place(event), from, event));
  area.addEventListener("pointerup", (event) => {
    if (!from) return;
    const to = place(event), begin = from;
    from = null;
    if (Math.hypot(to[0] - begin[0], to[1] - begin[1]) < 5) clicked(begin);
    else ended(begin, to);
  });
  area.addEventListener("pointerleave", (event) => { if (!from) tell(event, ""); });
}
