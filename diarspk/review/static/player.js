// The sound: play, seek, and play a span alone.

export class Player extends EventTarget {
  #audio;
  #stopAt = Infinity;

  constructor(audio) {
    super();
    this.#audio = audio;
    for (const name of ["play", "pause", "seeked", "loadedmetadata"]) {
      audio.addEventListener(name, () => this.#tell());
    }
    audio.addEventListener("play", () => this.#run());
    audio.addEventListener(
      "error",
      () => audio.getAttribute("src") && this.dispatchEvent(new Event("error")),
    );
  }

  load(url) {
    if (url) this.#audio.src = url;
  }

  get silent() {
    return !this.#audio.hasAttribute("src");
  }

  get time() {
    return this.#audio.currentTime;
  }

  get playing() {
    return !this.#audio.paused;
  }

  // A time that is asked for before the sound is there is kept by the element.
  seek(time) {
    this.#stopAt = Infinity;
    this.#audio.currentTime = Math.max(time, 0);
    this.#tell();
  }

  toggle() {
    this.#stopAt = Infinity;
    this.playing ? this.#audio.pause() : this.#start();
  }

  playSpan(start, end) {
    this.#audio.currentTime = start;
    this.#stopAt = end;
    this.#start();
  }

  #start() {
    this.#audio.play().catch(() => {}); // paused before it began, or there is no sound
  }

  #run() {
    if (!this.playing) return;
    if (this.time >= this.#stopAt) {
      this.#audio.pause();
      this.#audio.currentTime = this.#stopAt;
      this.#stopAt = Infinity;
    }
    this.#tell();
    requestAnimationFrame(() => this.#run());
  }

  #tell() {
    this.dispatchEvent(new Event("time"));
  }
}
