"use strict";
// Draws the charts of the page and switches its theme. Colours of text and axes are the page's own
// variables, so that a theme or a printer changes them without drawing anew.
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
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

  async function draw(chart) {
    const place = document.getElementById(chart.key);
    try {
      await vegaEmbed(place, chart.spec, options("svg", onPage));
    } catch (error) {
      place.textContent = "This chart could not be drawn; its table is below.";
      console.error(chart.key, error);
    }
  }

  async function save(key, kind) {
    const chart = charts.find((each) => each.key === key);
    const away = document.createElement("div");
    const drawn = await vegaEmbed(away, chart.spec, options(kind === "svg" ? "svg" : "canvas", onPaper));
    const link = document.createElement("a");
    link.href = await drawn.view.toImageURL(kind, 2);
    link.download = key + "." + kind;
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
  for (const button of document.querySelectorAll("[data-save]")) {
    button.addEventListener("click", () => save(button.dataset.of, button.dataset.save));
  }
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
    for (const chart of charts) {
      await draw(chart);
    }
    root.dataset.drawn = String(charts.length);
  })();
})();
