// Numbers as people read them.

export function clock(seconds, digits = 1) {
  const rounded = Math.max(Number(seconds.toFixed(digits)), 0);
  const hours = Math.floor(rounded / 3600);
  const minutes = Math.floor(rounded / 60) % 60;
  const rest = (rounded % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export function percent(share) {
  return `${Math.round(100 * share)} %`;
}

export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// Letter by which a speaker is chosen: those from the 27th on have none.
export function letter(lane) {
  return lane < 26 ? String.fromCharCode(65 + lane) : "";
}

export function describe(turn) {
  const parts = [turn.speaker, `${clock(turn.start, 2)} to ${clock(turn.end, 2)}`];
  if (turn.confidence !== undefined) parts.push(`confidence ${percent(turn.confidence)}`);
  if (turn.reviewed) parts.push("reviewed");
  return parts.join(", ");
}
