// The page is complete without this script: it only moves what is on the page already to the large picture.
(() => {
  const root = document.documentElement;
  const articles = [...document.querySelectorAll(".words article")];
  const chips = [...document.querySelectorAll(".caption li")];
  const links = chips.map((chip) => chip.querySelector("a")).filter(Boolean);
  const stage = document.querySelector(".stage");
  const layer = stage.querySelector(".overlay");
  root.classList.add("script");
  let chosen = articles.find((article) => article.classList.contains("chosen"));

  function show(article) {
    const at = Number(article.dataset.position);
    layer.src = article.querySelector(".overlay").src;
    stage.querySelector(".chosen-word").textContent = article.querySelector("h3").textContent;
    stage.querySelector(".numbers").replaceWith(article.querySelector(".numbers").cloneNode(true));
    articles.forEach((other) => other.classList.toggle("chosen", other === article));
    const context = [...article.querySelectorAll(".context li")];
    chips.forEach((chip, position) => {
      const source = context[position];
      chip.className = position === at ? "chosen" : position > at ? "later" : source ? source.className : "";
      chip.style.setProperty("--r", source ? source.style.getPropertyValue("--r") : 0);
      chip.querySelector("small").textContent = source ? source.dataset.value : "";
      const link = chip.querySelector("a");
      if (link) link.setAttribute("aria-current", position === at);
    });
  }

  function choose(article) {
    chosen = article;
    show(article);
  }

  const articleOf = (link) => document.getElementById(link.hash.slice(1));
  links.forEach((link) => {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      choose(articleOf(link));
    });
    // A mouse looks and returns; a finger has no hover, and its tap is a click.
    link.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show(articleOf(link)));
    link.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(chosen));
  });
  articles.forEach((article) => article.addEventListener("click", () => choose(article)));

  document.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey || event.target.tagName === "INPUT") return;
    const next = articles[articles.indexOf(chosen) + step];
    if (!next) return;
    event.preventDefault();
    choose(next);
    links.find((link) => articleOf(link) === next).focus();
  });

  // From the photograph in its colours to the map over grey.
  document.querySelector("#share").addEventListener("input", ({ target: { value } }) => {
    const grey = stage.querySelector(".grey");
    layer.style.setProperty("--share", value / 100);
    grey.style.filter = `grayscale(${value / 100})`;
    grey.style.opacity = value === "0" ? 1 : "";
  });

  // Makes weak relevance visible: all maps alike, and the scale says so.
  const scale = document.querySelector("#scale");
  const ends = scale ? [scale.firstElementChild, scale.lastElementChild] : [];
  const asWritten = ends.map((end) => end.textContent);
  document.querySelector("#strength").addEventListener("input", ({ target: { value } }) => {
    const gain = 2 ** value;
    root.classList.toggle("stronger", gain > 1);
    document.querySelector("#stronger feFuncA").setAttribute("slope", gain);
    ends.forEach((end, i) => {
      const text = (Number(scale.dataset.scale) / gain).toPrecision(3).replace("-", "−");
      end.textContent = gain === 1 || asWritten[i] === "0" ? asWritten[i] : asWritten[i][0] + text;
    });
  });

  if (location.hash) {
    const linked = document.getElementById(location.hash.slice(1));
    if (articles.includes(linked)) chosen = linked;
  }
  show(chosen);
})();
