// Canvases that are sharp on every screen, and drawn at most once a frame.

const RESOLUTION_LIMIT = 2; // more pixels cost time that nobody sees

// Sizes a canvas to its element; returns its context in CSS pixels, with width and height.
export function prepare(canvas, width, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, RESOLUTION_LIMIT);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// A function that asks for a drawing, however often it is called.
export function oncePerFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
