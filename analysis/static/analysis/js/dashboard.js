// Draws the table in the page as a chart: its rows become bars, which open the rows' links.
const dark = matchMedia("(prefers-color-scheme: dark)");
const compact = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 });
const formatters = {
  "": (value) => compact.format(value),
  dollars: (value) => `$${value >= 1000 ? compact.format(value) : +value.toFixed(2)}`,
  bytes: (value) => compact.format(value).replace(/B$/, "G").replace(/([A-Z]?)$/, " $1B").replace("K", "k"),
  ms: (value) => (value >= 1000 ? `${+(value / 1000).toFixed(2)} s` : `${value} ms`),
};

// The chart library is loaded after the first paint, since numbers matter more than charts.
const chartLibrary = new Promise((resolve) => {
  requestAnimationFrame(() => setTimeout(() => {
    const script = document.createElement("script");
    script.src = document.querySelector("[data-chart-script]").dataset.chartScript;
    script.onload = resolve;
    document.head.append(script);
  }));
});

class StatisticsChart extends HTMLElement {
  connectedCallback() {
    this.querySelector("details").open = false;
    this.rows = [...this.querySelectorAll("tbody tr")];
    this.observer = new IntersectionObserver(async (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      this.observer.disconnect();
      await chartLibrary;
      this.draw();
      dark.addEventListener("change", this.redraw);
    }, { rootMargin: "200px" });
    this.observer.observe(this);
  }

  disconnectedCallback() {
    this.observer.disconnect();
    dark.removeEventListener("change", this.redraw);
    this.chart?.destroy();
  }

  redraw = () => {
    this.chart.destroy();
    this.draw();
  };

  draw() {
    const series = [...this.querySelectorAll("[data-series]")];
    const { shape } = this.dataset;
    this.chart = new Chart(this.querySelector("canvas"), {
      type: shape === "line" ? "line" : "bar",
      data: {
        labels: this.rows.map((row) => row.querySelector("th").textContent),
        datasets: series.map((swatch, index) => this.datasetOf(swatch, index, shape)),
      },
      options: this.options(shape, series[0].dataset.unit),
    });
  }

  datasetOf(swatch, index, shape) {
    const color = getComputedStyle(swatch).backgroundColor;
    return {
      label: swatch.dataset.series,
      data: this.rows.map((row) => Number(row.querySelectorAll("[data-value]")[index].dataset.value)),
      backgroundColor: shape === "line" ? color.replace("rgb(", "rgba(").replace(")", ", 0.14)") : color,
      borderColor: color,
      borderWidth: shape === "line" ? 2 : 0,
      borderRadius: 3,
      maxBarThickness: 28,
      pointRadius: 0,
      pointHitRadius: 12,
      fill: shape === "line",
      tension: 0.2,
    };
  }

  options(shape, unit) {
    const style = getComputedStyle(this.querySelector(".chart-canvas"));
    const isAcross = shape === "across";
    const stacked = "stacked" in this.dataset;
    const font = { family: style.fontFamily, size: 12 };
    const valueAxis = {
      beginAtZero: true,
      stacked,
      grid: { color: style.borderTopColor },
      border: { display: false },
      ticks: { color: style.color, font, maxTicksLimit: 5, precision: unit === "" ? 0 : undefined, callback: formatters[unit] },
    };
    const nameAxis = {
      stacked,
      grid: { display: false },
      border: { color: style.borderTopColor },
      ticks: { color: style.color, font, autoSkip: !isAcross, maxRotation: 0, callback: this.shorten(isAcross) },
    };
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: isAcross ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: isAcross ? "y" : "x" },
      scales: isAcross ? { x: valueAxis, y: nameAxis } : { x: nameAxis, y: valueAxis },
      plugins: { legend: { display: false }, tooltip: { callbacks: { label: (item) => this.tooltip(item) } } },
      onClick: (event, items) => this.follow(items),
      onHover: (event, items) => {
        event.native.target.classList.toggle("is-linked", Boolean(this.link(items)));
      },
    };
  }

  // Shortens long names, which would leave no room for the bars.
  shorten(isAcross) {
    const maxLength = isAcross ? 22 : 12;
    return function shortenLabel(value) {
      const name = this.getLabelForValue(value);
      return name.length > maxLength ? `${name.slice(0, maxLength - 1)}…` : name;
    };
  }

  tooltip(item) {
    const cell = this.rows[item.dataIndex].querySelectorAll("[data-value]")[item.datasetIndex];
    return `${item.dataset.label}: ${cell.textContent}`;
  }

  link(items) {
    return items.length ? this.rows[items[0].index].querySelector("a") : null;
  }

  follow(items) {
    this.link(items)?.click();
  }
}

customElements.define("statistics-chart", StatisticsChart);
