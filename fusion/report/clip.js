"use strict";
// Lines that leave their lane: a gap with arrows at its edge, since a flat line reads as saturation.

// A line as `line` makes it, from `centre` in units of `limit`, ending at ±1 where it leaves the
// lane and beginning anew where it comes back; and arrows, at most one in every `spacing` of x.
// Values at ±`saturation`, the end of the stored integers, are outside every lane.
function clipped([x, y], centre, limit, spacing, saturation) {
  const shown = { x: [], y: [] };
  const arrows = { x: [], y: [] };
  let last = null; // [x, height, side] of the point before
  let place = null; // of the last arrow
  for (let i = 0; i < x.length; i++) {
    if (y[i] === null) {
      shown.x.push(x[i]);
      shown.y.push(null);
      last = null;
      continue;
    }
    const height = Math.abs(y[i]) < saturation ? (y[i] - centre) / limit : y[i] * Infinity;
    const side = height >= 1 ? 1 : height <= -1 ? -1 : 0;
    if (last && side !== last[2])
      for (const edge of [last[2], side].filter((end) => end)) {
        const part = Number.isFinite(last[1]) ? (edge - last[1]) / (height - last[1]) : 1;
        shown.x.push(last[0] + part * (x[i] - last[0]));
        shown.y.push(edge);
      }
    shown.x.push(x[i]);
    shown.y.push(side ? null : height);
    const here = `${side} ${Math.floor(x[i] / spacing)}`;
    if (side && here !== place) {
      arrows.x.push(x[i]);
      arrows.y.push(side);
      place = here;
    }
    last = [x[i], height, side];
  }
  return { shown, arrows };
}

