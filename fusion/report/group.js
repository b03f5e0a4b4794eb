// The page of a study: rows by state, site, device, task and text; a link to a hidden row shows it.
{
  const rows = [...document.querySelectorAll(".group tbody tr")];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const tiles = [...document.querySelectorAll("[data-show]")];
  const menus = [...document.querySelectorAll("select[data-by]")];
  const find = document.querySelector("[data-find]");
  const count = document.querySelector("[data-count]");
  let shown = "all";

  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = menus
      .filter((menu) => menu.selectedIndex > 0)
      .map((menu) => [menu.dataset.by, menu.value]);
    let left = 0;
    for (const row of rows) {
      const text = texts.get(row);
      const fits = (shown === "all" || row.classList.contains(shown))
        && chosen.every(([key, value]) => (row.dataset[key] ?? "") === value)
        && words.every((word) => text.includes(word));
      if (row.hidden === fits) row.hidden = !fits;
      left += fits;
    }
    count.textContent = left === rows.length ? "" : `${left} of ${rows.length} shown`;
  };
  const show = (kind) => {
    shown = kind;
    for (const tile of tiles) tile.setAttribute("aria-pressed", tile.dataset.show === kind);
    filter();
  };
  const reveal = () => {
    const row = document.getElementById(location.hash.slice(1));
    if (!row?.hidden) return;
    find.value = "";
    for (const menu of menus) menu.selectedIndex = 0;
    show("all");
    row.scrollIntoView();
  };
  for (const bar of document.querySelectorAll(".filters")) bar.hidden = false;
  for (const tile of tiles) tile.addEventListener("click", () => show(tile.dataset.show));
  for (const menu of menus) menu.addEventListener("change", filter);
  find.addEventListener("input", filter);
  addEventListener("hashchange", reveal);
  filter(); // browsers keep what was chosen before a page is loaded again
}
