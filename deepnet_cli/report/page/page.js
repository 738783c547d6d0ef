// Charts that answer to the pointer and to the keyboard. Where a value stands is read off the curve
// that is drawn, what it is off the values beside it: nothing is computed twice.
"use strict";

const CURVE = "path.line:not(.marked)";

for (const script of document.querySelectorAll("figure > script")) {
  const chart = script.parentElement;
  const values = JSON.parse(script.textContent);
  const pictures = [...chart.querySelectorAll(".picture")];
  const toggles = [...chart.querySelectorAll(".toggle")];
  const shown = (k) => toggles[k]?.getAttribute("aria-pressed") !== "false";
  for (const picture of pictures) answering(picture, values, shown);

  toggles.forEach((button, k) => button.addEventListener("click", () => {
    const on = !shown(k);
    button.setAttribute("aria-pressed", on);
    for (const picture of pictures) picture.querySelectorAll(CURVE)[k].classList.toggle("off", !on);
  }));
  const scale = chart.querySelector(".scale");
  scale?.addEventListener("click", () => {
    const log = scale.getAttribute("aria-pressed") !== "true";
    scale.setAttribute("aria-pressed", log);
    for (const picture of pictures) picture.hidden = (picture.dataset.scale === "log") !== log;
  });
}

// The points of each curve as they are drawn: x, y in percent of the plot, and what they are.
function pointsOf(picture, values) {
  return [...picture.querySelectorAll(CURVE)].map((path, k) => {
    const { x, y } = values.series[k];
    const drawn = (v) => v !== null && (picture.dataset.scale !== "log" || Number(v) > 0);
    const places = [...path.getAttribute("d").matchAll(/[ML]([-\d.]+),([-\d.]+)/g)];
    return x.map((at, i) => ({ at, value: y[i] })).filter((point) => drawn(point.value))
      .map((point, i) => ({ ...point, left: places[i][1] / 10, top: places[i][2] / 10 }));
  });
}

function answering(picture, values, shown) {
  const plot = picture.querySelector(".plot");
  const classes = [...picture.querySelectorAll(CURVE)].map((path) => path.getAttribute("class"));
  let curves = null;
  let at = null;

  const places = () => {
    curves ??= pointsOf(picture, values);
    const all = curves.filter((_, k) => shown(k)).flat();
    return [...new Map(all.map((point) => [point.at, point])).values()].sort((a, b) => a.at - b.at);
  };
  const nearest = (points, key, to) => points.reduce((best, point) => {
    const nearer = Math.abs(point[key] - to) < Math.abs(best[key] - to);
    const above = point[key] === best[key] && point.top < best.top; // where a curve goes upright
    return nearer || above ? point : best;
  });

  function show(place) {
    hide();
    at = place.at;
    const head = `${values.across} ${place.at.toLocaleString("en-US", { maximumFractionDigits: 6 })}`;
    const tip = made("div", "tip");
    tip.append(made("div", "head", head));
    const told = [head];
    curves.forEach((points, k) => {
      if (!shown(k) || !points.length) return;
      const point = nearest(points, "at", place.at);
      const where = point.at === place.at ? "" : ` (at ${point.at.toLocaleString("en-US")})`;
      const name = made("span");
      name.append(made("span", classes[k].replace("off", "")), values.series[k].label);
      const row = made("div");
      row.append(name, made("span", "", point.value + where));
      tip.append(row);
      told.push(`${values.series[k].label} ${point.value}${where}`);
      const dot = made("div", `dot ${classes[k].match(/c\d/)[0]}`);
      dot.style.left = `${point.left}%`;
      dot.style.top = `${point.top}%`;
      plot.append(dot);
    });
    const hair = made("div", "hair");
    hair.style.left = `${place.left}%`;
    plot.append(hair, tip);
    tip.style[place.left < 50 ? "right" : "left"] = "0";
    plot.setAttribute("aria-valuenow", place.at);
    plot.setAttribute("aria-valuetext", told.join(", "));
  }

  function hide() {
    at = null;
    for (const old of plot.querySelectorAll(".tip, .hair, .dot")) old.remove();
  }

  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const points = places();
    if (points.length) show(nearest(points, "left", 100 * (event.clientX - box.left) / box.width));
  });
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const points = places();
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10,
      Home: -Infinity, End: Infinity };
    if (event.key === "Escape") hide();
    if (!(event.key in steps) || !points.length) return;
    event.preventDefault();
    const last = points.length - 1;
    const from = at === null ? last + (steps[event.key] < 0 ? 1 : 0) : points.findIndex((p) => p.at >= at);
    show(points[Math.max(0, Math.min(last, from + steps[event.key]))]);
  });
}

function made(name, classes = "", text = "") {
  const element = document.createElement(name);
  element.className = classes;
  element.textContent = text;
  return element;
}
