// Decodes the numbers of a map from its image: the colour is the sign, the opacity is the value relative to the scale.
const data = JSON.parse(document.querySelector("#data").textContent);

const readMap = (() => {
  const [support, oppose] = data.colours;
  const along = support.map((value, i) => value - oppose[i]);
  const middle = support.map((value, i) => (value + oppose[i]) / 2);
  const known = new Map();

  // A map as rows of integers between -levels and levels.
  async function read(image) {
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(image, 0, 0);
    const { data: pixels, width, height } = pen.getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (_, x) => {
        const at = 4 * (y * width + x);
        const level = Math.round((pixels[at + 3] / 255) * data.levels);
        const side = along.reduce((sum, d, i) => sum + d * (pixels[at + i] - middle[i]), 0);
        return side < 0 ? -level || 0 : level;
      }),
    );
  }

  // The main view reads a few maps repeatedly, so they are cached; the export reads each map once.
  return (image, keep) => {
    if (known.has(image.src)) return known.get(image.src);
    const found = read(image);
    if (keep) {
      if (known.size > 3) known.clear();
      known.set(image.src, found);
    }
    return found;
  };
})();

function signed(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size < 1e-3 || size >= 1e5 ? size.toExponential(2).replace("e+", "e") : size.toPrecision(3);
  return (value > 0 ? "+" : "−") + text.replace("-", "−");
}
