// The page of a study: rows by state, site, device, task and text; a link to a hidden row shows it.
// Of thousands of rows the first are laid out, more as one scrolls.
{
  const table = document.querySelector(".group table");
  const body = table.tBodies[0];
  const texts = new Map([...body.rows].map((row) => [row, row.textContent.toLowerCase()]));
  const tiles = [...document.querySelectorAll("[data-show]")];
  const menus = [...document.querySelectorAll("select[data-by]")];
  const find = document.querySelector("[data-find]");
  const count = document.querySelector("[data-count]");
  const step = Number(table.parentElement.dataset.first);
  let shown = "all";
  let room = step;

  const update = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = menus
      .filter((menu) => menu.selectedIndex > 0)
      .map((menu) => [menu.dataset.by, menu.value]);
    let left = 0;
    for (const row of body.rows) {
      const text = texts.get(row);
      const fits = (shown === "all" || row.classList.contains(shown))
        && chosen.every(([key, value]) => (row.dataset[key] ?? "") === value)
        && words.every((word) => text.includes(word));
      left += fits;
      row.hidden = !fits;
      row.classList.toggle("later", left > room);
    }
    count.textContent = left === texts.size ? "" : `${left} of ${texts.size} shown`;
  };
  const restart = () => {
    room = step;
    update();
  };
  const show = (kind) => {
    shown = kind;
    for (const tile of tiles) tile.setAttribute("aria-pressed", tile.dataset.show === kind);
    restart();
  };
  const reveal = () => {
    const row = document.getElementById(location.hash.slice(1));
    if (!row || !texts.has(row)) return;
    if (row.hidden) {
      find.value = "";
      for (const menu of menus) menu.selectedIndex = 0;
      show("all");
    }
    if (row.classList.contains("later")) {
      room = Math.max(room, [...body.rows].indexOf(row) + step);
      update();
    }
    row.scrollIntoView({ block: "center" });
  };

  for (const bar of document.querySelectorAll(".filters")) bar.hidden = false;
  for (const tile of tiles) tile.addEventListener("click", () => show(tile.dataset.show));
  for (const menu of menus) menu.addEventListener("change", restart);
  find.addEventListener("input", restart);
  table.tHead.addEventListener("click", restart); // after the rows were sorted
  addEventListener("hashchange", reveal);
  for (const link of document.querySelectorAll("a[href^='#r']"))
    link.addEventListener("click", () => setTimeout(reveal)); // also where the hash is the same
  new IntersectionObserver(([end]) => {
    if (!end.isIntersecting || room >= texts.size) return;
    room += step;
    update();
  }, { rootMargin: "1500px" }).observe(document.querySelector("[data-more]"));
  update(); // browsers keep what was chosen before a page is loaded again
  reveal();
}
