// SPDX-License-Identifier: Apache-2.0
// Points by two dimensions, with what this tier's points dominate there.
const objectives = dimensions.filter((d) => d.way);
const asked = objectives.find((d) => d.name === data.by && d !== objectives[0]);
const axesOfFront = { x: objectives[0], y: asked ?? objectives[1] ?? dimensions[0] };
function better(one, other, way) {
  return way === "max" ? one > other : one < other;
}
// The corners of what is dominated: the points that no other is better than in both, along x from its best.
function stairs(x, y) {
  const mine = done.filter((point) => point.tier === data.tier).map((p) => [p.values[x.objective], p.values[y.objective], p]);
  mine.sort((a, b) => (a[0] === b[0] ? (better(a[1], b[1], y.way) ? -1 : 1) : better(a[0], b[0], x.way) ? -1 : 1));
  const found = [];
  for (const one of mine) if (!found.length || better(one[1], found[found.length - 1][1], y.way)) found.push(one);
  return found.map((one) => one[2]);
}
function dominated(x, y, right, down, frame) {
  const corners = stairs(x, y);
  if (!corners.length) return null;
  const [endX, endY] = [x.way === "max" ? frame.left : frame.right, y.way === "max" ? frame.bottom : frame.top];
  let path = `M${right(corners[0])} ${endY}`;
  corners.forEach((point, i) => {
    path += `L${right(point)} ${i ? down(corners[i - 1]) : endY}L${right(point)} ${down(point)}`;
  });
  path += `L${endX} ${down(corners[corners.length - 1])}L${endX} ${endY}Z`;
  return svg("path", { d: path, fill: "#f4e3d3", "fill-opacity": 0.55, class: "dominated" });
}
// Many dots as one path.
function dots(mine, right, down, colour, size, kind) {
  const path = mine.map((p) => `M${right(p)} ${down(p)}h0`).join("");
  return svg("path", { d: path, stroke: colour, "stroke-width": size, "stroke-linecap": "round", fill: "none", class: kind });
}
function legend(entries) {
  return el("div", { class: "key" }, ...entries.map(([name, colour]) => el("span", {}, el("i", { style: `background:${colour}` }), name)));
}
function marked(point, right, down, colour) {
  return svg("circle", { cx: right(point), cy: down(point), r: 8, fill: "none", stroke: colour, "stroke-width": 2.2 });
}
function frontChart(width) {
  const { x, y } = axesOfFront;
  const height = Math.round(Math.min(460, Math.max(320, width * 0.45)));
  const frame = { left: 78, right: width - 14, top: 12, bottom: height - 44 };
  const right = (p) => (frame.left + x.at(p) * (frame.right - frame.left)).toFixed(1);
  const down = (p) => (frame.bottom - y.at(p) * (frame.bottom - frame.top)).toFixed(1);
  const chart = picture(width, height, `${y.name} against ${x.name}`);
  chart.id = "front-chart";
  const shade = x.way && y.way && x !== y ? dominated(x, y, right, down, frame) : null;
  if (shade) chart.append(shade);
  for (const [place, text] of x.marks) {
    const at = frame.left + place * (frame.right - frame.left);
    chart.append(svg("path", { d: `M${at} ${frame.top}V${frame.bottom}`, stroke: GRID }), under(at, frame.bottom + 16, text, width));
  }
  for (const [place, text] of y.marks) {
    const at = frame.bottom - place * (frame.bottom - frame.top);
    chart.append(svg("path", { d: `M${frame.left} ${at}H${frame.right}`, stroke: GRID }), label(frame.left - 6, at + 4, text, "end"));
  }
  const middle = (frame.top + frame.bottom) / 2;
  chart.append(label((frame.left + frame.right) / 2, height - 8, titleOf(x), "middle", { fill: INK }));
  chart.append(label(14, middle, titleOf(y), "middle", { fill: INK, transform: `rotate(-90 14 ${middle})` }));
  const mine = done.filter(shown);
  const kinds = [
    ["out", done.filter((p) => !shown(p)), FAINT, 6],
    ["model", mine.filter((p) => p.tier !== data.tier), MODEL, 6],
    ["others", mine.filter((p) => p.tier === data.tier && !p.front), OTHER, 7],
    ["best", mine.filter((p) => p.front), BEST, 9],
  ];
  for (const [kind, some, colour, size] of kinds) chart.append(dots(some, right, down, colour, size, kind));
  if (state.baseline) chart.append(marked(state.baseline, right, down, BASE));
  if (state.chosen) chart.append(marked(state.chosen, right, down, CHOSEN));
  const box = svg("rect", { fill: CHOSEN, "fill-opacity": 0.08, stroke: CHOSEN, visibility: "hidden" });
  chart.append(box);
  const near = ([px, py]) => {
    let best = null, least = 14;
    for (const point of mine) {
      const apart = Math.hypot(right(point) - px, down(point) - py) - (point.front ? 1 : 0);
      if (apart < least) [best, least] = [point, apart];
    }
    return best;
  };
  const clip = (v, low, high) => Math.min(1, Math.max(0, (v - low) / (high - low)));
  drags(chart, (place, from, event) => {
    if (from) {
      const [left, top] = [Math.min(from[0], place[0]), Math.min(from[1], place[1])];
      const size = { width: Math.abs(from[0] - place[0]), height: Math.abs(from[1] - place[1]) };
      for (const [name, value] of Object.entries({ x: left, y: top, ...size, visibility: "visible" })) box.setAttribute(name, value);
      tell(event, "");
    } else {
      const point = near(place);
      chart.style.cursor = point ? "pointer" : "crosshair";
      tell(event, point ? words(point) : "");
    }
  }, (from, to) => {
    const across = [from[0], to[0]].map((v) => clip(v, frame.left, frame.right)).sort((a, b) => a - b);
    const up = [from[1], to[1]].map((v) => clip(v, frame.bottom, frame.top)).sort((a, b) => a - b);
    setRange(x, across);
    setRange(y, up);
    draw("filter");
  }, (place) => {
    const point = near(place);
    if (point) choose(point);
    else if (state.ranges.size) {
      setRange(x, null);
      setRange(y, null);
      draw("filter");
    }
  });
  return chart;
}
function picker(name, current, pick) {
  const options = dimensions.map((d, i) => el("option", { value: i, selected: d === current }, titleOf(d)));
  return el("label", {}, `${name} `, el("select", { "aria-label": name, onchange: (e) => { pick(dimensions[e.target.value]); draw("filter"); } }, ...options));
}
part("front", ["filter", "choose"], (width) => {
  const { x, y } = axesOfFront;
  const entries = [["on the front", BEST], [`others, ${data.tier} tier`, OTHER]];
  if (points.some((point) => point.tier !== data.tier)) entries.push(["model tier only", MODEL]);
  entries.push(["chosen", CHOSEN], ["baseline", BASE], ["filtered out", FAINT]);
  return [
    el("div", { class: "pick" }, picker("across", x, (d) => { axesOfFront.x = d; }), picker("up", y, (d) => { axesOfFront.y = d; })),
    legend(entries),
    frontChart(width),
  ];
});
