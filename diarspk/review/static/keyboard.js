// Keys: those of the commands, and a letter for each speaker.

const TYPING = "input, select, textarea, [contenteditable]";
const PRESSED = "button, a, summary"; // they have Space and Enter to themselves
const ALIASES = {
  Backspace: "Delete",
  "Ctrl+Y": "Ctrl+Shift+Z",
  "+": "ArrowUp",
  "-": "ArrowDown",
  "?": "F1",
  "Shift+?": "F1",
};

export function followKeys({ commands, store, timeline }) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    const key = nameOf(event);
    if (event.target.closest(TYPING)) {
      if (key === "Escape") timeline.focus();
      if (!key.startsWith("F") || key.length < 2) return;
    }
    if (event.target.closest(PRESSED) && ["Space", "Enter", "Shift+Space", "Shift+Enter"].includes(key))
      return;
    if (tabbed(event)) return event.preventDefault();
    if (/^[A-Z]$/.test(key)) {
      const lane = key.charCodeAt(0) - 65;
      if (lane < store.speakers.length) commands.assign(store.speakers[lane]);
      return;
    }
    const command = commands.byKey(ALIASES[key] ?? key);
    if (!command) return;
    if (event.target.closest("#transcript") && ["ArrowUp", "ArrowDown"].includes(key)) return;
    event.preventDefault();
    if (commands.isEnabled(command)) command.run();
  });

  document.addEventListener("keyup", (event) => event.key.startsWith("Arrow") && commands.keep());
  window.addEventListener("blur", () => commands.keep());

  // Tab goes from turn to turn on the timeline while one is selected; Esc lets it go on.
  function tabbed(event) {
    if (event.key !== "Tab" || document.activeElement !== timeline || !store.selected.size) return false;
    commands.run(event.shiftKey ? "previous" : "next");
    return true;
  }
}

// "Ctrl+Shift+Z"; letters alone are capitals, whatever Caps Lock says.
function nameOf(event) {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const modifiers = [
    (event.ctrlKey || event.metaKey) && "Ctrl",
    event.altKey && "Alt",
    event.shiftKey && "Shift",
  ].filter(Boolean);
  return [...modifiers, key].join("+");
}
