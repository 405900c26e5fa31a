"use strict";
// Draws the charts of the page and switches its theme. Colours of text and axes are the page's own
// variables, so that a theme or a printer changes them without drawing anew.
(() => {
  const root = document.documentElement;

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
    };
  }

  function options(renderer, config) {
    return { mode: "vega-lite", ast: true, actions: false, renderer: renderer, config: config,
             tooltip: { disableDefaultStyle: true } };
  }

  const onPage = colours("var(--ink)", "var(--soft)", "var(--grid)");
  const onPaper = Object.assign(colours("#16191d", "#4d545d", "#e3e6ea"), { background: "#ffffff" });

  function failed(place, error) {
    place.textContent = "The chart could not be drawn; its table is below.";
    console.error(place.id, error);
  }

  async function draw(chart) {
    const place = document.getElementById(chart.key);
    try {
      await vegaEmbed(place, chart.spec, options("svg", onPage));
    } catch (error) {
      failed(place, error);
    }
  }

  async function charts() {
    const packed = atob(document.getElementById("charts").textContent);
    const bytes = Uint8Array.from(packed, (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
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
  // A link to a source opens the list that it is in.
  window.addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1));
    const list = target && target.closest("details");
    if (list) {
      list.open = true;
      target.scrollIntoView();
    }
  });

  (async () => {
    const all = await charts();
    for (const chart of all) {
      addButtons(chart);
      await draw(chart);
    }
    root.dataset.drawn = String(all.length);
  })().catch((error) => document.querySelectorAll(".chart").forEach((place) => failed(place, error)));
})();
