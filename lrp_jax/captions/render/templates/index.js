// The list is complete without this script, which searches, filters and sorts it.
{
  const AT_ONCE = 120; // number of cards laid out at a time, so that the work does not grow with the batch
  const [words, object, order, least] = ["words", "object", "order", "least"].map((id) => document.getElementById(id));
  const controls = [words, object, order, least].filter(Boolean);
  const list = document.querySelector(".cards");
  const count = document.querySelector("#count");
  const all = count.textContent;
  const end = document.querySelector(".end");
  let chosen = []; // the matching cards, in order; the first of them are on the page
  document.documentElement.classList.add("script");

  // The cards after the first ones are in a noscript element, which is plain text until it is parsed here.
  const rest = document.querySelector("noscript");
  const others = rest ? new DOMParser().parseFromString(rest.textContent, "text/html").querySelectorAll("li") : [];
  const cards = [...list.children, ...others].map((node, place) => ({
    node,
    place,
    caption: ` ${node.querySelector(".caption").textContent.normalize().toLowerCase()}`,
    file: node.querySelector(".file").textContent.normalize().toLowerCase(),
    objects: [...node.querySelectorAll(".objects a")].map((tag) => ({
      tag,
      category: tag.dataset.category,
      word: tag.dataset.word,
      rank: tag.dataset.rank === undefined ? -1 : Number(tag.dataset.rank),
    })),
  }));

  function asked({ category, word }) {
    const [kind, name] = [object.value[0], object.value.slice(2)];
    return kind === "c" ? name === category : name === `${category}/${word}`;
  }

  // Every term begins a word of the caption or is in the file name, and one object matches both other choices.
  function fits(card, terms, lowest) {
    const found = object?.value ? card.objects.filter(asked) : card.objects;
    card.suspicion = Math.max(-1, ...found.map(({ rank }) => rank));
    for (const { tag } of card.objects) tag.classList.remove("asked");
    if (object?.value) for (const { tag } of found) tag.classList.add("asked");
    return (
      (!object?.value || found.length > 0) &&
      (lowest === 0 || card.suspicion >= lowest) &&
      terms.every((term) => card.caption.includes(` ${term}`) || card.file.includes(term))
    );
  }

  function update() {
    const terms = words.value.normalize().toLowerCase().split(/\s+/).filter(Boolean);
    const lowest = Number(least?.value ?? 0);
    chosen = cards.filter((card) => fits(card, terms, lowest));
    if (order?.value === "suspicion") chosen.sort((a, b) => b.suspicion - a.suspicion || a.place - b.place);
    list.replaceChildren();
    more();
    count.textContent = chosen.length === cards.length ? all : `${chosen.length} of ${all}`;
    if (least) document.querySelector("#from").textContent = lowest ? `${lowest} %` : "any";
  }

  const near = { rootMargin: "2000px" };
  const watch = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && more(), near);

  function more() {
    const from = list.childElementCount;
    list.append(...chosen.slice(from, from + AT_ONCE).map(({ node }) => node));
    // An observer reports only changes: if the end is still visible after this, it would never report again.
    watch.unobserve(end);
    if (list.childElementCount < chosen.length) watch.observe(end);
  }

  // The choice is kept in the address, so that "back" from a page restores it.
  function remember() {
    const chosen = controls.filter(({ value, id }) => value && !(id === "least" && value === "0"));
    const text = new URLSearchParams(chosen.map(({ id, value }) => [id, value])).toString();
    history.replaceState(null, "", `#${text}`);
  }

  function recall() {
    const known = new URLSearchParams(location.hash.slice(1));
    for (const control of controls) {
      if (known.has(control.id)) control.value = known.get(control.id);
      if (control.tagName === "SELECT" && control.selectedIndex < 0) control.value = "";
    }
    update();
  }

  let waiting = false; // update at most once per animation frame
  for (const control of controls)
    control.addEventListener("input", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        update();
        remember();
      });
    });
  words.form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", recall);
  recall();
}
