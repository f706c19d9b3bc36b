// Which part of the recording is shown, and how wide a second is.

const MAX_PIXELS_PER_S = 500;
const FIRST_S = 40; // seconds shown at first
const PAGE = 0.9; // share of the width that paging moves by

export class View extends EventTarget {
  start = 0; // seconds at the left edge
  scale = 20; // pixels a second
  width = 1;
  duration = 1;

  get end() {
    return this.start + this.width / this.scale;
  }

  x(time) {
    return (time - this.start) * this.scale;
  }

  time(x) {
    return this.start + x / this.scale;
  }

  resize(width) {
    const first = this.width <= 1;
    this.width = Math.max(width, 1);
    if (first) this.scale = this.width / Math.min(FIRST_S, this.duration);
    this.#settle();
  }

  setDuration(duration) {
    if (duration === this.duration) return;
    this.duration = Math.max(duration, 0.1);
    this.#settle();
  }

  scrollTo(start) {
    this.start = start;
    this.#settle();
  }

  scrollBy(pixels) {
    this.scrollTo(this.start + pixels / this.scale);
  }

  // Zooms so that a time stays where it is.
  zoom(factor, time = (this.start + this.end) / 2) {
    const x = this.x(time);
    this.scale = Math.min(Math.max(this.scale * factor, this.width / this.duration), MAX_PIXELS_PER_S);
    this.start = time - x / this.scale;
    this.#settle();
  }

  fit() {
    this.scale = this.width / this.duration;
    this.scrollTo(0);
  }

  // Shows a span, if it is not in view: at a quarter of the width.
  reveal(start, end = start) {
    if (start >= this.start && end <= this.end) return;
    this.scrollTo(start - this.width / this.scale / 4);
  }

  // Keeps the playing position in view, page by page.
  keep(time) {
    if (time < this.start || time > this.start + (this.width / this.scale) * PAGE) {
      this.scrollTo(time - (this.width / this.scale) * (1 - PAGE));
    }
  }

  #settle() {
    this.scale = Math.max(this.scale, this.width / this.duration);
    this.start = Math.max(Math.min(this.start, this.duration - this.width / this.scale), 0);
    this.dispatchEvent(new Event("change"));
  }
}
