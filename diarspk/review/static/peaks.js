// Peaks of the waveform at several resolutions, so that an hour is drawn as quickly as a second.

const STEP = 4; // peaks that one of the next level stands for
const LEVELS = 6;
const ROOT = 127; // full scale; amplitudes come as square roots
const SHAPE = 1.5; // exponent that is drawn: between the root and the amplitude itself

export class Peaks {
  count = 0;
  gain = 1;
  #levels = Array.from({ length: LEVELS }, () => new Int8Array(2 * 1024));
  #counts = new Array(LEVELS).fill(0);
  #odd = null; // a byte whose pair is still to come

  constructor(perSecond) {
    this.perSecond = perSecond;
  }

  get seconds() {
    return this.count / this.perSecond;
  }

  append(bytes) {
    let values = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#odd !== null) values = Int8Array.from([this.#odd, ...values]);
    this.#odd = values.length % 2 ? values[values.length - 1] : null;
    const pairs = values.length >> 1;
    this.#write(0, this.count, values.subarray(0, 2 * pairs));
    this.count += pairs;
    for (let level = 1; level < LEVELS; level++) this.#summarize(level);
    this.gain = ROOT / Math.max(this.#loudness(), 12);
  }

  // Heights in [-1, 1] below and above the axis, of a column of pixels.
  range(start, end) {
    let level = 0;
    let rate = this.perSecond;
    while (level + 1 < LEVELS && (end - start) * rate > 2 * STEP) {
      level++;
      rate /= STEP;
    }
    const last = Math.min(Math.max(Math.ceil(end * rate), Math.floor(start * rate) + 1), this.#counts[level]);
    const data = this.#levels[level];
    let low = 0;
    let high = 0;
    for (let i = Math.max(Math.floor(start * rate), 0); i < last; i++) {
      if (data[2 * i] < low) low = data[2 * i];
      if (data[2 * i + 1] > high) high = data[2 * i + 1];
    }
    return [-this.#height(-low), this.#height(high)];
  }

  #height(root) {
    return Math.min(((root / ROOT) * this.gain) ** SHAPE, 1);
  }

  #write(level, at, values) {
    let data = this.#levels[level];
    const needed = 2 * at + values.length;
    if (needed > data.length) {
      const larger = new Int8Array(Math.max(needed, 2 * data.length));
      larger.set(data);
      this.#levels[level] = data = larger;
    }
    data.set(values, 2 * at);
    this.#counts[level] = at + values.length / 2;
  }

  #summarize(level) {
    const below = this.#levels[level - 1];
    const total = this.#counts[level - 1];
    const from = Math.max(this.#counts[level] - 1, 0); // the last one may have been a part
    const values = new Int8Array(2 * (Math.ceil(total / STEP) - from));
    for (let group = from; group * STEP < total; group++) {
      let low = 0;
      let high = 0;
      for (let i = group * STEP; i < Math.min((group + 1) * STEP, total); i++) {
        low = Math.min(low, below[2 * i]);
        high = Math.max(high, below[2 * i + 1]);
      }
      values.set([low, high], 2 * (group - from));
    }
    this.#write(level, from, values);
  }

  // What all but the loudest hundredth stay below: a knock must not make speech flat.
  #loudness() {
    const times = new Int32Array(ROOT + 1);
    const data = this.#levels[2];
    const total = this.#counts[2];
    for (let i = 0; i < total; i++) times[Math.max(data[2 * i + 1], -data[2 * i], 0)]++;
    let above = 0;
    let root = ROOT;
    while (root > 0 && (above += times[root]) <= total / 100) root--;
    return root;
  }
}
