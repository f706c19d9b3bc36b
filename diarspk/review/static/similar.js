// "More like this": the turns whose voice is nearest to that of the selected one.

import { clock } from "./format.js";

const MAX_ROWS = 40;
const CHECKED = 0.6; // cosine from which a turn is proposed

export async function showSimilar(app, turn) {
  const { store, source, messages } = app;
  let found;
  try {
    found = await source.similar(turn.number);
  } catch (error) {
    return messages.tell(error.message);
  } finally {
    messages.done();
  }
  const panel = document.getElementById("similar");
  const others = found
    .map(([number, cosine]) => ({ turn: store.byNumber.get(number), cosine }))
    .filter(({ turn: other }) => other && other.speaker !== turn.speaker && !other.reviewed)
    .slice(0, MAX_ROWS);
  panel.replaceChildren(...content(app, turn, others));
  panel.hidden = false;
  (panel.querySelector("input") ?? panel.querySelector("button")).focus();
}

function content(app, turn, others) {
  const title = document.createElement("h2");
  title.textContent = `More like ${turn.speaker} at ${clock(turn.start)}`;
  const close = button("✕", () => {
    document.getElementById("similar").hidden = true;
    document.getElementById("timeline").focus();
  });
  close.setAttribute("aria-label", "Close");
  const head = document.createElement("header");
  head.append(title, close);
  if (!others.length) {
    const nothing = document.createElement("p");
    nothing.textContent = "No other speaker has a turn that is not reviewed.";
    return [head, nothing];
  }
  const list = document.createElement("ol");
  list.append(...others.map((other) => row(app, other)));
  const give = button("", () => {
    const turns = checked(list);
    document.getElementById("similar").hidden = true;
    app.store.operate({ op: "reassign", turns, speaker: turn.speaker });
  });
  give.className = "primary";
  const update = () => {
    const turns = checked(list);
    give.disabled = !turns.length;
    give.textContent = `Give ${turns.length} to ${turn.speaker}`;
  };
  list.addEventListener("change", update);
  update();
  return [head, list, give];
}

function row(app, { turn, cosine }) {
  const item = document.createElement("li");
  item.style.setProperty("--speaker", `var(--speaker-${app.store.colours.get(turn.speaker) % 10})`);
  const label = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.value = turn.number;
  box.checked = cosine >= CHECKED;
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = `${turn.speaker}  ${clock(turn.start)}`;
  const similarity = document.createElement("span");
  similarity.className = "muted";
  similarity.textContent = cosine.toFixed(2);
  similarity.title = "Cosine of the voices";
  label.append(box, name, similarity);
  const play = button("▶", () => {
    app.view.reveal(turn.start, turn.end);
    app.player.playSpan(turn.start, turn.end);
  });
  play.setAttribute("aria-label", `Play ${turn.speaker} at ${clock(turn.start)}`);
  item.append(label, play);
  return item;
}

function checked(list) {
  return [...list.querySelectorAll("input:checked")].map((box) => Number(box.value));
}

function button(text, run) {
  const element = document.createElement("button");
  element.textContent = text;
  element.addEventListener("click", run);
  return element;
}
