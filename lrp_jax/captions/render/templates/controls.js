// The controls for drawing all maps: opacity, strength, the share of each sign, colours. The colour scales follow.
const tune = (() => {
  const root = document.documentElement;
  const control = (id) => document.querySelector(`#${id}`);
  const sliders = ["share", "strength", "for", "against"].map(control);
  const palette = control("palette");
  const opening = palette.value;
  const scales = [...document.querySelectorAll(".scale")];
  const KEY = "lrp_jax.palette";

  function remembered() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is not allowed
    }
  }

  function remember(value) {
    try {
      localStorage.setItem(KEY, value);
    } catch {} // as above
  }

  // The filter splits a map into two layers, one for each sign, each with its own colour and strength.
  function drawMaps(gain, shares) {
    const colours = ["--support", "--oppose"].map((name) => getComputedStyle(root).getPropertyValue(name));
    ["#of-for", "#of-against"].forEach((id, side) => {
      const rows = colours[side].match(/\d+/g).map((value) => `0 0 0 0 ${value / 255}`);
      const opacity = [0, 0, 0, 0, 0];
      opacity[side] = gain * shares[side];
      document.querySelector(id).setAttribute("values", [...rows, opacity.join(" ")].join(" "));
    });
    root.classList.toggle("tuned", gain !== 1 || shares.some((share) => share !== 1) || palette.value !== opening);
  }

  function drawScales(gain) {
    root.classList.toggle("stronger", gain !== 1);
    scales.forEach((scale) => {
      [scale.firstElementChild, scale.lastElementChild].forEach((end) => {
        end.dataset.written ??= end.textContent;
        const sign = end.dataset.written[0] === "−" ? -1 : 1;
        const asWritten = gain === 1 || end.dataset.written === "0";
        end.textContent = asWritten ? end.dataset.written : signed((sign * scale.dataset.scale) / gain);
      });
    });
  }

  function draw() {
    const [share, strength, ...shares] = sliders.map((slider) => Number(slider.value));
    const [support, against] = shares.map((value) => value / 100);
    const gain = 2 ** strength;
    root.dataset.palette = palette.value;
    root.style.setProperty("--share", share / 100);
    root.style.setProperty("--for", support);
    root.style.setProperty("--against", against);
    root.classList.toggle("photograph-only", share === 0);
    for (const side of ["support", "oppose"])
      document.querySelectorAll(`.name.${side}`).forEach((name) => {
        name.textContent = palette.selectedOptions[0].dataset[side];
      });
    drawMaps(gain, [support, against]);
    drawScales(gain);
    root.classList.toggle("with-numbers", control("numbers").checked);
  }

  if ([...palette.options].some((option) => option.value === remembered())) palette.value = remembered();
  [...sliders, control("numbers")].forEach((input) => input.addEventListener("input", draw));
  palette.addEventListener("change", () => {
    remember(palette.value);
    draw();
  });
  control("reset").addEventListener("click", () => {
    [...sliders, control("numbers")].forEach((input) => {
      [input.value, input.checked] = [input.defaultValue, input.defaultChecked];
    });
    palette.value = opening;
    remember(opening);
    draw();
  });
  draw();
  return { draw, add: (scale) => scales.push(scale) };
})();
