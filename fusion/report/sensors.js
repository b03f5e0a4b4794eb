"use strict";
// Sensors on the heads are boxes to tick: by a click, or by arrow keys and Enter. A head is one stop
// of the tab key, for a cap may hold 300 sensors.
function bindSensors(whole) {
  const away = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const middle = (sensor) => {
    const { x, y, width, height } = sensor.getBBox();
    return [x + width / 2, y + height / 2];
  };
  // the nearest in that direction; what lies aside counts double
  const nearest = (sensors, from, [right, down]) => {
    const [x, y] = middle(from);
    let best = from;
    let least = Infinity;
    for (const sensor of sensors) {
      const [a, b] = middle(sensor);
      const along = (a - x) * right + (b - y) * down;
      const aside = Math.abs((a - x) * down) + Math.abs((b - y) * right);
      if (along > 0.5 && along + 2 * aside < least) [best, least] = [sensor, along + 2 * aside];
    }
    return best;
  };
  const bound = [];
  const showChecked = () => {
    for (const [sensor, box] of bound) sensor.setAttribute("aria-checked", box.checked);
  };
  for (const head of document.querySelectorAll("svg.map")) {
    const sensors = [...head.querySelectorAll("[data-sensor]")];
    head.setAttribute("role", "group"); // inside an image, parts would not be announced
    const reach = (sensor) => sensors.forEach((s) => (s.tabIndex = s === sensor ? 0 : -1));
    for (const sensor of sensors) {
      const [key, channel] = sensor.dataset.sensor.split("-");
      const box = whole.querySelector(`input[data-stream="${key}"][data-channel="${channel}"]`);
      bound.push([sensor, box]);
      sensor.setAttribute("role", "checkbox");
      sensor.setAttribute("aria-label", sensor.querySelector("title").textContent);
      sensor.addEventListener("click", () => box.click());
      sensor.addEventListener("focus", () => reach(sensor));
      sensor.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === "Enter" || event.key === " ") box.click();
        else if (event.key in away) nearest(sensors, sensor, away[event.key]).focus();
        else return;
        event.preventDefault();
      });
    }
    reach(sensors[0]);
  }
  whole.addEventListener("change", showChecked);
  whole.addEventListener("click", showChecked); // buttons tick boxes without a change event
  showChecked();
}
