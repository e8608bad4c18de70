// Exports the arrays of the page as JSON: those of one word and method, or all.
const NOTE =
  "A map has integer levels: relevance = level * unit, and values beyond the scale are clipped to it. All other " +
  "numbers have 7 digits. The exact arrays are in the file named by `exact`, if there is one.";

async function withMap(method, row, cell) {
  const { logits, betas, words, regions, exact, unit, has_map, ...how } = data.methods[method];
  const of = (values) => values && values[row];
  const levels = has_map ? await readMap(cell.querySelector(".overlay")) : null;
  const map = levels && { height: levels.length, width: levels[0].length, unit, levels };
  return {
    ...how, word: data.inputs[data.positions[row]], position: data.positions[row], logit: logits[row],
    beta: of(betas), words: of(words), regions: of(regions), map, exact,
  };
}

const head = () => ({ name: data.name, caption: data.caption, inputs: data.inputs, note: NOTE });

async function arraysOfWord(entry, method, row) {
  return { ...head(), ...(await withMap(method, row, entry.querySelectorAll(".cell")[method])) };
}

async function allArrays(entries) {
  const explained = [];
  for (const [row, entry] of entries.entries())
    for (const [method, cell] of entry.querySelectorAll(".cell").entries())
      explained.push(await withMap(method, row, cell));
  return { ...head(), explained };
}

function save(value, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(value)], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// The clipboard API is only available in secure contexts; otherwise use the old execCommand.
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.body.appendChild(document.createElement("textarea"));
  field.value = text;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser does not allow this page to copy; download the arrays instead");
}
