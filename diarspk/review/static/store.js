// Turns, speakers and selection; tells who asks of every change.

import { StaleError } from "./source.js";

export class Store extends EventTarget {
  turns = []; // by start
  byNumber = new Map();
  speakers = []; // in the order of the lanes, which stays
  colours = new Map(); // speaker -> number of a colour, which stays
  selected = new Set(); // numbers of turns
  range = null; // {start, end, speaker}, a span that was drawn
  preview = null; // {number, start, end}, a boundary on its way
  words = [];
  wordTurns = []; // number of the turn of every word, or null
  state = { revision: 0 };
  readOnly = false;
  threshold = 0.8;
  #source;
  #queue = Promise.resolve();

  constructor(source) {
    super();
    this.#source = source;
  }

  open(review) {
    this.words = review.words;
    this.wordTurns = review.word_turns;
    this.readOnly = review.read_only;
    this.take(review.state);
  }

  // Takes over a state of the server.
  take(state) {
    const before = this.byNumber;
    this.state = state;
    this.turns = state.turns;
    this.byNumber = new Map(state.turns.map((turn) => [turn.number, turn]));
    this.preview = null;
    this.#orderSpeakers(before);
    this.selected = new Set([...this.selected].filter((number) => this.byNumber.has(number)));
    this.#tell("turns");
    this.#tell("selection");
  }

  // The turn that is selected, if it is one.
  get single() {
    return this.selected.size === 1 ? this.byNumber.get([...this.selected][0]) : null;
  }

  get chosen() {
    return this.turns.filter((turn) => this.selected.has(turn.number));
  }

  get uncertain() {
    return this.turns.filter((turn) => this.isUncertain(turn));
  }

  isUncertain(turn) {
    return !turn.reviewed && (turn.confidence ?? 0) < this.threshold;
  }

  select(numbers, { add = false } = {}) {
    if (!add) this.selected = new Set(numbers);
    else
      for (const number of numbers)
        this.selected.has(number) ? this.selected.delete(number) : this.selected.add(number);
    this.range = null;
    this.#tell("selection");
  }

  selectRange(range) {
    this.range = range;
    if (range) this.selected = new Set();
    this.#tell("selection");
  }

  show(preview) {
    this.preview = preview;
    this.#tell("preview");
  }

  setThreshold(value) {
    this.threshold = value;
    this.#tell("turns");
  }

  // Times of a turn, with the boundary that is on its way.
  times(turn) {
    return this.preview?.number === turn.number ? this.preview : turn;
  }

  operate(operation) {
    return this.#change((revision) => this.#source.operate(operation, revision));
  }

  undo() {
    return this.#change((revision) => this.#source.undo(revision));
  }

  redo() {
    return this.#change((revision) => this.#source.redo(revision));
  }

  recluster(speakers) {
    return this.#change((revision) => this.#source.recluster(speakers, revision));
  }

  // Fetches what another window has done.
  refresh() {
    return this.#enqueue(async () => {
      this.take(await this.#source.state());
      this.#placeWords();
    });
  }

  // Words follow their turns a moment later: in an hour there are many.
  async #placeWords() {
    if (!this.words.length) return;
    const found = await this.#source.wordTurns().catch(() => null); // the server has stopped
    if (found?.revision !== this.state.revision) return; // or the next answer is on its way
    this.wordTurns = found.turns;
    this.#tell("words");
  }

  // One change after another, each of what the one before has made.
  #change(send) {
    return this.#enqueue(async () => {
      try {
        this.take(await send(this.state.revision));
        this.#placeWords();
        return true;
      } catch (error) {
        this.show(null);
        this.dispatchEvent(new CustomEvent("error", { detail: error.message }));
        if (error instanceof StaleError) {
          this.take(await this.#source.state());
          this.#placeWords();
        }
        return false;
      }
    });
  }

  #enqueue(work) {
    this.#queue = this.#queue.then(work, work);
    return this.#queue;
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }

  // A speaker keeps the lane and the colour; who is renamed, too.
  #orderSpeakers(before) {
    const now = new Set(this.turns.map((turn) => turn.speaker));
    const order = this.speakers.slice();
    for (const speaker of now) {
      if (order.includes(speaker)) continue;
      const was = this.turns
        .filter((turn) => turn.speaker === speaker)
        .map((turn) => before.get(turn.number)?.speaker);
      const lane = order.findIndex((name) => !now.has(name) && was.includes(name));
      if (lane < 0) order.push(speaker);
      else {
        this.colours.set(speaker, this.colours.get(order[lane]));
        order[lane] = speaker;
      }
      if (!this.colours.has(speaker)) this.colours.set(speaker, this.colours.size);
    }
    this.speakers = order.filter((speaker) => now.has(speaker));
  }
}
