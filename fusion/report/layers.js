"use strict";
// Layers of a pyramid, as `pyramid.py` packed them: unpacked when first needed, joined into bins.

async function inflate(id) {
  const text = document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

const decoded = new Map(); // "eeg-0" -> values; a promise meanwhile

function seriesOf(stream) {
  return stream.channels.length * Math.max(1, stream.wavelengths.length);
}

function unpack(buffer, stream, [, width, bins]) {
  const block = seriesOf(stream) * (width > 1 ? 2 : 1);
  const rows = block * stream.kinds.length + (stream.mask ? stream.channels.length : 0);
  const bytes = new Uint8Array(buffer);
  const size = rows * bins;
  const values = new Int16Array(size); // wraps around, as the packing does
  for (let row = 0; row < rows; row++) {
    let level = 0;
    for (let i = row * bins; i < (row + 1) * bins; i++) {
      const coded = bytes[i] | (bytes[size + i] << 8);
      level += (coded >>> 1) ^ -(coded & 1);
      values[i] = level;
    }
  }
  for (let i = block * bins; i < block * bins * stream.kinds.length; i++)
    values[i] += values[i - block * bins];
  return values;
}

function layerOf(stream, number) {
  const name = `${stream.key}-${number}`;
  if (!decoded.has(name)) {
    const loading = inflate(`strip-${name}`).then((buffer) => {
      decoded.set(name, unpack(buffer, stream, stream.layers[number]));
    });
    decoded.set(name, loading);
  }
  return decoded.get(name);
}

// Stretches of the window, each with the layer to draw it from: the finer one where it exists.
function pieces(stream, from, to, bin) {
  const seconds = ([first, width, bins]) => [
    stream.start + first / stream.rate,
    stream.start + (first + width * bins) / stream.rate,
  ];
  const found = [];
  let at = from;
  if (bin * stream.rate < stream.layers[0][1]) {
    const finer = stream.layers
      .map((layer, number) => [...seconds(layer), number])
      .slice(1)
      .filter(([start, stop]) => stop > from && start < to)
      .sort((a, b) => a[0] - b[0]);
    for (const [start, stop, number] of finer) {
      if (start > at) found.push([at, start, 0]);
      found.push([Math.max(start, from), Math.min(stop, to), number]);
      at = stop;
    }
  }
  if (at < to) found.push([at, to, 0]);
  return found;
}

// One series between two instants: [time, value] of bins about `bin` s wide.
function line(stream, kind, series, from, to, bin) {
  const x = [];
  const y = [];
  for (const [start, stop, number] of pieces(stream, from, to, bin)) {
    const values = layerOf(stream, number);
    if (values instanceof Promise) continue;
    const [first, width, bins] = stream.layers[number];
    const count = seriesOf(stream);
    const block = count * (width > 1 ? 2 : 1);
    const low = (stream.kinds.indexOf(kind) * block + series) * bins;
    const high = width > 1 ? low + count * bins : low;
    const step = Math.max(1, Math.floor((bin * stream.rate) / width));
    const index = (time) => ((time - stream.start) * stream.rate - first) / width;
    const last = Math.min(bins, Math.ceil(index(stop)));
    if (x.length) {
      x.push(start); // no line joins what is drawn in other bins
      y.push(null);
    }
    // bins keep their places, however the window is panned
    for (let i = Math.max(0, Math.floor(index(start) / step) * step); i < last; i += step) {
      let [least, most] = [Infinity, -Infinity];
      for (let j = i; j < Math.min(i + step, bins); j++) {
        if (values[low + j] === -32768) continue;
        least = Math.min(least, values[low + j]);
        most = Math.max(most, values[high + j]);
      }
      const one = width === 1 && step === 1;
      const half = Math.min(step, bins - i) / 2;
      const time = stream.start + (first + (one ? i : (i + half) * width)) / stream.rate;
      if (least > most) {
        x.push(time);
        y.push(null);
      } else if (one) {
        x.push(time);
        y.push(least);
      } else {
        x.push(time, time);
        y.push(least, most);
      }
    }
  }
  return [x, y];
}

// Intervals in which a channel's mask has a code: 1 motion, 2 lost.
function masked(stream, channel, code, from, to, bin) {
  const spans = [];
  for (const [start, stop, number] of pieces(stream, from, to, bin)) {
    const values = layerOf(stream, number);
    if (values instanceof Promise) continue;
    const [first, width, bins] = stream.layers[number];
    const block = seriesOf(stream) * (width > 1 ? 2 : 1);
    const row = (block * stream.kinds.length + channel) * bins;
    const index = (time) => ((time - stream.start) * stream.rate - first) / width;
    const last = Math.min(bins, Math.ceil(index(stop)));
    for (let i = Math.max(0, Math.floor(index(start))); i < last; i++) {
      if (values[row + i] !== code) continue;
      const begin = stream.start + (first + i * width) / stream.rate;
      const end = begin + width / stream.rate;
      const before = spans[spans.length - 1];
      if (before && begin - before[1] < bin) before[1] = end;
      else spans.push([begin, end]);
    }
  }
  return spans;
}

