// Turns as boxes, a lane for each speaker; the surer, the fuller.

import { prepare } from "./canvas.js";
import { drawPosition, drawRange } from "./waveform.js";

const MARGIN = 4; // pixels above and below a box
const PALEST = 0.22; // opacity of a turn without any confidence

export class Lanes {
  height = 34; // of a lane; the style sheet says it, too

  constructor(canvas, parts) {
    Object.assign(this, { canvas }, parts);
  }

  draw() {
    const { canvas, view, store, theme, player } = this;
    const colours = theme.colours;
    const height = Math.max(store.speakers.length, 1) * this.height;
    canvas.style.height = `${height}px`;
    const context = prepare(canvas, view.width, height);
    const lanes = new Map(store.speakers.map((speaker, lane) => [speaker, lane]));
    context.fillStyle = colours.stripe;
    for (let lane = 0; lane < lanes.size; lane += 2)
      context.fillRect(0, lane * this.height, view.width, this.height);
    drawRange(context, this, height);
    for (const turn of store.turns) {
      const { start, end } = store.times(turn);
      if (end < view.start || start > view.end) continue;
      this.#drawTurn(context, turn, start, end, lanes.get(turn.speaker) * this.height, colours);
    }
    drawPosition(context, view.x(player.time), height, colours);
  }

  #drawTurn(context, turn, start, end, top, colours) {
    const { view, store, theme } = this;
    const x = Math.max(view.x(start), -5);
    const width = Math.max(Math.min(view.x(end), view.width + 5) - x, 2);
    const box = [x, top + MARGIN, width, this.height - 2 * MARGIN];
    const colour = theme.speaker(store.colours.get(turn.speaker));
    context.globalAlpha = PALEST + (1 - PALEST) * (turn.confidence ?? 1) ** 2;
    context.fillStyle = colour;
    context.fillRect(...box);
    context.globalAlpha = 1;
    if (width > 4) {
      context.strokeStyle = colour;
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, box[1] + 0.5, width - 1, box[3] - 1);
    }
    if (turn.reviewed && width > 16) drawTick(context, x + 4, box[1] + box[3] / 2, colours.surface);
    if (store.selected.has(turn.number)) this.#drawSelected(context, box, colours);
  }

  #drawSelected(context, [x, y, width, height], colours) {
    context.strokeStyle = colours.ink;
    context.lineWidth = 2;
    context.strokeRect(x - 1, y - 1, width + 2, height + 2);
    if (this.store.selected.size > 1) return;
    context.fillStyle = colours.ink;
    for (const edge of [x - 3, x + width - 2]) context.fillRect(edge, y + height / 2 - 7, 5, 14);
  }

  // Scrolls to the lane of a speaker, where there are many.
  reveal(speaker) {
    const box = this.canvas.parentElement;
    const top = this.store.speakers.indexOf(speaker) * this.height;
    box.scrollTop = Math.min(Math.max(box.scrollTop, top + this.height - box.clientHeight), top);
  }

  // The turn at a point, and whether it is one of its edges.
  find(x, y, reach) {
    const { store, view } = this;
    const time = view.time(x);
    const speaker = store.speakers[Math.floor(y / this.height)];
    const slack = reach / view.scale;
    const near = store.turns.filter(
      (turn) => turn.speaker === speaker && turn.start - slack <= time && time <= turn.end + slack,
    );
    const turn =
      near.find((one) => store.selected.has(one.number)) ??
      near.find((one) => one.start <= time && time < one.end);
    if (!turn) return { speaker, time };
    const wide = (turn.end - turn.start) * view.scale > 4 * reach || store.selected.has(turn.number);
    const toStart = Math.abs(turn.start - time);
    const toEnd = Math.abs(turn.end - time);
    const edge = wide && Math.min(toStart, toEnd) <= slack ? (toStart < toEnd ? "start" : "end") : null;
    return { speaker, time, turn, edge };
  }
}

function drawTick(context, x, y, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + 3, y + 3);
  context.lineTo(x + 8, y - 4);
  context.stroke();
}
