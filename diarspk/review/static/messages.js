// What the page says: errors, progress, and that all is saved.

const SHOWN_MS = 6000;

export class Messages {
  #timer = null;

  constructor() {
    this.box = document.getElementById("message");
    this.progress = document.getElementById("progress");
    this.saved = document.getElementById("saved");
  }

  tell(text) {
    this.box.textContent = text;
    this.box.hidden = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.box.hidden = true), SHOWN_MS);
  }

  working(stage, fraction) {
    this.progress.hidden = false;
    this.progress.querySelector("span").textContent = stage;
    this.progress.querySelector("progress").value = fraction;
    this.progress.setAttribute("aria-valuenow", Math.round(100 * fraction));
  }

  done() {
    this.progress.hidden = true;
  }

  state({ operations, log }) {
    this.saved.textContent = operations ? `Saved in ${log}` : "";
  }
}
