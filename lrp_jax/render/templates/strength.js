// Makes weak relevance visible: all maps alike, and the scales say so.
{
  const scales = [...document.querySelectorAll(".scale")].map((scale) => {
    const ends = [scale.firstElementChild, scale.lastElementChild];
    return { full: Number(scale.dataset.scale), ends, asWritten: ends.map((end) => end.textContent) };
  });
  document.querySelector("#strength").addEventListener("input", ({ target: { value } }) => {
    const gain = 2 ** value;
    document.documentElement.classList.toggle("stronger", gain > 1);
    document.querySelector("#stronger feFuncA").setAttribute("slope", gain);
    scales.forEach(({ full, ends, asWritten }) => ends.forEach((end, i) => {
      const text = (full / gain).toPrecision(3).replace("-", "−");
      end.textContent = gain === 1 || asWritten[i] === "0" ? asWritten[i] : asWritten[i][0] + text;
    }));
  });
}
