// Choosing a word: by its chip in the caption, by its entry below, or with the arrow keys.
// entries: one element per word, with id "w<position>"; show(entry) shows one in the main view.
function choosing(entries, show) {
  const links = [...document.querySelectorAll(".caption a")];
  const entryOf = (link) => document.getElementById(link.hash.slice(1));
  let chosen = entries.find((entry) => entry.classList.contains("chosen"));
  document.documentElement.classList.add("script");

  function display(entry) {
    entries.forEach((other) => other.classList.toggle("chosen", other === entry));
    links.forEach((link) => link.setAttribute("aria-current", entryOf(link) === entry));
    show(entry);
  }

  function choose(entry) {
    chosen = entry;
    display(entry);
  }

  links.forEach((link) => {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      choose(entryOf(link));
    });
    // With a mouse, hovering shows a word temporarily; touch has no hover, and a tap is a click.
    link.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && display(entryOf(link)));
    link.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && display(chosen));
  });
  entries.forEach((entry) => entry.addEventListener("click", () => choose(entry)));

  // Form controls, and elements that the arrow keys scroll horizontally.
  function usesArrows(target) {
    return target.matches("input, select") || (target.matches(".scroll") && target.scrollWidth > target.clientWidth);
  }

  document.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey || usesArrows(event.target)) return;
    const next = entries[entries.indexOf(chosen) + step];
    if (!next) return;
    event.preventDefault();
    choose(next);
    links.find((link) => entryOf(link) === next).focus();
  });

  const linked = location.hash && document.getElementById(location.hash.slice(1));
  if (entries.includes(linked)) chosen = linked;
  display(chosen);
}
