# SPDX-License-Identifier: Apache-2.0
"""Charts of the report page, one function each; all data comes from result.json."""

import plotly.graph_objects as go

from etude.result import engineering, share

INK = "#1d2733"
GRID = "#e3e8ee"
BUSY = "#1f7a5c"
# One colour per reason or component, the same in every chart; unknown names take the spare ones.
COLOURS = {
    "busy": BUSY,
    "event_wait": "#d9dfe6",
    "sleep": "#c6ced8",
    "idle": "#e9edf1",
    "tcdm_conflict": "#d1495b",
    "load_use": "#edae49",
    "l2_access": "#5a7fb5",
    "icache_miss": "#8d6a9f",
    "peripheral": "#7f8c9a",
    "forward": "#2a6f97",
    "backward": "#c8553d",
    "recompute": "#8d6a9f",
    "update": "#588157",
    "page": "#9aa5b1",
    "cores": "#2a6f97",
    "redmule": "#c8553d",
    "tcdm": "#edae49",
    "dma": "#588157",
    "l2": "#5a7fb5",
    "extmem": "#8d6a9f",
    "flash": "#b08968",
    "leakage": "#9aa5b1",
}
LEGEND = 0.005  # a reason that is nowhere longer than this share stands in the hover text only
SPARE = ["#66999b", "#a26769", "#496a81", "#b5838d", "#6d6875", "#7a9e7e", "#c9ada7", "#3d5a80", "#bc6c25"]


def colour(name: str) -> str:
    """The colour of a reason, phase or component."""
    return COLOURS.get(name, SPARE[sum(name.encode()) % len(SPARE)])


def _figure(height: int, **layout) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        legend={
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.01,
            "x": 0,
            "font": {"size": 12},
            "traceorder": "normal",
        },
        bargap=0.28,
        hoverlabel={"font": {"family": "system-ui, sans-serif"}},
        **layout,
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True, fixedrange=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True, fixedrange=True)
    return figure


def units(result: dict) -> go.Figure:
    """Busy and stalled cycles of every unit, in percent of the step."""
    names = list(result["units"])
    reasons: dict[str, None] = {"busy": None}
    for unit in result["units"].values():
        reasons.update(dict.fromkeys(sorted(unit["stalls"], key=unit["stalls"].get, reverse=True)))
    waiting = [r for r in ("event_wait", "sleep", "idle") if r in reasons]
    order = [r for r in reasons if r not in waiting] + waiting
    totals = [unit["busy"] + sum(unit["stalls"].values()) for unit in result["units"].values()]
    figure = _figure(110 + 30 * len(names), barmode="stack")
    for reason in order:
        cycles = [u["busy"] if reason == "busy" else u["stalls"].get(reason, 0) for u in result["units"].values()]
        if any(cycles):
            figure.add_bar(
                y=names,
                x=[100 * share(c, t) for c, t in zip(cycles, totals, strict=True)],
                customdata=cycles,
                orientation="h",
                name=reason.replace("_", " "),
                marker={"color": colour(reason)},
                showlegend=any(share(c, t) >= LEGEND for c, t in zip(cycles, totals, strict=True)),
                hovertemplate="%{y}: "
                + reason.replace("_", " ")
                + " %{customdata:,} cycles, %{x:.1f} %<extra></extra>",
            )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(range=[0, 100], ticksuffix=" %")
    return figure


def timeline(result: dict) -> go.Figure:
    """Which layer the step was in, over time, one line per phase."""
    layers = result["layers"]
    phases = [p for p in ("forward", "backward", "recompute", "update", "page") if any(x["phase"] == p for x in layers)]
    figure = _figure(90 + 42 * len(phases), barmode="overlay", showlegend=False)
    for phase in phases:
        parts = [(layers[i], begin, end) for i, begin, end in result["timeline"] if layers[i]["phase"] == phase]
        figure.add_bar(
            y=[phase] * len(parts),
            base=[begin for _, begin, _ in parts],
            x=[end - begin for _, begin, end in parts],
            orientation="h",
            name=phase,
            marker={
                "color": [colour(layer["unit"]) for layer, _, _ in parts],
                "line": {"width": 0.5, "color": "white"},
            },
            customdata=[[layer["name"], layer["op"], layer["unit"]] for layer, _, _ in parts],
            hovertemplate="%{customdata[0]} (%{customdata[1]}, %{customdata[2]})<br>"
            "%{x:,} cycles from %{base:,}<extra></extra>",
        )
    figure.update_yaxes(categoryorder="array", categoryarray=phases[::-1], showgrid=False)
    figure.update_xaxes(range=[0, result["step"]["cycles"]], tickformat="~s", nticks=6)
    return figure


def bounds(result: dict) -> go.Figure:
    """What each resource alone would need, in percent of the step."""
    found = result["bounds"]
    figure = _figure(70 + 34 * len(found), showlegend=False)
    figure.add_bar(
        y=[b["resource"] for b in found],
        x=[100 * b["share"] for b in found],
        customdata=[[b["cycles"], b["work"]] for b in found],
        orientation="h",
        marker={"color": ["#c8553d"] + ["#2a6f97"] * (len(found) - 1)},
        text=[f"{100 * b['share']:.1f} %" for b in found],
        textposition="auto",
        hovertemplate="%{y}: at least %{customdata[0]:,.0f} cycles<br>%{customdata[1]}<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(range=[0, 100], ticksuffix=" %")
    return figure


def energy(result: dict) -> go.Figure:
    """Energy by component."""
    parts = {name: value for name, value in result["energy"].items() if name != "total" and value > 0}
    names = sorted(parts, key=parts.get, reverse=True)
    total = result["energy"]["total"]
    figure = _figure(70 + 34 * len(names), showlegend=False)
    figure.add_bar(
        y=names,
        x=[100 * share(parts[n], total) for n in names],
        customdata=[engineering(parts[n], "J") for n in names],
        orientation="h",
        marker={"color": [colour(n) for n in names]},
        text=[f"{engineering(parts[n], 'J')}  {100 * share(parts[n], total):.1f} %" for n in names],
        textposition="auto",
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(range=[0, 100], ticksuffix=" %")
    return figure


def memory(result: dict) -> go.Figure:
    """Peak use of each memory against its capacity."""
    levels = ["l1", "l2", "l3"]
    peaks = [result["memory"][f"{level}_peak"] for level in levels]
    sizes = [result["platform"][f"{level}_bytes"] for level in levels]
    used = [100 * share(peak, size) for peak, size in zip(peaks, sizes, strict=True)]
    names = [level.upper() for level in levels]
    text = [f"{p / 1024:,.0f} of {s / 1024:,.0f} KiB" for p, s in zip(peaks, sizes, strict=True)]
    roomy = [u > 50 for u in used]  # the words stand in the larger part of the bar
    figure = _figure(180, barmode="stack", showlegend=False)
    figure.add_bar(
        y=names,
        x=used,
        orientation="h",
        marker={"color": ["#d1495b" if u > 100 else "#2a6f97" for u in used]},
        text=[t if r else "" for t, r in zip(text, roomy, strict=True)],
        textposition="inside",
        insidetextanchor="end",
        textfont={"color": "white"},
        customdata=[[p, s] for p, s in zip(peaks, sizes, strict=True)],
        hovertemplate="%{y}: %{customdata[0]:,} of %{customdata[1]:,} B<extra></extra>",
    )
    figure.add_bar(
        y=names,
        x=[max(0.0, 100 - u) for u in used],
        orientation="h",
        marker={"color": "#e3e8ee"},
        text=["" if r else t for t, r in zip(text, roomy, strict=True)],
        textposition="inside",
        insidetextanchor="end",
        textfont={"color": INK},
        hoverinfo="skip",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(range=[0, 100], ticksuffix=" %")
    return figure


def loss(result: dict) -> go.Figure:
    """Loss of each step."""
    values = [step["loss"] for step in result["steps"]]
    figure = _figure(240, showlegend=False)
    figure.add_scatter(
        x=list(range(1, len(values) + 1)),
        y=values,
        mode="lines+markers",
        line={"color": "#c8553d", "width": 2},
        hovertemplate="step %{x}: %{y:.6g}<extra></extra>",
    )
    figure.update_xaxes(title="step", dtick=max(1, len(values) // 8))
    figure.update_yaxes(title="loss")
    return figure
