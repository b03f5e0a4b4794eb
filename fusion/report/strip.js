// The strip chart. Draws what `strip.py` embedded: layers of integers, joined into as many bins as
// the window has room for. Without scripts the page's static figures stand in its place.
(async () => {
  const whole = document.getElementById("strip-chart");
  const chart = document.getElementById("strip");
  const overview = document.getElementById("overview");
  const head = JSON.parse(document.getElementById("strip-head").textContent);
  if (typeof DecompressionStream === "undefined") return; // an old browser: static figures

  const POINTS = 80000; // of all lines together, so that drawing takes a tenth of a second
  const MARGIN = 0.25; // of the window drawn beyond each side, to pan into
  const NARROWEST = 0.05; // s
  const ARROWS = 40; // at most, along a lane
  const EDGE = 0.55; // where lines end, in heights of a lane from its middle
  const COLOURS = { before: "#d55e00", after: "#0072b2", truth: "#009e73", mask: "#e69f00", lost: "#808890" };
  const DARK = { after: "#56b4e9" };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const state = {
    window: [head.start, head.stop],
    taller: 1,
    drawn: { before: true, after: true, truth: true, mask: true, lost: true, events: true, level: true },
    streams: head.streams.map((s) => ({
      shown: [...s.shown],
      wave: Math.max(0, s.wavelengths.length - 1),
    })),
  };

  // -- drawing ----------------------------------------------------------------------------------

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (kind) => (dark.matches && DARK[kind]) || COLOURS[kind];
  // plotly reads a little HTML in its text: what comes from files is escaped
  const plain = (text, length = 14) => {
    const short = text.length > length ? `${text.slice(0, length - 1)}…` : text;
    return short.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  };
  const middle = (values) => {
    const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
    return sorted.length ? sorted[sorted.length >> 1] : 0;
  };

  function lanes(stream, own, from, to, bin) {
    const zoomed = to - from < 0.9 * (head.stop - head.start);
    const level = stream.key !== "eeg" && zoomed && state.drawn.level;
    const kinds = stream.kinds.filter((kind) => state.drawn[kind]);
    const limit = stream.lane / state.taller;
    const lines = Object.fromEntries(kinds.map((kind) => [kind, { x: [], y: [] }]));
    const arrows = Object.fromEntries(kinds.map((kind) => [kind, { x: [], y: [], side: [] }]));
    const masks = { mask: { x: [], y: [] }, lost: { x: [], y: [] } };
    const spacing = (state.window[1] - state.window[0]) / ARROWS;
    own.shown.forEach((channel, lane) => {
      const waves = Math.max(1, stream.wavelengths.length);
      const series = channel * waves + own.wave;
      const drawn = Object.fromEntries(
        stream.kinds.map((kind) => [kind, line(stream, kind, series, from, to, bin)]),
      );
      const inside = ([x, y]) =>
        y.filter((_, i) => x[i] >= state.window[0] && x[i] <= state.window[1]);
      const begin = (seen) => middle(seen.slice(0, Math.ceil(seen.length / 10)));
      const after = inside(drawn.after);
      const shared = middle(after);
      for (const kind of kinds) {
        // earlier shifts separated the lines; what counts is how they continue from here
        const centre = shared + (level ? begin(inside(drawn[kind])) - begin(after) : 0);
        const { shown, arrows: beyond } =
          clipped(drawn[kind], centre, limit, spacing, head.saturation);
        for (let i = 0; i < shown.x.length; i++) {
          const height = shown.y[i];
          lines[kind].x.push(shown.x[i]);
          lines[kind].y.push(height === null ? null : height * EDGE - lane);
        }
        lines[kind].x.push(null);
        lines[kind].y.push(null);
        for (let i = 0; i < beyond.x.length; i++) {
          arrows[kind].x.push(beyond.x[i]);
          arrows[kind].y.push(beyond.y[i] * (EDGE - 0.07) - lane);
          arrows[kind].side.push(beyond.y[i]);
        }
      }
      for (const [kind, code] of [["mask", 1], ["lost", 2]])
        if (stream.mask && state.drawn[kind])
          for (const [begin, end] of masked(stream, channel, code, from, to, bin)) {
            masks[kind].x.push(begin, end, end, begin, null);
            masks[kind].y.push(-lane - 0.5, -lane - 0.5, 0.5 - lane, 0.5 - lane, null);
          }
    });
    return { lines, arrows, masks };
  }

  function ticks([from, to]) {
    const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600];
    const room = Math.max(3, chart.clientWidth / 90);
    const step = steps.find((s) => (to - from) / s <= room) ?? 7200;
    const values = [];
    for (let at = Math.ceil(from / step - 1e-9); at * step <= to; at++) values.push(at * step);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const text = (time) => {
      if (!minutes) return time.toFixed(digits);
      const tenths = Math.abs(time % 60).toFixed(digits);
      return `${Math.trunc(time / 60)}:${tenths.padStart(digits ? digits + 3 : 2, "0")}`;
    };
    return { tickvals: values, ticktext: values.map(text) };
  }
  const minutes = head.stop - head.start > 600;

  function eventRow(from, to) {
    const bars = { x: [], y: [] };
    const names = { x: [], y: [], text: [] };
    const least = (to - from) / 700;
    let free = -Infinity;
    for (const [onset, duration, name] of head.events) {
      if (onset > to || onset + duration < from) continue;
      const end = onset + Math.max(duration, least);
      bars.x.push(onset, end, end, onset, null);
      bars.y.push(0, 0, 0.35, 0.35, null);
      const at = Math.max(onset, state.window[0]);
      const room = ((Math.min(name.length, 18) + 2) * 6.2 * (to - from)) / chart.clientWidth;
      if (at < free || at + room > to) continue; // a name only where the last one has ended, and whole
      names.x.push(at);
      names.y.push(0.45);
      names.text.push(plain(name, 18));
      free = at + room;
    }
    return { bars, names };
  }

  const name = (stream, channel) =>
    plain(stream.channels[channel]) + (stream.bad.includes(channel) ? " ×" : "");
  // room for the longest name drawn
  const leftMargin = () => {
    const drawn = head.streams.flatMap((stream, s) =>
      state.streams[s].shown.map((channel) => name(stream, channel).length));
    return Math.max(chart.clientWidth < 600 ? 40 : 92, 18 + 7 * Math.max(0, ...drawn));
  };

  function figure() {
    const [from, to] = state.window;
    const span = to - from;
    const [left, right] = [from - MARGIN * span, to + MARGIN * span];
    const rows = state.streams.map((own) => Math.max(1, own.shown.length));
    const count = head.streams.reduce(
      (sum, stream, s) => sum + state.streams[s].shown.length * stream.kinds.length,
      0,
    );
    const columns = Math.max(60, Math.min(POINTS / Math.max(1, count) / 2, chart.clientWidth));
    const bin = span / columns;
    const laneHeight = Math.max(14, Math.min(34, 900 / rows.reduce((a, b) => a + b, 0)));
    const gap = 34;
    const heights = rows.map((count) => count * laneHeight);
    const marks = state.drawn.events && head.events.length ? 34 : 0;
    const inner = heights.reduce((a, b) => a + b, 0) + gap * heights.length + marks;
    const ink = css("--ink");
    const traces = [];
    const axis = { fixedrange: true, zeroline: false, showgrid: false, ticks: "", ticklabelstandoff: 5, color: ink };
    const layout = {
      width: chart.clientWidth, // else it would keep the width that it first had
      height: inner + 46,
      margin: { l: leftMargin(), r: 12, t: 4, b: 42 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
      showlegend: false,
      hovermode: false,
      dragmode: matchMedia("(pointer: coarse)").matches ? false : state.dragmode ?? "pan",
      annotations: [],
      modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--muted"), activecolor: css("--accent") },
      xaxis: {
        range: [from, to], ...ticks([from, to]), color: ink, gridcolor: css("--line"),
        zeroline: false, anchor: `y${head.streams.length > 1 ? head.streams.length : ""}`,
        title: { text: minutes ? "Time [min:s]" : "Time [s]", standoff: 6 },
        minallowed: head.start - span, maxallowed: head.stop + span,
      },
    };
    let top = inner;
    if (marks) {
      const { bars, names } = eventRow(left, right);
      const flat = { type: "scatter", xaxis: "x", yaxis: "y9", hoverinfo: "skip" };
      traces.push(
        { ...flat, ...bars, mode: "lines", fill: "toself", fillcolor: ink, line: { width: 0 }, meta: "events" },
        { ...flat, ...names, mode: "text", textposition: "top right", textfont: { size: 11 }, meta: "events" },
      );
      layout.yaxis9 = { ...axis, range: [0, 1.6], showticklabels: false,
        domain: [(top - marks) / inner, top / inner] };
    }
    top -= marks;
    head.streams.forEach((stream, s) => {
      const own = state.streams[s];
      const y = `y${s ? s + 1 : ""}`;
      const { lines, arrows, masks } = lanes(stream, own, left, right, bin);
      const shared = { type: "scatter", mode: "lines", xaxis: "x", yaxis: y, hoverinfo: "skip" };
      const shade = (kind) => masks[kind].x.length
        && traces.push({ ...shared, ...masks[kind], fill: "toself", fillcolor: `${colour(kind)}${kind === "lost" ? "99" : "55"}`,
          line: { width: 0 }, meta: `${stream.key} ${kind}` });
      shade("mask");
      for (const kind of ["before", "truth", "after"].filter((kind) => lines[kind])) {
        traces.push({ ...shared, ...lines[kind], connectgaps: false, meta: `${stream.key} ${kind}`,
          line: { width: 1, color: colour(kind) } });
        const { x, y: edge, side } = arrows[kind];
        const symbol = side.map((end) => (end > 0 ? "triangle-up" : "triangle-down"));
        if (x.length)
          traces.push({ ...shared, x, y: edge, mode: "markers", meta: `${stream.key} ${kind} beyond`,
            marker: { size: 6, color: colour(kind), symbol } });
      }
      shade("lost"); // on top: its lines mean nothing
      top -= gap;
      const low = top - heights[s];
      layout[`yaxis${s ? s + 1 : ""}`] = {
        ...axis, range: [-rows[s] + 1 - EDGE, EDGE], domain: [low / inner, top / inner],
        tickvals: own.shown.map((_, lane) => -lane),
        ticktext: own.shown.map((channel) => name(stream, channel)),
      };
      const size = (stream.lane / state.taller) * stream.quantum;
      const wave = stream.wavelengths.length ? ` ${stream.wavelengths[own.wave]} nm` : "";
      const [base] = stream.layers;
      const absent = from > stream.start + (base[1] * base[2]) / stream.rate || to < stream.start;
      layout.annotations.push({
        text: `<b>${stream.name}</b>${wave}: ${own.shown.length} of ${stream.channels.length}`
          + `${chart.clientWidth < 600 ? "" : " channels"}, `
          + (absent ? "not recorded here" : `${chart.clientWidth < 600 ? "" : "each lane is "}±${
            Number(size.toPrecision(2))} ${stream.unit}`)
          + (Object.values(arrows).some(({ x }) => x.length)
            ? `; ▲▼${chart.clientWidth < 600 ? "" : " beyond"}` : ""),
        xref: "paper", yref: "paper", x: 0, xanchor: "left", y: top / inner, yanchor: "bottom",
        showarrow: false, font: { size: 12 },
      });
      top = low;
    });
    return { traces, layout, bin };
  }

  function durationText(seconds) {
    return seconds < 0.1 ? `${(seconds * 1000).toPrecision(2)} ms` : `${seconds.toPrecision(2)} s`;
  }

  // What is drawn now, in words; also where the page contains no finer detail.
  function words(bin) {
    const [from, to] = state.window;
    const each = head.streams.map((stream) => {
      const drawn = pieces(stream, from, to, bin).map(([start, stop, number]) => {
        const width = stream.layers[number][1];
        const step = Math.max(1, Math.floor((bin * stream.rate) / width)) * width;
        return [step, stop - start];
      });
      const finest = Math.min(...drawn.map(([step]) => step));
      const coarsest = Math.max(...drawn.map(([step]) => step));
      const bins = (step) =>
        step === 1 ? "every sample" : `each point shows the minimum and maximum of ${durationText(step / stream.rate)}`;
      const limit = coarsest > 1 && coarsest === stream.layers[0][1];
      return `${stream.name}: ${bins(coarsest)}${limit ? " (this page contains no finer detail)" : ""}`
        + (finest < coarsest ? `, in part ${bins(finest)}` : "");
    });
    return `${from.toFixed(1)} to ${to.toFixed(1)} s. ${each.join(". ")}.`;
  }

  let asked = 0;
  async function draw() {
    const ticket = ++asked;
    const { traces, layout, bin } = figure();
    const waiting = [];
    for (const stream of head.streams)
      for (const [, , number] of pieces(stream, ...state.window, bin)) {
        const layer = layerOf(stream, number);
        if (layer instanceof Promise) waiting.push(layer);
      }
    if (waiting.length) {
      await Promise.all(waiting);
      if (ticket === asked) await draw();
      return;
    }
    await Plotly.react(chart, traces, layout, {
      displaylogo: false, doubleClick: false, responsive: false, displayModeBar: "hover",
      // named one by one: plotly's default set has a button that uploads the chart
      modeBarButtons: [["toImage"], ["zoom2d", "pan2d"]],
    });
    drawOverview();
    document.getElementById("shown").textContent = words(bin);
    head.streams.forEach((stream, s) => {
      whole.querySelector(`[data-count="${stream.key}"]`).textContent = state.streams[s].shown.length;
    });
  }

  function drawOverview() {
    const scale = devicePixelRatio || 1;
    const [width, height] = [overview.clientWidth, 44];
    overview.width = width * scale;
    overview.height = height * scale;
    const brush = overview.getContext("2d");
    brush.scale(scale, scale);
    const at = (time) => ((time - head.start) / (head.stop - head.start)) * width;
    brush.fillStyle = css("--panel");
    brush.fillRect(0, 0, width, height);
    brush.fillStyle = `${COLOURS.mask}88`;
    for (const [start, stop] of head.motion)
      brush.fillRect(at(start), 0, Math.max(1, at(stop) - at(start)), height);
    brush.fillStyle = colour("after");
    const shown = head.streams.filter((stream) => stream.overview.length);
    const tall = height / shown.length - 2;
    shown.forEach((stream, s) => {
      const last = stream.layers[0][2] * stream.layers[0][1] / stream.rate;
      stream.overview.forEach((value, i) => {
        const x = at(stream.start + (i * last) / stream.overview.length);
        const next = at(stream.start + ((i + 1) * last) / stream.overview.length);
        const size = (value / 255) * tall;
        brush.fillRect(x, (s + 1) * (tall + 2) - size, Math.max(1, next - x), size);
      });
    });
    const [left, right] = state.window.map(at);
    brush.strokeStyle = css("--ink");
    brush.lineWidth = 2;
    brush.strokeRect(left + 1, 1, Math.max(3, right - left - 2), height - 2);
  }

  // -- panning and zooming ----------------------------------------------------------------------

  function show(from, to) {
    const whole = head.stop - head.start;
    const span = Math.max(Math.min(NARROWEST, whole), Math.min(whole, to - from));
    const start = Math.max(head.start, Math.min(head.stop - span, from));
    state.window = [start, start + span];
    return draw();
  }
  const zoom = (factor, about = (state.window[0] + state.window[1]) / 2) => {
    const [from, to] = state.window;
    return show(about - (about - from) * factor, about + (to - about) * factor);
  };
  const shift = (share) => {
    const [from, to] = state.window;
    return show(from + share * (to - from), to + share * (to - from));
  };
  const around = ([start, stop]) => show((start + stop) / 2 - Math.max(10, stop - start),
    (start + stop) / 2 + Math.max(10, stop - start));
  const centre = () => (state.window[0] + state.window[1]) / 2;
  const height = (factor) => {
    state.taller = Math.max(1 / 64, Math.min(16, state.taller * factor));
    return draw();
  };
  const next = () => {
    const found = head.motion.find(([start, stop]) => (start + stop) / 2 > centre() + 0.01);
    return found && around(found);
  };
  const previous = () => {
    const found = head.motion.findLast(([start, stop]) => (start + stop) / 2 < centre() - 0.01);
    return found && around(found);
  };
  const actions = {
    whole: () => show(head.start, head.stop),
    largest: () => show(...head.strongest),
    next,
    previous,
    in: () => zoom(0.5),
    out: () => zoom(2),
    taller: () => height(Math.SQRT2),
    flatter: () => height(Math.SQRT1_2),
    left: () => shift(-0.25),
    right: () => shift(0.25),
    first: () => show(head.start, head.start + state.window[1] - state.window[0]),
    last: () => show(head.stop - (state.window[1] - state.window[0]), head.stop),
  };
  const keys = {
    ArrowLeft: "left", ArrowRight: "right", Home: "first", End: "last", "+": "in", "=": "in",
    "-": "out", 0: "whole", n: "next", p: "previous", m: "largest", ArrowUp: "taller",
    ArrowDown: "flatter",
  };

  function bind() {
    for (const button of whole.querySelectorAll("[data-do]"))
      button.addEventListener("click", () => actions[button.dataset.do]());
    for (const box of whole.querySelectorAll("[data-kind]"))
      box.addEventListener("change", () => {
        state.drawn[box.dataset.kind] = box.checked;
        draw();
      });
    head.streams.forEach((stream, s) => {
      const own = state.streams[s];
      const boxes = [...whole.querySelectorAll(`input[data-stream="${stream.key}"]`)];
      const tick = () => boxes.forEach((box, i) => (box.checked = own.shown.includes(i)));
      const picks = { most: stream.shown, all: stream.channels.map((_, i) => i), none: [] };
      for (const box of boxes)
        box.addEventListener("change", () => {
          own.shown = boxes.flatMap((b, i) => (b.checked ? [i] : []));
          draw();
        });
      for (const button of whole.querySelectorAll(`button[data-stream="${stream.key}"]`))
        button.addEventListener("click", () => {
          own.shown = [...picks[button.dataset.pick]];
          tick();
          draw();
        });
      const select = whole.querySelector(`select[data-stream="${stream.key}"]`);
      if (select) {
        select.value = own.wave;
        select.addEventListener("change", () => {
          own.wave = Number(select.value);
          draw();
        });
      }
      tick();
    });
    bindSensors(whole);
    chart.addEventListener("keydown", (event) => {
      const action = keys[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      actions[action]();
    });
    chart.addEventListener("wheel", (event) => {
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (!event.ctrlKey && !event.metaKey && !sideways) return; // the page scrolls
      event.preventDefault();
      if (sideways) return shift(Math.sign(event.deltaX) * 0.1);
      const box = chart.getBoundingClientRect();
      const left = chart._fullLayout._size.l;
      const share = (event.clientX - box.left - left) / (box.width - left - 12);
      const [from, to] = state.window;
      zoom(event.deltaY > 0 ? 1.25 : 0.8, from + Math.max(0, Math.min(1, share)) * (to - from));
    }, { passive: false });
    chart.addEventListener("dblclick", actions.whole);
    chart.on("plotly_relayout", (change) => {
      if (change.dragmode) state.dragmode = change.dragmode;
      if ("xaxis.range[0]" in change) show(change["xaxis.range[0]"], change["xaxis.range[1]"]);
    });
    let held = false;
    const jump = (event) => {
      const box = overview.getBoundingClientRect();
      const time = head.start + ((event.clientX - box.left) / box.width) * (head.stop - head.start);
      const half = (state.window[1] - state.window[0]) / 2;
      const size = half * 2 > 0.99 * (head.stop - head.start) ? (head.stop - head.start) / 20 : half;
      show(time - size, time + size);
    };
    overview.addEventListener("pointerdown", (event) => {
      held = true;
      overview.setPointerCapture(event.pointerId);
      jump(event);
    });
    overview.addEventListener("pointermove", (event) => held && jump(event));
    overview.addEventListener("pointerup", () => (held = false));
    dark.addEventListener("change", draw);
    let resized = 0;
    addEventListener("resize", () => {
      clearTimeout(resized);
      resized = setTimeout(draw, 100);
    });
  }

  try {
    const script = document.createElement("script");
    script.textContent = new TextDecoder().decode(await inflate("plotly"));
    document.head.append(script);
    whole.hidden = false;
    document.documentElement.classList.add("live");
    await draw();
    bind();
    chart.dataset.ready = "yes";
  } catch (error) {
    whole.hidden = true;
    document.documentElement.classList.remove("live");
    throw error;
  }
})();
