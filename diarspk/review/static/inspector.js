// The bar of the selected turn: what it is, and fields to change it.

import { clock, count, describe, percent } from "./format.js";
import { askNewSpeaker } from "./dialogs.js";

const NEW = "\u0000new";

export class Inspector {
  constructor(app) {
    this.app = app;
    this.text = document.getElementById("selection");
    this.announced = document.getElementById("announced"); // the fields say the rest to the eye
    this.fields = document.getElementById("fields");
    this.speaker = document.getElementById("turn-speaker");
    this.times = { start: document.getElementById("turn-start"), end: document.getElementById("turn-end") };
    for (const name of ["turns", "selection", "preview"])
      app.store.addEventListener(name, () => this.update());
    this.speaker.addEventListener("change", () => this.#assign());
    for (const [edge, field] of Object.entries(this.times))
      field.addEventListener("change", () => this.#move(edge, field));
  }

  update() {
    const { store } = this.app;
    const chosen = store.chosen;
    this.fields.hidden = !chosen.length || store.readOnly;
    this.announced.textContent = this.#describe(chosen);
    this.text.textContent =
      this.fields.hidden || chosen.length > 1 ? this.announced.textContent : certainty(chosen[0]);
    if (this.fields.hidden) return;
    const names = [...store.speakers, NEW].map(
      (name) => new Option(name === NEW ? "New speaker …" : name, name),
    );
    this.speaker.replaceChildren(...names);
    const speakers = new Set(chosen.map((turn) => turn.speaker));
    this.speaker.value = speakers.size === 1 ? [...speakers][0] : "";
    for (const [edge, field] of Object.entries(this.times)) {
      field.parentElement.hidden = chosen.length > 1;
      if (chosen.length === 1) field.value = store.times(chosen[0])[edge].toFixed(2);
    }
  }

  #describe(chosen) {
    const { range } = this.app.store;
    if (range)
      return `${clock(range.start, 2)} to ${clock(range.end, 2)}: Enter makes a turn, a letter gives the speech to a speaker`;
    if (!chosen.length) return "Nothing selected. Click a turn, or press . for the next one.";
    if (chosen.length === 1) return describe({ ...chosen[0], ...this.app.store.preview });
    return count(chosen.length, "turn") + " selected";
  }

  async #assign() {
    const name = this.speaker.value === NEW ? await askNewSpeaker(this.app) : this.speaker.value;
    if (name) await this.app.commands.assign(name);
    this.update();
  }

  #move(edge, field) {
    const turn = this.app.store.single;
    const value = field.valueAsNumber;
    if (turn && Number.isFinite(value) && value !== turn[edge])
      this.app.store.operate({ op: "move", turn: turn.number, [edge]: value });
    else this.update();
  }
}

function certainty(turn) {
  if (turn.reviewed) return "Reviewed";
  return turn.confidence === undefined ? "Not reviewed" : `Confidence ${percent(turn.confidence)}`;
}
