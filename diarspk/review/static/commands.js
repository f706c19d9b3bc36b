// Everything that can be done: each command once, with its name, its keys and what it does.

import { askRecluster, askSpeaker, showExport, showHelp } from "./dialogs.js";
import { showSimilar } from "./similar.js";

const SKIP_S = 1; // what an arrow key moves the position by, while nothing is selected
const NUDGE_S = 0.05; // and a boundary
const NEW_TURN_S = 1;
const MIN_TURN_S = 0.05;

// App: { store, view, player, theme, source, messages, peaks }.
export function makeCommands(app) {
  const { store, view, player, theme } = app;

  let kept = null; // the last boundary that was
  const selected = () => [...store.selected];
  const one = () => store.single;

  function go(turn) {
    if (!turn) return;
    store.select([turn.number]);
    player.seek(turn.start);
    view.reveal(turn.start, turn.end);
  }

  // The next turn, in time, of some; from the selected one, or the position.
  function step(turns, direction) {
    if (!turns.length) return;
    const order = new Map(store.turns.map((turn, place) => [turn, place]));
    const last = store.chosen.at(-1);
    const here = (turn) => (last ? order.get(turn) - order.get(last) : turn.start - player.time);
    const ahead = turns.filter((turn) =>
      direction > 0 ? here(turn) > 0 || (!last && here(turn) === 0) : here(turn) < 0,
    );
    return direction > 0 ? (ahead[0] ?? turns[0]) : (ahead.at(-1) ?? turns.at(-1));
  }

  function extend(direction) {
    const next = step(store.turns, direction);
    if (next && !store.selected.has(next.number)) store.select([next.number], { add: true });
  }

  function arrow(edge, direction) {
    const turn = one();
    if (!turn || store.readOnly) return edge === "start" && player.seek(player.time + direction * SKIP_S);
    const times = { number: turn.number, ...pick(store.times(turn)) };
    const to = times[edge] + direction * NUDGE_S;
    const [low, high] =
      edge === "start" ? [0, times.end - MIN_TURN_S] : [times.start + MIN_TURN_S, view.duration];
    times[edge] = Math.round(1000 * Math.min(Math.max(to, low), high)) / 1000;
    store.show(times);
  }

  function addTurn() {
    const speaker = store.range?.speaker ?? one()?.speaker ?? store.speakers[0];
    const start = store.range?.start ?? player.time;
    const end = store.range?.end ?? Math.min(start + NEW_TURN_S, view.duration);
    if (end - start < MIN_TURN_S) return app.messages.tell("there is no room for a turn at the end");
    return create(start, end, speaker ?? "SPEAKER_00");
  }

  async function create(start, end, speaker) {
    const before = new Set(store.byNumber.keys());
    await store.operate({ op: "add", start, end, speaker });
    const added = store.turns.find((turn) => !before.has(turn.number));
    if (added) store.select([added.number]);
  }

  const commands = [
    [
      "play",
      "Play",
      "Space",
      () => player.toggle(),
      {
        group: "Play and move",
        enabled: () => !player.silent,
        text: () => (player.playing ? "❚❚ Pause" : "▶ Play"),
      },
    ],
    [
      "playTurn",
      "Play turn",
      "Shift+Space",
      () => one() && player.playSpan(one().start, one().end),
      { enabled: () => one() && !player.silent },
    ],
    ["back", "Back a second, or the start of the turn earlier", "ArrowLeft", () => arrow("start", -1)],
    ["forward", "On a second, or the start of the turn later", "ArrowRight", () => arrow("start", 1)],
    ["endEarlier", "End of the turn earlier", "Alt+ArrowLeft", () => arrow("end", -1), { edit: true }],
    ["endLater", "End of the turn later", "Alt+ArrowRight", () => arrow("end", 1), { edit: true }],
    ["first", "To the beginning", "Home", () => seek(0)],
    ["last", "To the end", "End", () => seek(view.duration)],
    ["zoomIn", "Zoom in", "ArrowUp", () => view.zoom(1.5, focus()), { text: () => "+" }],
    ["zoomOut", "Zoom out", "ArrowDown", () => view.zoom(1 / 1.5, focus()), { text: () => "−" }],
    ["fit", "Show all", "0", () => view.fit()],
    ["next", "Next turn (Tab on the timeline)", ".", () => go(step(store.turns, 1)), { group: "Select" }],
    ["previous", "Previous turn (Shift+Tab)", ",", () => go(step(store.turns, -1))],
    ["extendNext", "Add the next turn to the selection", "Shift+>", () => extend(1)],
    ["extendPrevious", "Add the previous turn to the selection", "Shift+<", () => extend(-1)],
    [
      "allOfSpeaker",
      "Select all turns of the speaker",
      "Ctrl+A",
      () =>
        one() &&
        store.select(store.turns.filter((turn) => turn.speaker === one().speaker).map((turn) => turn.number)),
    ],
    ["none", "Select nothing", "Escape", () => store.select([])],
    [
      "nextUncertain",
      "Next uncertain",
      "F8",
      () =>
        store.uncertain.length ? go(step(store.uncertain, 1)) : app.messages.tell("no turn is uncertain"),
      { edit: true },
    ],
    [
      "previousUncertain",
      "Previous uncertain",
      "Shift+F8",
      () => go(step(store.uncertain, -1)),
      { edit: true },
    ],
    [
      "similar",
      "More like this",
      "F7",
      () => showSimilar(app, one()),
      { edit: true, enabled: () => one() && app.analysis },
    ],
    ["add", "New turn", "Enter", addTurn, { group: "Correct", edit: true }],
    [
      "split",
      "Split here",
      "Shift+Enter",
      () => store.operate({ op: "split_turn", turn: one().number, at: player.time }),
      { edit: true, enabled: () => one() && one().start < player.time && player.time < one().end },
    ],
    [
      "remove",
      "Delete",
      "Delete",
      () => store.operate({ op: "delete", turns: selected() }),
      { edit: true, enabled: () => selected().length > 0 },
    ],
    [
      "reviewed",
      "Reviewed",
      "Ctrl+Enter",
      () => store.operate({ op: "review", turns: selected(), reviewed: !allReviewed() }),
      {
        edit: true,
        enabled: () => selected().length > 0,
        text: () => (selected().length && allReviewed() ? "✓ Reviewed" : "Mark reviewed"),
      },
    ],
    [
      "speaker",
      "Rename, merge or split the speaker",
      "F2",
      () => askSpeaker(app, one()?.speaker ?? store.speakers[0]),
      { edit: true, enabled: () => store.speakers.length > 0 },
    ],
    ["undo", "Undo", "Ctrl+Z", () => store.undo(), { edit: true, enabled: () => store.state.undo }],
    ["redo", "Redo", "Ctrl+Shift+Z", () => store.redo(), { edit: true, enabled: () => store.state.redo }],
    ["recluster", "Re-cluster", "F9", () => askRecluster(app), { edit: true, enabled: () => app.analysis }],
    ["export", "Export", "Ctrl+S", () => showExport(app), { group: "Page", edit: true }],
    [
      "theme",
      "Light or dark",
      "F4",
      () => theme.toggle(),
      { text: () => (theme.dark ? "☀ Light" : "☾ Dark") },
    ],
    ["help", "Help", "F1", () => showHelp(app), { text: () => "? Help" }],
  ].map(([id, name, key, run, options = {}]) => ({ id, name, key, run, ...options }));

  // A letter gives the selected turns, or the drawn span, to the speaker of that lane.
  function assign(speaker) {
    if (store.readOnly || !speaker) return;
    if (store.range) {
      const { start, end, speaker: of } = store.range;
      const operation = { op: "reassign_span", start, end, speaker };
      return store.operate(of ? { ...operation, of: [of] } : operation);
    }
    const turns = store.chosen.filter((turn) => turn.speaker !== speaker).map((turn) => turn.number);
    if (turns.length) return store.operate({ op: "reassign", turns, speaker });
    if (!store.selected.size) app.messages.tell(`select a turn to give it to ${speaker}`);
  }

  // A boundary that the arrow keys have moved is kept when the key is released: once.
  function keep() {
    const moved = store.preview;
    if (!moved || moved === kept) return;
    kept = moved;
    const { start, end } = moved;
    store.operate({ op: "move", turn: moved.number, start, end });
  }

  function allReviewed() {
    return store.chosen.every((turn) => turn.reviewed);
  }

  function seek(time) {
    player.seek(time);
    view.reveal(time);
  }

  function focus() {
    const time = player.time;
    return view.start <= time && time <= view.end ? time : undefined;
  }

  const byId = new Map(commands.map((command) => [command.id, command]));
  const isEnabled = (command) =>
    !(command.edit && store.readOnly) && (!command.enabled || Boolean(command.enabled()));
  const available = () => commands.filter((command) => !(command.edit && store.readOnly));
  return {
    available,
    isEnabled,
    run: (id) => isEnabled(byId.get(id)) && byId.get(id).run(),
    get: (id) => byId.get(id),
    byKey: (key) => available().find((command) => command.key === key),
    assign,
    keep,
  };
}

function pick({ start, end }) {
  return { start, end };
}
