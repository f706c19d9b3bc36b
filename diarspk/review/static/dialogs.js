// Dialogs: help, a speaker, another number of speakers, export.

import { count, letter } from "./format.js";

const dialog = () => document.getElementById("dialog");

// Shows a form and returns what was entered, by name, and the button that was pressed; or null.
function ask(title, fields, buttons) {
  const box = dialog();
  const form = document.createElement("form");
  form.method = "dialog";
  const heading = document.createElement("h2");
  heading.id = "dialog-title";
  heading.textContent = title;
  const bar = document.createElement("div");
  bar.className = "buttons";
  bar.append(
    ...buttons.map(([value, text, options]) => submit(value, text, options)),
    submit("", buttons.length ? "Cancel" : "Close", {}),
  );
  form.append(heading, ...fields, bar);
  box.replaceChildren(form);
  box.returnValue = "";
  box.showModal();
  form.querySelector("input")?.select();
  return new Promise((resolve) => {
    box.onclose = () => {
      document.getElementById("timeline").focus();
      resolve(
        box.returnValue ? { pressed: box.returnValue, ...Object.fromEntries(new FormData(form)) } : null,
      );
    };
  });
}

function submit(value, text, { primary = false, disabled = false } = {}) {
  const button = document.createElement("button");
  Object.assign(button, { value, textContent: text, disabled, className: primary ? "primary" : "" });
  if (!value) button.formNoValidate = true;
  return button;
}

function field(label, input) {
  const element = document.createElement("label");
  element.append(label, input);
  return element;
}

function textField(name, value) {
  const input = document.createElement("input");
  Object.assign(input, { name, value, required: true, maxLength: 200, autocomplete: "off" });
  return input;
}

function note(text) {
  const element = document.createElement("p");
  element.className = "muted";
  element.textContent = text;
  return element;
}

export async function askSpeaker({ store }, speaker) {
  const others = store.speakers.filter((name) => name !== speaker);
  const into = document.createElement("select");
  into.name = "other";
  into.append(...others.map((name) => new Option(name)));
  const chosen = store.chosen.filter((turn) => turn.speaker === speaker).map((turn) => turn.number);
  const own = store.turns.filter((turn) => turn.speaker === speaker);
  const canSplit = chosen.length > 0 && chosen.length < own.length;
  const fields = [field("Name", textField("name", speaker))];
  if (others.length) fields.push(field("Merge with", into));
  fields.push(
    note(
      canSplit
        ? `Split gives the ${count(chosen.length, "selected turn")} to a new speaker of the name above.`
        : "To split the speaker, select some of the turns first.",
    ),
  );
  const answer = await ask(speaker, fields, [
    ["rename", "Rename", { primary: true }],
    ["merge", "Merge", { disabled: !others.length }],
    ["split", "Split", { disabled: !canSplit }],
    ["select", "Select all turns", {}],
  ]);
  if (!answer) return;
  const { pressed, name, other } = answer;
  if (pressed === "rename" && name !== speaker)
    await store.operate({ op: "rename", names: { [speaker]: name } });
  if (pressed === "merge") await store.operate({ op: "merge", speakers: [speaker, other], into: name });
  if (pressed === "split")
    await store.operate({
      op: "split",
      speaker,
      turns: chosen,
      into: name === speaker ? freeName(store) : name,
    });
  if (pressed === "select") store.select(own.map((turn) => turn.number));
}

export async function askNewSpeaker({ store }) {
  const answer = await ask(
    "New speaker",
    [field("Name", textField("name", freeName(store)))],
    [["create", "Create", { primary: true }]],
  );
  return answer?.name ?? null;
}

function freeName(store) {
  for (let number = 0; ; number++) {
    const name = `SPEAKER_${String(number).padStart(2, "0")}`;
    if (!store.speakers.includes(name)) return name;
  }
}

export async function askRecluster({ store, messages }) {
  const input = textField("speakers", String(store.speakers.length));
  Object.assign(input, { type: "number", min: 1, max: 100 });
  const reviewed = store.turns.filter((turn) => turn.reviewed).length;
  const text =
    `Turns that are reviewed (${reviewed}) stay as they are. The whole step can be undone. ` +
    "The first time may take as long as diarizing did.";
  const answer = await ask(
    "Re-cluster",
    [field("Number of speakers", input), note(text)],
    [["run", "Re-cluster", { primary: true }]],
  );
  if (!answer) return;
  messages.working("re-cluster", 0);
  const done = await store.recluster(Number(answer.speakers));
  messages.done();
  const found = store.speakers.length;
  if (done && found !== Number(answer.speakers)) {
    messages.tell(
      `${count(found, "speaker")} now: the recording and the reviewed turns give no other number`,
    );
  }
}

export function showExport({ formats, source, store }) {
  const list = (what, title) => {
    const group = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = title;
    const links = formats
      .filter((format) => format.what === what)
      .map((format) => {
        const link = document.createElement("a");
        Object.assign(link, {
          href: source.exportUrl(what, format.format),
          download: "",
          textContent: format.name,
        });
        return link;
      });
    group.append(legend, ...links);
    return group;
  };
  const fields = [list("turns", "Turns")];
  if (formats.some((format) => format.what === "words")) fields.push(list("words", "Words with speakers"));
  fields.push(
    list("page", "All of it"),
    note(
      `The page is read-only, has the sound in it, and takes a moment to make. Corrections are saved in ${store.state.log} already.`,
    ),
  );
  return ask("Export", fields, []);
}

export function showHelp({ commands, store }) {
  const rows = [];
  for (const { group, name, key } of commands.available()) {
    if (group) rows.push(groupRow(group));
    rows.push(helpRow(key, name));
    if (key === "Escape" && !store.readOnly)
      rows.push(
        helpRow(
          `A … ${letter(Math.min(Math.max(store.speakers.length, 1), 26) - 1)}`,
          "Give what is selected to the speaker of that letter",
        ),
      );
  }
  const table = document.createElement("table");
  table.append(...rows);
  const scroll = document.createElement("div");
  scroll.className = "scroll";
  scroll.tabIndex = 0;
  const editing = store.readOnly
    ? ""
    : " Drag the edge of a turn to move it, drag over an empty place to draw a span; then Enter makes a turn of it.";
  scroll.append(
    note(
      "Click to go there, double click to play a turn, Ctrl or Shift and click to add to the selection; " +
        `Ctrl and the wheel zoom.${editing} Tab goes from turn to turn on the timeline; after Esc it leaves it.`,
    ),
    table,
  );
  return ask("Keys and mouse", [scroll], []);
}

function groupRow(text) {
  const row = document.createElement("tr");
  const cell = document.createElement("th");
  Object.assign(cell, { colSpan: 2, textContent: text, scope: "colgroup" });
  row.append(cell);
  return row;
}

const SHOWN = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  "Shift+>": ">",
  "Shift+<": "<",
};

export function shownKey(key) {
  return SHOWN[key] ?? key.replace(/Arrow\w+/, (arrow) => SHOWN[arrow]);
}

function helpRow(key, text) {
  const row = document.createElement("tr");
  const cell = document.createElement("td");
  const name = document.createElement("kbd");
  name.textContent = shownKey(key);
  cell.append(name);
  const what = document.createElement("td");
  what.textContent = text;
  row.append(cell, what);
  return row;
}
