// The turns as a list, each with its words, in step with the sound.

import { clock, percent } from "./format.js";

const UPDATE_S = 0.1; // how often the current word is looked for

export class Rows {
  #rows = new Map(); // key of a row -> { element, content }
  #words = []; // element of every word
  #current = { word: null, turns: new Set() };
  #last = -1;

  constructor(list, { store, player, view, theme, commands }) {
    Object.assign(this, { list, store, player, view, theme, commands });
    list.addEventListener("click", (event) => this.#click(event));
    list.addEventListener("keydown", (event) => this.#key(event));
    for (const name of ["turns", "words"]) store.addEventListener(name, () => this.update());
    store.addEventListener("selection", () => this.select());
    player.addEventListener("time", () => this.follow());
  }

  // Brings the list up to date; rows that are the same stay as they are.
  update() {
    const known = this.#rows;
    this.#rows = new Map();
    for (const item of this.#items()) {
      const content = JSON.stringify(item);
      const row = known.get(item.key);
      if (row?.content === content) known.delete(item.key);
      this.#rows.set(item.key, row?.content === content ? row : { content, element: this.#make(item) });
    }
    for (const row of known.values()) row.element.remove();
    let place = this.list.firstElementChild;
    for (const { element } of this.#rows.values()) {
      if (element === place) place = place.nextElementSibling;
      else this.list.insertBefore(element, place);
    }
    this.select();
  }

  select() {
    const { store } = this;
    for (const [key, { element }] of this.#rows) {
      const chosen = store.selected.has(key);
      if (element.getAttribute("aria-current") === String(chosen)) continue;
      element.setAttribute("aria-current", chosen);
      element.classList.toggle("selected", chosen);
      const button = element.querySelector("button");
      if (button) button.tabIndex = chosen ? 0 : -1;
    }
    const first = store.turns.find((turn) => store.selected.has(turn.number)) ?? store.turns[0];
    const row = first && this.#rows.get(first.number)?.element;
    if (row) row.querySelector("button").tabIndex = 0;
    if (row && store.selected.size) row.scrollIntoView({ block: "nearest" });
  }

  // Marks the word and the turns that sound now.
  follow() {
    const time = this.player.time;
    if (Math.abs(time - this.#last) < UPDATE_S) return;
    this.#last = time;
    const now = new Set(
      this.store.turns.filter((turn) => turn.start <= time && time < turn.end).map((turn) => turn.number),
    );
    for (const number of this.#current.turns)
      if (!now.has(number)) this.#rows.get(number)?.element.classList.remove("sounding");
    for (const number of now) this.#rows.get(number)?.element.classList.add("sounding");
    const begun = [...now].find((number) => !this.#current.turns.has(number));
    if (begun !== undefined && this.player.playing)
      this.#rows.get(begun)?.element.scrollIntoView({ block: "nearest" });
    const word = this.#wordAt(time);
    if (word !== this.#current.word) {
      this.#current.word?.classList.remove("sounding");
      word?.classList.add("sounding");
    }
    this.#current = { word, turns: now };
  }

  #wordAt(time) {
    const words = this.store.words;
    let [low, high] = [0, words.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((words[middle][1] ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    const word = words[low - 1];
    return word && time < (word[2] ?? word[1]) + 0.3 ? (this.#words[low - 1] ?? null) : null;
  }

  // Turns, and words that no turn has, by time.
  #items() {
    const { store } = this;
    const words = new Map(store.turns.map((turn) => [turn.number, []]));
    const alone = [];
    store.wordTurns.forEach((number, index) => {
      if (number !== null) words.get(number)?.push(index);
      else if (alone.length && alone.at(-1).words.at(-1) === index - 1) alone.at(-1).words.push(index);
      else alone.push({ key: `word-${index}`, start: store.words[index][1] ?? 0, words: [index] });
    });
    const items = store.turns.map((turn) => ({
      key: turn.number,
      start: turn.start,
      turn,
      words: words.get(turn.number),
      uncertain: store.isUncertain(turn) && turn.confidence !== undefined,
    }));
    return alone.length ? [...items, ...alone].sort((a, b) => a.start - b.start) : items;
  }

  #make({ key, start, turn, words, uncertain }) {
    const row = document.createElement("li");
    row.dataset.key = key;
    if (turn) {
      row.style.setProperty(
        "--speaker",
        `var(--speaker-${(this.store.colours.get(turn.speaker) ?? 0) % 10})`,
      );
      const button = document.createElement("button");
      button.className = "time";
      button.tabIndex = -1;
      button.textContent = clock(start);
      button.title = "Select, and go there";
      const name = span("name", turn.speaker);
      button.setAttribute(
        "aria-label",
        `${turn.speaker}, ${clock(turn.start)} to ${clock(turn.end)}${turn.reviewed ? ", reviewed" : ""}`,
      );
      row.append(button, name);
    } else row.append(span("time", clock(start)), span("name muted", "nobody"));
    const text = span("words", "");
    for (const index of words) text.append(...this.#word(index));
    if (!words.length && turn) text.append(span("muted", `${(turn.end - turn.start).toFixed(1)} s`));
    row.append(text);
    if (turn?.reviewed) row.append(span("mark", "✓", "reviewed"));
    else if (turn?.confidence !== undefined)
      row.append(span(uncertain ? "mark uncertain" : "mark", percent(turn.confidence), "confidence"));
    return row;
  }

  // The space before a word, and the word.
  #word(index) {
    const [text] = this.store.words[index];
    const word = span("word", text.trimStart());
    word.dataset.word = index;
    this.#words[index] = word;
    return [text.slice(0, text.length - text.trimStart().length), word];
  }

  #click(event) {
    const row = event.target.closest("li");
    const word = event.target.closest(".word");
    const turn = this.store.byNumber.get(Number(row?.dataset.key));
    if (turn) {
      const add = event.ctrlKey || event.metaKey || event.shiftKey;
      this.store.select([turn.number], { add });
      this.view.reveal(turn.start, turn.end);
      if (add) return;
    }
    const time = word ? this.store.words[word.dataset.word][1] : turn?.start;
    if (time !== undefined && time !== null) this.player.seek(time);
  }

  #key(event) {
    const step = { ArrowDown: "next", ArrowUp: "previous" }[event.key];
    if (!step) return;
    event.preventDefault();
    this.commands.run(step);
    this.list.querySelector("li.selected button")?.focus();
  }
}

function span(className, text, title) {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  if (title) element.title = title;
  return element;
}
