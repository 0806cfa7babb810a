// Two pictures that are zoomed and moved together.
class CompareZoom extends HTMLElement {
  connectedCallback() {
    this.addEventListener("zoom-change", ({ target, detail }) => {
      for (const zoom of this.querySelectorAll("picture-zoom")) if (zoom !== target) zoom.follow(detail);
    });
  }
}

customElements.define("compare-zoom", CompareZoom);
