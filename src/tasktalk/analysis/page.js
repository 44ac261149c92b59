"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const drawn = new Set();

  /* Text and grid of a figure in the colours of the page; a figure has no background of its own. */
  function colours(layout) {
    const style = getComputedStyle(root);
    const value = (name) => style.getPropertyValue(name).trim();
    const found = {
      "font.color": value("--text"),
      "paper_bgcolor": "rgba(0,0,0,0)",
      "plot_bgcolor": "rgba(0,0,0,0)",
      "hoverlabel.bgcolor": value("--panel"),
      "hoverlabel.font.color": value("--text"),
    };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      found[axis + ".gridcolor"] = value("--grid");
      found[axis + ".zerolinecolor"] = value("--grid");
      found[axis + ".linecolor"] = value("--grid");
    }
    (layout.updatemenus || []).forEach((_, number) => {
      found[`updatemenus[${number}].bgcolor`] = value("--panel");
      found[`updatemenus[${number}].bordercolor`] = value("--line");
    });
    return found;
  }

  const settled = () => Promise.all([...drawn].map((box) => Plotly.relayout(box, colours(box._fullLayout))));

  function setTheme(name) {
    root.dataset.theme = name;
    button.setAttribute("aria-pressed", String(name === "dark"));
    return settled();
  }

  async function draw(box) {
    if (drawn.has(box) || !window.Plotly) return;
    drawn.add(box);
    const figure = JSON.parse(document.getElementById(box.dataset.figure).textContent);
    const coarse = matchMedia("(pointer: coarse)").matches;
    const layout = Object.assign({ height: 450 }, figure.layout, coarse ? { dragmode: false } : {});
    box.style.minHeight = `${layout.height}px`;
    await Plotly.newPlot(box, figure.data, layout, { responsive: true, displayModeBar: false, displaylogo: false });
    await Plotly.relayout(box, colours(box._fullLayout));
    box.dataset.drawn = "yes";
  }

  /* Plotly lies compressed in the page, so that the page stays small. */
  async function unpack() {
    const packed = document.getElementById("plotly");
    if (!packed) return;
    const boxes = [...document.querySelectorAll(".plot")];
    try {
      const bytes = Uint8Array.from(atob(packed.textContent.trim()), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      const script = document.createElement("script");
      script.textContent = await new Response(stream).text();
      document.head.append(script);
    } catch (error) {
      boxes.forEach((box) => { box.textContent = "This browser is too old to draw the picture; see the numbers."; });
      return;
    }
    const seen = new IntersectionObserver((entries) => {
      entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
        seen.unobserve(entry.target);
        draw(entry.target);
      });
    }, { rootMargin: "400px" });
    boxes.forEach((box) => seen.observe(box));
    addEventListener("beforeprint", () => boxes.filter((box) => box.offsetParent).forEach(draw));
  }

  const content = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : cell.dataset.value;
  };

  /* Numbers as numbers, then words; what is empty stays at the end in either direction. */
  function compare(one, other, sign) {
    const empty = [one, other].map((value) => value === "" || value === "nan");
    if (empty[0] || empty[1]) return empty[0] - empty[1];
    const numbers = [Number(one), Number(other)];
    if (!numbers.some(Number.isNaN)) return sign * (numbers[0] - numbers[1]);
    return sign * one.localeCompare(other, "en", { numeric: true });
  }

  function sort(table, head) {
    const column = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows];
    rows.sort((one, other) => compare(content(one, column), content(other, column), down ? -1 : 1));
    body.append(...rows);
  }

  function sortable(table) {
    if (!table.tHead || !table.tBodies.length) return;
    for (const head of table.tHead.rows[table.tHead.rows.length - 1].cells) {
      let handle = head.querySelector("button");
      if (!handle) {
        handle = document.createElement("button");
        handle.type = "button";
        handle.append(...head.childNodes);
        head.append(handle);
      }
      handle.addEventListener("click", () => sort(table, head));
    }
  }

  function turn(select) {
    for (const panel of document.querySelectorAll("[data-panel]")) {
      if (panel.dataset.group === select.dataset.switch) panel.hidden = panel.dataset.panel !== select.value;
    }
  }

  for (const select of document.querySelectorAll("select[data-switch]")) {
    select.addEventListener("change", () => turn(select));
    turn(select);
  }
  document.querySelectorAll("table.sortable").forEach(sortable);
  button.addEventListener("click", () => setTheme(root.dataset.theme === "dark" ? "light" : "dark"));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  setTheme(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
  let before = "light";
  addEventListener("beforeprint", () => { before = root.dataset.theme; setTheme("light"); });
  addEventListener("afterprint", () => setTheme(before));
  unpack();
})();
