// The page's surface and decision explorer: draws what law.js computes from the JSON beside it.

(() => {
  const GRID = 32; // lines of the surface each way
  const CURVE = 25; // budgets along the curve
  const INK = "#222222";
  const MUTED = "#6b6b6b";
  const PALE = "#e4e4e4";

  const panels = JSON.parse(document.getElementById("explorer-data").textContent);
  const at = (name) => document.getElementById(`explorer-${name}`);
  const spaced = (low, high, n) =>
    Array.from({ length: n }, (_, i) => low * (high / low) ** (i / (n - 1)));
  const oneDigit = (value) => Number(value.toPrecision(1));

  function shown(value) {
    if (value >= 1e7 || value < 1e-3) return value.toExponential(2).replace("e+", "e");
    return Number(value.toPrecision(3)).toLocaleString("en-GB", { maximumSignificantDigits: 3 });
  }

  const bracketed = (ends, write) => (ends ? ` [${write(ends[0])}, ${write(ends[1])}]` : "");

  // Sliders move along logarithms: `start` in the middle, so many decades to either side.
  const sliders = Object.fromEntries(
    Object.entries({
      budget: [panels[0].window.p[1], 2],
      step: [1, 2],
      point: [oneDigit(panels[0].window.p[1] / panels[0].window.f[1]), 2],
    }).map(([name, [start, decades]]) => {
      const input = at(name);
      const middle = Math.log10(start);
      Object.assign(input, { min: middle - decades, max: middle + decades, step: "any", value: middle });
      return [name, { input, ends: [start / 10 ** decades, start * 10 ** decades] }];
    }),
  );

  // Ticks at 1, 2 and 5, or where the axis is long at powers of ten.
  const ticks = ([low, high]) => ({ dtick: high / low > 300 ? 1 : "D2" });
  const axis = (title, more) => ({
    title: { text: title, standoff: 8 },
    type: "log",
    tickformat: "~s",
    color: INK,
    gridcolor: PALE,
    zeroline: false,
    ...more,
  });
  const layout = (more) => ({
    autosize: true,
    font: { family: "system-ui, sans-serif", size: 12, color: INK },
    paper_bgcolor: "white",
    plot_bgcolor: "white",
    ...more,
  });
  const config = { responsive: true, displayModeBar: false };

  function drawSurface(panel) {
    // On a phone long titles of the axes would be cut off.
    const narrow = at("surface").clientWidth < 500;
    const far = narrow ? 2.1 : 1.5;
    const p = spaced(...panel.window.p, GRID);
    const f = spaced(...panel.window.f, GRID);
    const [pale, middle, dark] = panel.shades;
    const z = f.map((points) => p.map((steps) => transferLaw.loss(panel.estimate, steps, points)));
    const surface = {
      type: "surface",
      x: p,
      y: f,
      z,
      surfacecolor: z.map((row) => row.map(Math.log)),
      colorscale: [[0, dark], [0.5, middle], [1, pale]],
      showscale: false,
      opacity: 0.85,
      lighting: { ambient: 1, diffuse: 0, specular: 0 },
      contours: { z: { show: true, color: "#ffffff", width: 1, highlight: false } },
      hovertemplate: "p %{x:.4g}<br>f %{y:.4g}<br>the law %{z:.3f}<extra></extra>",
    };
    const markers = (measured, name, symbol) => ({
      type: "scatter3d",
      mode: "markers",
      name,
      x: measured.map((one) => one.p),
      y: measured.map((one) => one.f),
      z: measured.map((one) => one.loss),
      marker: { size: 3, color: INK, symbol },
      hovertemplate: "p %{x}<br>f %{y}<br>measured %{z:.3f}<extra></extra>",
    });
    const fitted = panel.measured.filter((one) => one.fitted);
    const others = panel.measured.filter((one) => !one.fitted);
    Plotly.react(
      at("surface"),
      [surface, markers(fitted, "fitted", "circle"), markers(others, "not fitted", "circle-open")],
      layout({
        margin: { l: 0, r: 0, t: 0, b: 0 },
        showlegend: false,
        uirevision: "kept", // a view that was turned stays so when the dataset changes
        scene: {
          xaxis: axis(narrow ? "p" : "steps p", ticks(panel.window.p)),
          yaxis: axis(narrow ? "f" : "data points f", ticks(panel.window.f)),
          zaxis: axis("loss", { tickformat: ".2~f", nticks: 5 }),
          camera: { eye: { x: far, y: far, z: 0.8 }, center: { x: 0, y: 0, z: -0.15 } },
          aspectmode: "cube",
        },
      }),
      config,
    );
    const text = `The fitted law on ${panel.name} and ${fitted.length} measured losses${
      others.length ? `, with ${others.length} outside the fitted window hollow` : ""
    }. Drag to turn.`;
    at("surface-text").textContent = text;
    at("surface").setAttribute("aria-label", text);
  }

  // What the sliders and the dataset ask for, and its answer.
  function answered(panel, budget, step, point) {
    const best = transferLaw.allocate(panel.estimate, budget, step, point);
    const replicates = best && panel.replicates.map((law) => transferLaw.allocate(law, budget, step, point));
    return { best, replicates };
  }

  function write(panel, { best, replicates }) {
    const whole = (value) => shown(value);
    const percent = (value) => `${shown(100 * value)} %`;
    const nats = (value) => value.toFixed(3);
    const fields = { steps: whole, points: whole, share: percent, loss: nats };
    for (const [field, writer] of Object.entries(fields)) {
      at(field).textContent = best
        ? writer(best[field]) + bracketed(transferLaw.interval(replicates.map((one) => one[field])), writer)
        : "–";
    }
    const within = (value, [low, high]) => low <= value && value <= high;
    const notes = [];
    if (!best) notes.push("The budget does not pay for one pre-training step and one data point.");
    else if (!within(best.steps, panel.window.p) || !within(best.points, panel.window.f))
      notes.push("This split lies outside the fitted window: it extrapolates the law.");
    if (panel.stale) notes.push("The runs have changed since this law was fitted to them.");
    at("note").textContent = notes.join(" ");
  }

  function drawTrade(panel, { best, replicates }, budget, step, point) {
    const [p, f] = [panel.window.p, panel.window.f];
    const reach = (ends, value) => [Math.min(ends[0], value) / 2, Math.max(ends[1], value) * 2];
    const x = best ? reach(p, best.steps) : reach(p, p[0]);
    const y = best ? reach(f, best.points) : reach(f, f[0]);
    const across = spaced(...x, 80);
    const line = (name, steps, points, style) => ({ mode: "lines", name, x: steps, y: points, line: style, hoverinfo: "skip" });
    // What is left for data, and from where little is, what is left for steps: both ends of the curve are steep.
    const half = across.filter((steps) => step * steps < budget / 2);
    const rest = spaced(budget / 2 / point, y[0], 80).filter((points) => point * points < budget / 2);
    const bought = [
      [...half, ...rest.map((points) => (budget - point * points) / step)],
      [...half.map((steps) => (budget - step * steps) / point), ...rest],
    ];
    const traces = best
      ? [
          {
            mode: "markers",
            name: "best by each replicate",
            x: replicates.map((one) => one.steps),
            y: replicates.map((one) => one.points),
            marker: { size: 4, color: panel.shades[0], opacity: 0.5 },
            hoverinfo: "skip",
          },
          line(
            "what the budget buys",
            ...bought,
            { color: MUTED, width: 1.5, dash: "dot" },
          ),
          line(
            "equal loss",
            across,
            across.map((steps) => transferLaw.pointsFor(panel.estimate, best.loss, steps)),
            { color: panel.shades[1], width: 2.5 },
          ),
          {
            mode: "markers",
            name: "best split",
            x: [best.steps],
            y: [best.points],
            marker: { size: 11, color: INK, symbol: "diamond" },
            hovertemplate: "p %{x:.4g}<br>f %{y:.4g}<extra></extra>",
          },
        ]
      : [];
    const window = {
      type: "rect",
      layer: "below",
      x0: p[0],
      x1: p[1],
      y0: f[0],
      y1: f[1],
      fillcolor: "#f2f2f2",
      line: { width: 0 },
      label: { text: "fitted window", textposition: "bottom left", font: { size: 11, color: MUTED } },
    };
    const log = (ends) => ends.map(Math.log10);
    Plotly.react(
      at("trade"),
      traces,
      layout({
        margin: { l: 55, r: 10, t: 10, b: 45 },
        xaxis: axis("pre-training steps p", { range: log(x), ...ticks(x) }),
        yaxis: axis("data points f", { range: log(y), ...ticks(y) }),
        legend: { orientation: "h", y: -0.22, yanchor: "top" },
        shapes: [window],
      }),
      config,
    );
  }

  function drawCurve(panel, { best }, budget, step, point) {
    const budgets = spaced(...sliders.budget.ends, CURVE).filter((one) => one >= step + point);
    const least = budgets.map((one) => transferLaw.allocate(panel.estimate, one, step, point).loss);
    const bands = budgets.map((one) =>
      transferLaw.interval(panel.replicates.map((law) => transferLaw.allocate(law, one, step, point).loss)),
    );
    const known = panel.replicates.length > 0;
    const edge = (end, more) => ({
      mode: "lines",
      x: budgets,
      y: known ? bands.map((band) => band[end]) : [],
      line: { width: 0 },
      hoverinfo: "skip",
      showlegend: false,
      ...more,
    });
    const band = { fill: "tonexty", fillcolor: `${panel.shades[1]}40`, name: "95 % band", showlegend: true };
    Plotly.react(
      at("curve"),
      [
        edge(0),
        edge(1, band),
        {
          mode: "lines",
          name: "least loss",
          x: budgets,
          y: least,
          line: { color: panel.shades[1], width: 2.5 },
          hovertemplate: "budget %{x:.3g}<br>loss %{y:.3f}<extra></extra>",
        },
        {
          mode: "markers",
          name: "this budget",
          x: best ? [budget] : [],
          y: best ? [best.loss] : [],
          marker: { size: 11, color: INK, symbol: "diamond" },
          hoverinfo: "skip",
        },
      ],
      layout({
        margin: { l: 55, r: 10, t: 10, b: 45 },
        xaxis: axis("budget", ticks(sliders.budget.ends)),
        yaxis: axis("least loss, nats per token", { tickformat: ".2~f", nticks: 6 }),
        legend: { orientation: "h", y: -0.22, yanchor: "top" },
      }),
      config,
    );
  }

  function decide() {
    const panel = panels[at("panel").value];
    const asked = Object.entries(sliders).map(([name, { input }]) => {
      const value = 10 ** Number(input.value);
      at(`${name}-value`).textContent = shown(value);
      input.setAttribute("aria-valuetext", shown(value));
      return value;
    });
    const answer = answered(panel, ...asked);
    write(panel, answer);
    drawTrade(panel, answer, ...asked);
    drawCurve(panel, answer, ...asked);
  }

  let waiting = false;
  function soon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      decide();
    });
  }

  async function loadPlotly() {
    const packed = await fetch(at("plotly").textContent);
    const unpacked = packed.body.pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(unpacked).text();
    document.head.append(script);
  }

  async function start() {
    await loadPlotly();
    panels.forEach((panel, i) => at("panel").add(new Option(panel.name, i)));
    at("panel").addEventListener("input", () => {
      drawSurface(panels[at("panel").value]);
      soon();
    });
    Object.values(sliders).forEach(({ input }) => input.addEventListener("input", soon));
    drawSurface(panels[0]);
    decide();
  }

  // Not before a reader comes near: the page opens without it.
  const near = new IntersectionObserver(
    ([explorer]) => {
      if (!explorer.isIntersecting) return;
      near.disconnect();
      start();
    },
    { rootMargin: "800px" },
  );
  near.observe(document.getElementById("explorer"));
})();
