// Draws the table that stands in the page: its rows are the bars, its links are where a click leads.
const dark = matchMedia("(prefers-color-scheme: dark)");
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const said = {
  "": (value) => short.format(value),
  dollars: (value) => `$${value >= 1000 ? short.format(value) : +value.toFixed(2)}`,
  bytes: (value) => short.format(value).replace(/B$/, "G").replace(/([A-Z]?)$/, " $1B").replace("K", "k"),
  ms: (value) => (value >= 1000 ? `${+(value / 1000).toFixed(2)} s` : `${value} ms`),
};

// What draws is fetched when the page has been painted: figures are there before charts are.
const drawing = new Promise((resolve) => {
  requestAnimationFrame(() => setTimeout(() => {
    const script = document.createElement("script");
    script.src = document.querySelector("[data-chart-script]").dataset.chartScript;
    script.onload = resolve;
    document.head.append(script);
  }));
});

class FigureChart extends HTMLElement {
  connectedCallback() {
    this.querySelector("details").open = false;
    this.rows = [...this.querySelectorAll("tbody tr")];
    this.seen = new IntersectionObserver(async (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      this.seen.disconnect();
      await drawing;
      this.draw();
      dark.addEventListener("change", this.redraw);
    }, { rootMargin: "200px" });
    this.seen.observe(this);
  }

  disconnectedCallback() {
    this.seen.disconnect();
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
        datasets: series.map((swatch, place) => this.datasetOf(swatch, place, shape)),
      },
      options: this.options(shape, series[0].dataset.unit),
    });
  }

  datasetOf(swatch, place, shape) {
    const color = getComputedStyle(swatch).backgroundColor;
    return {
      label: swatch.dataset.series,
      data: this.rows.map((row) => Number(row.querySelectorAll("[data-value]")[place].dataset.value)),
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
    const style = getComputedStyle(this.querySelector(".canvas"));
    const isAcross = shape === "across";
    const stacked = "stacked" in this.dataset;
    const font = { family: style.fontFamily, size: 12 };
    const figures = {
      beginAtZero: true,
      stacked,
      grid: { color: style.borderTopColor },
      border: { display: false },
      ticks: { color: style.color, font, maxTicksLimit: 5, precision: unit === "" ? 0 : undefined, callback: said[unit] },
    };
    const names = {
      stacked,
      grid: { display: false },
      border: { color: style.borderTopColor },
      ticks: { color: style.color, font, autoSkip: !isAcross, maxRotation: 0, callback: this.shortened(isAcross) },
    };
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: isAcross ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: isAcross ? "y" : "x" },
      scales: isAcross ? { x: figures, y: names } : { x: names, y: figures },
      plugins: { legend: { display: false }, tooltip: { callbacks: { label: (item) => this.told(item) } } },
      onClick: (event, items) => this.follow(items),
      onHover: (event, items) => {
        event.native.target.classList.toggle("linked", Boolean(this.link(items)));
      },
    };
  }

  // Long names would leave no room for the bars.
  shortened(isAcross) {
    const most = isAcross ? 22 : 12;
    return function shorten(value) {
      const name = this.getLabelForValue(value);
      return name.length > most ? `${name.slice(0, most - 1)}…` : name;
    };
  }

  told(item) {
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

customElements.define("figure-chart", FigureChart);
