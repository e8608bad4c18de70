// The page is complete without this script, which only copies content of the page to the main view.
{
  const entries = [...document.querySelectorAll(".entry")];
  const stage = document.querySelector(".stage");
  const chips = [...document.querySelectorAll(".caption li")];
  const first = stage.querySelector(".view");
  const second = first.cloneNode(true);
  const methods = [...document.querySelectorAll(".choices input")];
  const beside = document.querySelector("#beside");
  const done = document.querySelector("#done");
  let shown; // the entry of the word in the main view
  let pointing = null; // the last event of a pointer that is still over a picture

  const method = () => Number(methods.find((choice) => choice.checked)?.value ?? 0);

  // Shows the current word by one method in a view.
  function fill(view, number) {
    const cell = shown.querySelectorAll(".cell")[number];
    view.querySelector(".overlay").src = cell.querySelector(".overlay").src;
    view.querySelector(".chosen-word").textContent = shown.querySelector(".word").textContent;
    for (const part of [".numbers", ".context"])
      view.querySelector(part).replaceWith(cell.querySelector(part).cloneNode(true));
    for (const about of view.querySelectorAll("[data-method]")) about.hidden = Number(about.dataset.method) !== number;
    silence(view);
  }

  function silence(view) {
    pointing = null;
    view.querySelector(".readout").textContent = "";
  }

  // The preceding words get the colours of their relevance.
  function colourCaption() {
    const at = Number(shown.dataset.position);
    const context = [...first.querySelectorAll(".context li")];
    chips.forEach((chip, position) => {
      const source = context[position];
      chip.className = position === at ? "chosen" : position > at ? "later" : source ? source.className : "";
      chip.style.setProperty("--r", source ? source.style.getPropertyValue("--r") : 0);
      chip.querySelector("small").textContent = source ? source.dataset.value : "";
      chip.title = source ? source.title : "";
    });
  }

  function show(entry) {
    shown = entry;
    const other = beside?.value ?? "";
    stage.classList.toggle("beside", other !== "");
    fill(first, method());
    if (other !== "") {
      if (!second.isConnected) first.after(second);
      fill(second, Number(other));
    } else second.remove();
    colourCaption();
  }

  // Shows the value of the map at the pointer.
  async function read(view, event) {
    pointing = event;
    const number = view === first ? method() : Number(beside.value);
    const { has_map, unit } = data.methods[number];
    const picture = view.querySelector(".picture").getBoundingClientRect();
    if (!has_map || !unit) return;
    const levels = await readMap(view.querySelector(".overlay"), true);
    if (pointing !== event) return; // the pointer moved before the map was read
    const [height, width] = [levels.length, levels[0].length];
    const y = Math.floor(((event.clientY - picture.top) / picture.height) * height);
    const x = Math.floor(((event.clientX - picture.left) / picture.width) * width);
    const level = levels[y]?.[x];
    if (level === undefined) return;
    const beyond = Math.abs(level) === data.levels ? " or more" : "";
    view.querySelector(".readout").textContent = `here (row ${y}, column ${x}): ${signed(level * unit)}${beyond}`;
  }

  for (const view of [first, second]) {
    const picture = view.querySelector(".picture");
    for (const kind of ["pointermove", "pointerdown"]) picture.addEventListener(kind, (event) => read(view, event));
    picture.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") silence(view);
    });
    view.querySelectorAll(".scale").forEach((scale) => view === second && tune.add(scale));
  }
  methods.forEach((choice) => choice.addEventListener("change", () => show(shown)));
  beside?.addEventListener("change", () => show(shown));
  // In the table a click also chooses the method; the event then bubbles to the row and chooses the word.
  entries.forEach((entry) =>
    entry.querySelectorAll("td.cell").forEach((cell, number) =>
      cell.addEventListener("click", () => (methods[number].checked = true)),
    ),
  );

  async function tell(action, said) {
    done.textContent = "…";
    try {
      done.textContent = said(await action());
    } catch (error) {
      done.textContent = `Failed: ${error.message}`;
    }
  }
  document.querySelector("#copy").addEventListener("click", () =>
    tell(
      async () => {
        const found = await arraysOfWord(shown, method(), entries.indexOf(shown));
        await copyText(JSON.stringify(found));
        return found;
      },
      ({ word, method }) => `copied: “${word}” by ${method}, as JSON`,
    ),
  );
  document.querySelector("#download").addEventListener("click", () =>
    tell(
      async () => {
        const found = await allArrays(entries);
        const name = `${data.name.replace(/[^\p{L}\p{M}\p{N}._-]+/gu, "_").slice(0, 80)}.json`;
        save(found, name);
        return name;
      },
      (name) => `downloaded ${name}`,
    ),
  );

  choosing(entries, show);
}
