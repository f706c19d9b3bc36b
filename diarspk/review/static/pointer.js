// Mouse, pen and fingers on the timeline.

const MOVED = 4; // pixels from which a press is a drag
const REACH = { mouse: 5, pen: 8, touch: 16 }; // pixels to an edge
const MIN_TURN_S = 0.05;

export function followPointers({ timeline, overview, waveform, turns, view, lanes, store, player }) {
  drag(overview, (event) => {
    const go = (x) => view.scrollTo((x / view.width) * view.duration - (view.end - view.start) / 2);
    go(event.offsetX);
    return { move: ({ x }) => go(x), click: ({ x }) => player.seek((x / view.width) * view.duration) };
  });

  drag(waveform, (event) => (event.pointerType === "touch" ? pan(event) : span(event, null)));

  drag(turns, (event) => {
    const found = lanes.find(event.offsetX, event.offsetY, REACH[event.pointerType] ?? REACH.mouse);
    if (found.edge && !store.readOnly) return boundary(found);
    if (found.turn) return pick(found, event);
    return event.pointerType === "touch" ? pan(event) : span(event, found.speaker);
  });

  turns.addEventListener("pointermove", (event) => {
    if (event.buttons) return;
    const found = lanes.find(event.offsetX, event.offsetY, REACH.mouse);
    turns.style.cursor = found.edge && !store.readOnly ? "ew-resize" : found.turn ? "pointer" : "crosshair";
  });

  turns.addEventListener("dblclick", (event) => {
    const { turn } = lanes.find(event.offsetX, event.offsetY, REACH.mouse);
    if (turn) player.playSpan(turn.start, turn.end);
  });

  timeline.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey || event.metaKey) {
        view.zoom(
          Math.exp(-event.deltaY / 200),
          view.time(event.clientX - waveform.getBoundingClientRect().left),
        );
      } else if (
        event.shiftKey ||
        Math.abs(event.deltaX) > Math.abs(event.deltaY) ||
        event.target !== turns ||
        !scrolls(turns)
      ) {
        view.scrollBy(Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY);
      } else return; // the lanes scroll
      event.preventDefault();
    },
    { passive: false },
  );

  pinch(waveform);
  pinch(turns);

  function pan(event) {
    const start = view.start;
    return {
      move: ({ dx }) => view.scrollTo(start - dx / view.scale),
      click: () => {
        player.seek(view.time(event.offsetX));
        store.select([]);
      },
    };
  }

  // A span of time, in the lane of a speaker or in none.
  function span(event, speaker) {
    const from = view.time(event.offsetX);
    return {
      move: ({ x }) => {
        const to = Math.min(Math.max(view.time(x), 0), view.duration);
        store.selectRange({ start: Math.min(from, to), end: Math.max(from, to), speaker });
      },
      click: () => {
        player.seek(from);
        store.select([]);
      },
    };
  }

  function pick({ turn, time }, event) {
    const add = event.ctrlKey || event.metaKey || event.shiftKey;
    const start = view.start;
    return {
      move: ({ dx }) => event.pointerType === "touch" && view.scrollTo(start - dx / view.scale),
      click: () => {
        store.select([turn.number], { add });
        if (!add) player.seek(time);
      },
    };
  }

  function boundary({ turn, edge, time }) {
    const offset = turn[edge] - time;
    const moved = { number: turn.number, start: turn.start, end: turn.end };
    store.select([turn.number]);
    return {
      move: ({ x }) => {
        const to = view.time(x) + offset;
        const [low, high] =
          edge === "start" ? [0, turn.end - MIN_TURN_S] : [turn.start + MIN_TURN_S, view.duration];
        moved[edge] = Math.round(1000 * Math.min(Math.max(to, low), high)) / 1000;
        store.show({ ...moved });
      },
      drop: () => store.operate({ op: "move", turn: turn.number, [edge]: moved[edge] }),
      cancel: () => store.show(null),
    };
  }

  // Two fingers zoom.
  function pinch(element) {
    const fingers = new Map();
    const spread = () => {
      const [a, b] = [...fingers.values()];
      return Math.max(Math.abs(a - b), 1);
    };
    element.addEventListener("pointerdown", (event) => fingers.set(event.pointerId, event.offsetX));
    element.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = fingers.size === 2 ? spread() : 0;
      fingers.set(event.pointerId, event.offsetX);
      if (before) view.zoom(spread() / before, view.time([...fingers.values()].reduce((a, b) => a + b) / 2));
    });
    for (const name of ["pointerup", "pointercancel"]) {
      element.addEventListener(name, (event) => fingers.delete(event.pointerId));
    }
  }
}

function scrolls(turns) {
  return turns.parentElement.scrollHeight > turns.parentElement.clientHeight;
}

// Follows one pointer from press to release; begin(event) says what it does.
function drag(element, begin) {
  let action = null;
  let from = null;
  let moved = false;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || action) return;
    action = begin(event);
    from = { id: event.pointerId, x: event.clientX, left: event.clientX - event.offsetX };
    moved = false;
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (!action || event.pointerId !== from.id) return;
    const dx = event.clientX - from.x;
    moved ||= Math.abs(dx) >= MOVED;
    if (moved) action.move({ x: event.clientX - from.left, dx });
  });
  element.addEventListener("pointerup", (event) => {
    if (!action || event.pointerId !== from.id) return;
    moved ? action.drop?.() : action.click?.({ x: event.clientX - from.left });
    action = null;
  });
  element.addEventListener("pointercancel", () => {
    action?.cancel?.();
    action = null;
  });
}
