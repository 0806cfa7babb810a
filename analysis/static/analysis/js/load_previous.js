// Loads the previous pictures of a result that does not begin at its start, once the user scrolls up to them. The visible
// ones stay in place. Without this script they are a separate page.
import { fetchHtml, parseHtml } from "./fragments.js";
import { replaceUrl } from "./scroll_restore.js";

// Pixels above the viewport, so that most rows whose breaks change are out of sight.
const MARGIN = 2_000;
const KEYS = ["ArrowUp", "PageUp", "Home"];

class LoadPrevious extends HTMLElement {
  connectedCallback() {
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    this.position = 0; // so that a jump, which scrolls to the top, does not load more
    addEventListener("scroll", () => this.handleScroll(), { passive: true, signal });
    // At the very top there are no scroll events.
    addEventListener("wheel", ({ deltaY }) => deltaY < 0 && this.loadIfNear(), { passive: true, signal });
    addEventListener("touchstart", ({ touches }) => (this.touched = touches[0].clientY), { passive: true, signal });
    addEventListener("touchmove", ({ touches }) => touches[0].clientY > this.touched && this.loadIfNear(), { passive: true, signal });
    addEventListener("keydown", (event) => KEYS.includes(event.key) && !event.defaultPrevented && this.loadIfNear(), { signal });
    this.addEventListener("click", (event) => this.handleClick(event), { signal });
  }

  disconnectedCallback() {
    this.listeners.abort();
  }

  handleScroll() {
    const isUp = scrollY < this.position;
    this.position = scrollY;
    if (isUp) this.loadIfNear();
  }

  handleClick(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.load();
  }

  loadIfNear() {
    if (this.getBoundingClientRect().bottom > -MARGIN) this.load();
  }

  async load() {
    if (this.isLoading) return;
    this.isLoading = true;
    const url = new URL(this.dataset.url, location);
    // More pages may have been loaded below.
    url.searchParams.set("page", new URLSearchParams(location.search).get("pages") ?? "1");
    const html = await fetchHtml(url);
    this.isLoading = false;
    if (html && this.isConnected) this.add(parseHtml(html));
  }

  add(content) {
    const { children, dataset } = content.querySelector("ul");
    const grid = document.querySelector("virtual-grid");
    const next = content.querySelector("load-previous");
    updateLoadMore(dataset);
    if (dataset.url) replaceUrl(dataset.url);
    grid.prependPage([...children]);
    if (next) this.replaceWith(next);
    else this.remove();
  }
}

// The range of the next page now begins earlier.
function updateLoadMore({ start, pages }) {
  const more = document.querySelector("#load-more");
  if (!more) return;
  const url = new URL(more.getAttribute("hx-get"), location);
  url.searchParams.set("start", start);
  url.searchParams.set("page", Number(pages) + 1);
  more.setAttribute("hx-get", url.pathname + url.search);
  htmx.process(more);
}

customElements.define("load-previous", LoadPrevious);
