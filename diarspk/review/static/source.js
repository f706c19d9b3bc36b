// Where the review comes from: the server, or the page itself, which is then read-only.

const WINDOW = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16)).join("");

export class StaleError extends Error {}

export function openSource() {
  const embedded = document.getElementById("review-data");
  return embedded ? new EmbeddedSource(JSON.parse(embedded.textContent)) : new ServerSource();
}

class ServerSource {
  review() {
    return this.#get("review");
  }

  state() {
    return this.#get("state");
  }

  wordTurns() {
    return this.#get("words");
  }

  operate(operation, revision) {
    return this.#post("operations", { operation, revision });
  }

  undo(revision) {
    return this.#post("undo", { revision });
  }

  redo(revision) {
    return this.#post("redo", { revision });
  }

  recluster(speakers, revision) {
    return this.#post("recluster", { speakers, revision });
  }

  similar(turn) {
    return this.#get(`similar/${turn}?window=${WINDOW}`);
  }

  recording() {
    return this.#get("recording");
  }

  exportUrl(what, format) {
    return `export/${what}/${format}`;
  }

  async audioUrl() {
    return "audio";
  }

  // Calls take(bytes) with the peaks as they are computed.
  async peaks(take) {
    const reader = (await fetch("peaks")).body.getReader();
    for (let piece; !(piece = await reader.read()).done;) take(piece.value);
  }

  // Calls take(event, ownWindow) for whatever happens on the server.
  follow(take) {
    const events = new EventSource("events");
    events.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      take(event, event.window === WINDOW);
    };
    events.onerror = () => take({ kind: "disconnected" }, false);
    events.onopen = () => take({ kind: "connected" }, false);
  }

  async #get(path) {
    return answer(await fetch(path));
  }

  async #post(path, fields) {
    const body = JSON.stringify({ ...fields, window: WINDOW });
    return answer(
      await fetch(path, { method: "POST", body, headers: { "content-type": "application/json" } }),
    );
  }
}

async function answer(response) {
  const document = await response.json().catch(() => ({ error: `the server says ${response.status}` }));
  if (response.ok) return document;
  const text = document.error ?? "the request is not valid";
  throw response.status === 409 ? new StaleError(text) : new Error(text);
}

class EmbeddedSource {
  #document;

  constructor(document) {
    this.#document = document;
  }

  async review() {
    return this.#document;
  }

  async recording() {
    return { error: null };
  }

  async audioUrl() {
    const bytes = embeddedBytes("review-audio");
    return bytes && URL.createObjectURL(new Blob([bytes], { type: "audio/ogg" }));
  }

  async peaks(take) {
    const bytes = embeddedBytes("review-peaks");
    if (bytes) take(bytes);
  }

  follow() {}
}

function embeddedBytes(id) {
  const element = document.getElementById(id);
  return element && Uint8Array.from(atob(element.textContent), (sign) => sign.charCodeAt(0));
}
