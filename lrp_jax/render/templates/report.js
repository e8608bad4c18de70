// The page is complete without this script: it only moves what is on the page already to the large picture.
{
  const articles = [...document.querySelectorAll(".words article")];
  const stage = document.querySelector(".stage");
  const layer = stage.querySelector(".overlay");

  choosing(articles, (article, chips) => {
    const at = Number(article.dataset.position);
    layer.src = article.querySelector(".overlay").src;
    stage.querySelector(".chosen-word").textContent = article.querySelector("h3").textContent;
    stage.querySelector(".numbers").replaceWith(article.querySelector(".numbers").cloneNode(true));
    const context = [...article.querySelectorAll(".context li")];
    chips.forEach((chip, position) => {
      const source = context[position];
      chip.className = position === at ? "chosen" : position > at ? "later" : source ? source.className : "";
      chip.style.setProperty("--r", source ? source.style.getPropertyValue("--r") : 0);
      chip.querySelector("small").textContent = source ? source.dataset.value : "";
    });
  });

  // From the photograph in its colours to the map over grey.
  document.querySelector("#share").addEventListener("input", ({ target: { value } }) => {
    const grey = stage.querySelector(".grey");
    layer.style.setProperty("--share", value / 100);
    grey.style.filter = `grayscale(${value / 100})`;
    grey.style.opacity = value === "0" ? 1 : "";
  });
}
