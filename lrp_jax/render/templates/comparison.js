// The page is complete without this script: it only moves a row of the table to the large pictures.
{
  const rows = [...document.querySelectorAll(".matrix tr[id]")];
  const stage = document.querySelector(".methods");
  const cards = [...stage.querySelectorAll(".card")];
  const heading = document.querySelector(".at-stage");

  choosing(rows, (row, chips) => {
    const at = Number(row.dataset.position);
    heading.querySelector(".chosen-word").textContent = row.querySelector(".word").textContent;
    heading.querySelector(".numbers").replaceWith(row.querySelector("th .numbers").cloneNode(true));
    const cells = row.querySelectorAll("td");
    cards.forEach((card, i) => {
      card.querySelector(".overlay").src = cells[i].querySelector(".overlay").src;
      for (const part of [".context", ".numbers"]) {
        const [old, fresh] = [card.querySelector(part), cells[i].querySelector(part)];
        if (old && fresh) old.replaceWith(fresh.cloneNode(true));
      }
    });
    chips.forEach((chip, position) => {
      chip.className = position === at ? "chosen" : position > at ? "later" : "";
    });
  });
}
