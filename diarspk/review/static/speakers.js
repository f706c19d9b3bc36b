// Names beside the lanes; a name opens what can be done with the speaker.

import { askSpeaker } from "./dialogs.js";
import { clock, letter } from "./format.js";

export class Speakers {
  constructor(list, app) {
    this.list = list;
    this.app = app;
    app.store.addEventListener("turns", () => this.update());
  }

  update() {
    const { store } = this.app;
    const seconds = new Map();
    for (const turn of store.turns)
      seconds.set(turn.speaker, (seconds.get(turn.speaker) ?? 0) + turn.end - turn.start);
    this.list.replaceChildren(
      ...store.speakers.map((speaker, lane) => this.#item(speaker, lane, seconds.get(speaker))),
    );
  }

  #item(speaker, lane, seconds) {
    const item = document.createElement("li");
    item.style.setProperty("--speaker", `var(--speaker-${this.app.store.colours.get(speaker) % 10})`);
    const button = document.createElement("button");
    const key = document.createElement("kbd");
    key.textContent = letter(lane);
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = speaker;
    const time = document.createElement("span");
    time.className = "muted";
    time.textContent = clock(seconds, 0);
    button.append(key, name, time);
    button.title = `${speaker}: ${clock(seconds, 0)} of speech. Rename, merge or split.`;
    button.setAttribute(
      "aria-label",
      `${speaker}, key ${letter(lane)}, ${Math.round(seconds)} seconds of speech: rename, merge or split`,
    );
    button.disabled = this.app.store.readOnly;
    button.addEventListener("click", () => askSpeaker(this.app, speaker));
    item.append(button);
    return item;
  }
}
