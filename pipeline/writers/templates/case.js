"use strict";
// Without it the page shows the slice through each nodule's centre; with it all of them, and the overlay fades.
for (const nodule of document.querySelectorAll(".nodule")) {
  const views = [...nodule.querySelectorAll(".view")].map(figure => ({
    ...figure.dataset,
    figure,
    slider: figure.querySelector("input"),
    place: figure.querySelector(".place"),
    strips: figure.querySelectorAll(".strip"),
    box: figure.querySelector(".box"),
    lines: { across: figure.querySelector(".cross.across"), down: figure.querySelector(".cross.down") },
  }));
  const offset = view => Number(view.first) + view.slider.valueAsNumber * Number(view.step);

  // The crosshair of a plane is where the two others lie.
  const cross = view => {
    const at = axis => offset(views.find(other => other.normal === axis));
    view.lines.across.setAttribute("transform", `translate(0 ${at(view.down) * Number(view.downSign)})`);
    view.lines.down.setAttribute("transform", `translate(${at(view.across)} 0)`);
  };

  const show = view => {
    const number = view.slider.valueAsNumber;
    const edge = Number(view.edge);
    for (const strip of view.strips) strip.setAttribute("y", -edge * (2 * number + 1));
    const [low, high] = view.depth.split(" ").map(Number);
    view.box.classList.toggle("beyond", offset(view) < low || offset(view) > high);
    view.place.textContent = view.slider.dataset.places.split("|")[number];
    view.slider.setAttribute("aria-valuetext", view.place.textContent);
    views.forEach(cross);
  };

  const step = (view, by) => {
    view.slider.valueAsNumber += by;
    show(view);
  };

  for (const view of views) {
    const frame = view.figure.querySelector(".frame");
    view.slider.hidden = false;
    view.slider.addEventListener("input", () => show(view));
    // A click takes a picture in hand: then the wheel turns its slices and not the page.
    frame.addEventListener("click", () => view.slider.focus({ preventScroll: true }));
    frame.addEventListener("wheel", event => {
      if (document.activeElement !== view.slider || event.ctrlKey || event.deltaY === 0) return;
      event.preventDefault();
      step(view, -Math.sign(event.deltaY));
    }, { passive: false });
    show(view);
  }
  if (views.length === 0) continue;

  const controls = nodule.querySelector(".controls");
  controls.hidden = false;
  controls.querySelector("[data-overlay]").addEventListener("input", event => {
    for (const overlay of nodule.querySelectorAll(".overlay")) overlay.setAttribute("opacity", event.target.value / 100);
  });
  controls.querySelector("[data-center]").addEventListener("click", () => {
    for (const view of views) view.slider.value = view.slider.defaultValue;
    views.forEach(show);
  });
}
