"use strict";
// Draws the charts of the page and switches its theme. Colours of text and axes are the page's own
// variables, so that a theme or a printer changes them without drawing anew.
(() => {
  const root = document.documentElement;
  const NARROW = 640; // pixels: a screen on which panels stand below each other

  function colours(ink, soft, grid) {
    const axis = { labelFontSize: 12, titleFontSize: 12, labelColor: ink, titleColor: ink, domainColor: soft, tickColor: soft, gridColor: grid };
    return {
      background: "transparent",
      font: "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif",
      axis: axis,
      legend: { labelFontSize: 12, labelLimit: 320, labelColor: ink, titleColor: ink },
      header: { labelFontSize: 12, labelColor: ink, titleColor: ink },
      title: { color: ink, subtitleColor: soft },
      text: { color: ink },
      rule: { color: ink },
      view: { stroke: grid },
      style: { part: { stroke: ink, strokeWidth: 0.7 } },
    };
  }

  function options(renderer, config) {
    return { mode: "vega-lite", ast: true, actions: false, renderer: renderer, config: config,
             tooltip: { disableDefaultStyle: true } };
  }

  const onPage = colours("var(--ink)", "var(--soft)", "var(--grid)");
  const onPhone = colours("var(--ink)", "var(--soft)", "var(--grid)");
  onPhone.legend.layout = { top: { direction: "vertical", anchor: "start" } };
  const onPaper = Object.assign(colours("#16191d", "#4d545d", "#e3e6ea"), { background: "#ffffff" });

  function failed(place, error) {
    place.textContent = "The chart could not be drawn; its table is below.";
    console.error(place.id, error);
  }

  // On a narrow screen: panels one below the other, names and plots less wide.
  function fitted(spec, room, within) {
    if (Array.isArray(spec)) return spec.map((part) => fitted(part, room, within));
    if (spec === null || typeof spec !== "object") return spec;
    const out = {};
    for (const [key, value] of Object.entries(spec)) {
      if (key === "datasets" || key === "data") out[key] = value;
      else if (key === "columns" && within !== "legend") out[key] = 1;
      else if (key === "width") out[key] = Math.min(value, room);
      else if (key === "tickCount") out[key] = Math.min(value, 4);
      else if (key === "labelLimit" && within === "axis") out[key] = 120;
      else if (key === "legend" && value) out[key] = Object.assign({}, value, { columns: 2, labelLimit: 150 });
      else out[key] = fitted(value, room, key);
    }
    return out;
  }

  async function draw(chart) {
    const place = document.getElementById(chart.key);
    const width = place.clientWidth;
    const narrow = width < NARROW;
    const spec = narrow ? fitted(chart.spec, Math.max(120, width - 190), "") : chart.spec;
    try {
      await vegaEmbed(place, spec, options("svg", narrow ? onPhone : onPage));
    } catch (error) {
      failed(place, error);
    }
  }

  async function unpacked(id) {
    const held = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(held, (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  // The page's policy lets this text run, and no other.
  async function library() {
    const script = document.createElement("script");
    script.textContent = await unpacked("library");
    document.head.append(script);
  }

  function addButtons(chart) {
    const title = document.getElementById(chart.key + "-title");
    const group = document.createElement("span");
    group.className = "save";
    for (const kind of ["svg", "png"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = kind.toUpperCase();
      button.dataset.save = kind;
      button.setAttribute("aria-label", "Save as " + kind.toUpperCase() + ": " + title.textContent);
      button.addEventListener("click", () => save(chart, kind));
      group.append(button);
    }
    title.after(group);
  }

  async function save(chart, kind) {
    const away = document.createElement("div");
    const drawn = await vegaEmbed(away, chart.spec, options(kind === "svg" ? "svg" : "canvas", onPaper));
    const link = document.createElement("a");
    link.href = await drawn.view.toImageURL(kind, 2);
    link.download = chart.key + "." + kind;
    link.click();
    drawn.finalize();
  }

  function isDark() {
    const chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
  });
  // A link to a source, or to the recipes, opens the list that it leads to.
  function openTarget() {
    const target = document.getElementById(location.hash.slice(1));
    const list = target && target.closest("details");
    if (list) {
      list.open = true;
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", openTarget);

  (async () => {
    await library();
    const all = JSON.parse(await unpacked("charts"));
    for (const chart of all) {
      addButtons(chart);
      await draw(chart);
    }
    openTarget();
    root.dataset.drawn = String(all.length);
  })().catch((error) => document.querySelectorAll(".chart").forEach((place) => failed(place, error)));
})();
