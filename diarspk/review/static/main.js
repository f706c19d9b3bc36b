// The review page: loads the review, and connects its parts.

import { oncePerFrame } from "./canvas.js";
import { makeCommands } from "./commands.js";
import { shownKey } from "./dialogs.js";
import { clock, count } from "./format.js";
import { Inspector } from "./inspector.js";
import { followKeys } from "./keyboard.js";
import { Lanes } from "./lanes.js";
import { Messages } from "./messages.js";
import { Peaks } from "./peaks.js";
import { Player } from "./player.js";
import { followPointers } from "./pointer.js";
import { Rows } from "./rows.js";
import { openSource } from "./source.js";
import { Speakers } from "./speakers.js";
import { Store } from "./store.js";
import { Theme } from "./theme.js";
import { View } from "./view.js";
import { Overview, Waveform } from "./waveform.js";

const element = (id) => document.getElementById(id);

async function start() {
  const source = openSource();
  const messages = new Messages();
  const review = await source.review();
  const store = new Store(source);
  const view = new View();
  const theme = new Theme();
  const player = new Player(element("audio"));
  const peaks = new Peaks(review.peaks_per_s);
  const app = {
    source,
    messages,
    store,
    view,
    theme,
    player,
    peaks,
    analysis: review.analysis,
    formats: review.formats,
  };
  app.commands = makeCommands(app);

  const timeline = element("timeline");
  const parts = { view, store, theme, player, peaks };
  const lanes = new Lanes(element("turns"), parts);
  const waveform = new Waveform(element("waveform"), parts);
  const overview = new Overview(element("overview"), parts);
  const rows = new Rows(element("rows"), app);
  new Speakers(element("speakers"), app);
  new Inspector(app);
  followPointers({
    ...app,
    timeline,
    lanes,
    overview: element("overview"),
    waveform: element("waveform"),
    turns: element("turns"),
  });
  followKeys({ ...app, timeline });
  connectButtons(app, timeline);

  const draw = oncePerFrame(() => {
    if (view.width <= 1) return; // not laid out yet
    waveform.draw();
    lanes.draw();
    overview.draw();
  });
  const redraw = () => {
    overview.refresh();
    draw();
  };
  const measure = () => {
    view.setDuration(
      Math.max(
        store.state.duration ?? 0,
        peaks.seconds,
        store.turns.reduce((end, turn) => Math.max(end, turn.end), 0),
      ),
    );
    redraw();
  };
  view.addEventListener("change", draw);
  theme.addEventListener("change", redraw);
  store.addEventListener("turns", measure);
  for (const name of ["selection", "preview"]) store.addEventListener(name, draw);
  store.addEventListener("selection", () => store.single && lanes.reveal(store.single.speaker));
  player.addEventListener("time", () => {
    if (player.playing) view.keep(player.time);
    element("clock").textContent = `${clock(player.time)} / ${clock(view.duration, 0)}`;
    draw();
  });
  player.addEventListener("error", () => messages.tell("the sound cannot be played"));
  store.addEventListener("error", ({ detail }) => messages.tell(detail));
  store.addEventListener("turns", () => showState(app));
  element("threshold").addEventListener("change", ({ target }) => store.setThreshold(Number(target.value)));

  document.body.classList.toggle("read-only", review.read_only);
  store.open(review);
  new ResizeObserver(() => {
    view.resize(element("turns").parentElement.clientWidth - element("speakers").offsetWidth);
    redraw();
  }).observe(timeline);
  if (window === window.parent) timeline.focus(); // in a notebook, the keys are those of the notebook
  document.body.dataset.ready = "true";
  if (review.notes.length) messages.tell(review.notes.join(" "));

  source.follow((event, own) => take(app, event, own));
  source.audioUrl().then((url) => {
    player.load(url);
    timeline.toggleAttribute("data-silent", !url);
    player.dispatchEvent(new Event("time"));
    store.dispatchEvent(new Event("selection"));
  });
  await source.peaks((bytes) => {
    peaks.append(bytes);
    measure();
  });
  document.body.dataset.peaks = "true";
  const { error } = await source.recording();
  if (error) messages.tell(error);
}

function showState({ store, messages, commands }) {
  messages.state(store.state);
  document.body.dataset.operations = store.state.operations;
  const name = store.state.uri ?? "recording";
  document.title = `${name} – diarspk review`;
  element("title").textContent = name;
  element("left").textContent = `${count(store.uncertain.length, "turn")} to review`;
  for (const button of document.querySelectorAll("[data-command]"))
    button.disabled = !commands.isEnabled(commands.get(button.dataset.command));
}

// Every button has the text, the key and the state of its command.
function connectButtons({ commands, store, player, theme }, timeline) {
  const buttons = [...document.querySelectorAll("[data-command]")];
  const update = () => {
    for (const button of buttons) {
      const command = commands.get(button.dataset.command);
      const text = command.text?.() ?? command.name;
      if (button.textContent !== text) button.textContent = text;
      button.title = `${command.name} (${shownKey(command.key)})`;
      const disabled = !commands.isEnabled(command);
      if (button.disabled !== disabled) button.disabled = disabled;
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", (event) => {
      commands.run(button.dataset.command);
      // Space plays again after a click with the mouse; with the keyboard, the focus stays.
      if (event.detail > 0 && !document.querySelector("dialog[open]")) timeline.focus();
    });
  }
  for (const name of ["turns", "selection"]) store.addEventListener(name, update);
  for (const name of ["time"]) player.addEventListener(name, update);
  theme.addEventListener("change", update);
  update();
}

// What the server tells of other windows, and of long work.
function take({ store, messages }, event, own) {
  if (event.kind === "windows") {
    element("windows").hidden = event.count < 2;
    element("windows").textContent = `open in ${event.count} windows`;
  } else if (event.kind === "revision" && !own && event.revision > store.state.revision) {
    messages.tell("Another window has changed the turns; they are shown now.");
    store.refresh();
  } else if (event.kind === "progress" && own) messages.working(event.stage, event.fraction);
  else if (event.kind === "disconnected")
    messages.tell("The server has stopped; nothing more can be saved. Run diarspk review again.");
  else if (event.kind === "connected" && !element("message").hidden) element("message").hidden = true;
}

start().catch((error) => {
  new Messages().tell(`The page cannot be shown: ${error.message}`);
});
