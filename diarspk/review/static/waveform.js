// Waveform with its ruler, and the overview of the whole recording.

import { prepare } from "./canvas.js";
import { clock } from "./format.js";

const RULER = 20; // pixels
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const MIN_LABEL = 64; // pixels between two times

export class Waveform {
  constructor(canvas, { view, peaks, player, theme, store }) {
    Object.assign(this, { canvas, view, peaks, player, theme, store });
  }

  draw() {
    const { view, canvas } = this;
    const height = canvas.parentElement.dataset.silent ? RULER : Math.max(canvas.clientHeight, RULER);
    const context = prepare(canvas, view.width, height);
    const colours = this.theme.colours;
    drawRange(context, this, height);
    this.#drawRuler(context, colours);
    const position = view.x(this.player.time);
    drawColumns(context, this.peaks, view.width, RULER, height, (x) => view.time(x), colours.wave);
    drawPosition(context, position, height, colours);
  }

  #drawRuler(context, colours) {
    const { view } = this;
    const step = STEPS.find((seconds) => seconds * view.scale >= MIN_LABEL) ?? 7200;
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = colours.muted;
    for (let tick = Math.ceil(view.start / step); tick * step <= view.end; tick++) {
      const x = Math.round(view.x(tick * step));
      context.fillRect(x, RULER - 5, 1, 5);
      context.fillText(clock(tick * step, step < 1 ? 1 : 0), x + 3, RULER - 7);
    }
  }
}

export class Overview {
  #picture = document.createElement("canvas");
  #stale = true;
  #width = 0;

  constructor(canvas, parts) {
    Object.assign(this, { canvas }, parts);
  }

  // Turns or peaks have changed: the picture is made anew.
  refresh() {
    this.#stale = true;
  }

  draw() {
    const { canvas, view, theme } = this;
    const width = view.width;
    const height = canvas.clientHeight;
    if (this.#stale || this.#width !== width) this.#drawPicture(width, height);
    const context = prepare(canvas, width, height);
    context.drawImage(this.#picture, 0, 0, width, height);
    const x = (time) => (time / view.duration) * width;
    context.strokeStyle = theme.colours.played;
    context.lineWidth = 2;
    context.strokeRect(x(view.start) + 1, 1, Math.max(x(view.end) - x(view.start) - 2, 3), height - 2);
    drawPosition(context, x(this.player.time), height, theme.colours);
  }

  #drawPicture(width, height) {
    const { view, theme, store } = this;
    const context = prepare(this.#picture, width, height);
    const seconds = view.duration / width;
    drawColumns(context, this.peaks, width, 0, height - 8, (x) => x * seconds, theme.colours.wave);
    for (const turn of store.turns) {
      context.fillStyle = theme.speaker(store.colours.get(turn.speaker));
      context.fillRect(turn.start / seconds, height - 7, Math.max((turn.end - turn.start) / seconds, 1), 6);
    }
    this.#stale = false;
    this.#width = width;
  }
}

export function drawPosition(context, x, height, colours) {
  context.fillStyle = colours.played;
  context.fillRect(Math.round(x) - 1, 0, 2, height);
}

// The span that was drawn with the mouse.
export function drawRange(context, { store, view, theme }, height) {
  if (!store.range) return;
  context.fillStyle = theme.colours.range;
  context.fillRect(view.x(store.range.start), 0, (store.range.end - store.range.start) * view.scale, height);
}

function drawColumns(context, peaks, width, top, bottom, time, colour) {
  const middle = (top + bottom) / 2;
  const half = (bottom - top) / 2 - 1;
  const last = Math.min(peaks.seconds, time(width));
  context.fillStyle = colour;
  context.beginPath();
  for (let x = 0; x < width && time(x) < last; x++) {
    const [low, high] = peaks.range(time(x), time(x + 1));
    const from = middle - high * half;
    context.rect(x, from, 1, Math.max((high - low) * half, 1));
  }
  context.fill();
}
