// Light and dark: as the system has it, until one of them is chosen.

const KEY = "diarspk-review-theme";
const SPEAKER_COLOURS = 10;
// A canvas does not read the pairs of the style sheet.
const PAIR = /light-dark\(\s*([^,]+?)\s*,\s*([^)]+?)\s*\)/;

export class Theme extends EventTarget {
  #colours = null;

  constructor() {
    super();
    const saved = remembered();
    if (saved) document.documentElement.dataset.theme = saved;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#changed());
  }

  get dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  toggle() {
    const next = this.dark ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // A page in a frame may keep nothing.
    }
    this.#changed();
  }

  // Colours of the style sheet, for what is drawn.
  get colours() {
    if (!this.#colours) {
      const style = getComputedStyle(document.documentElement);
      const named = (name) => PAIR.exec(style.getPropertyValue(`--${name}`))[this.dark ? 2 : 1];
      this.#colours = {
        ink: named("ink"),
        muted: named("muted"),
        line: named("line"),
        wave: named("wave"),
        played: named("accent"),
        surface: named("surface"),
        stripe: named("stripe"),
        range: named("range"),
        speakers: Array.from({ length: SPEAKER_COLOURS }, (_, i) => named(`speaker-${i}`)),
      };
    }
    return this.#colours;
  }

  speaker(number = 0) {
    return this.colours.speakers[number % SPEAKER_COLOURS];
  }

  #changed() {
    this.#colours = null;
    this.dispatchEvent(new Event("change"));
  }
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
