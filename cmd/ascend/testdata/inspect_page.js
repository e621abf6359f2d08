// Looks at a drawn report as a reader with a screen reader, a keyboard or weak
// eyes would, and leaves what it finds wrong in the page.
(() => {
  const wrong = [], facts = {};
  const say = (what, element) => wrong.push(what + ": " + (element ? element.outerHTML.slice(0, 120) : ""));

  // Colours, as they were drawn.
  const channels = text => (text.match(/[\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const ground = element => {
    for (; element; element = element.parentElement) {
      const c = channels(getComputedStyle(element).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  document.querySelectorAll("details").forEach(d => d.open = true);
  facts.ground = getComputedStyle(document.body).backgroundColor;
  facts.texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest("script, style, title")) continue;
    facts.texts++;
    const style = getComputedStyle(element);
    const ink = channels(element.closest("svg") ? style.fill : style.color);
    if (contrast(ink, ground(element)) < 4.5) say("hard to read", element);
    const picture = element.closest("svg"); // which is drawn larger or smaller than its units
    const scale = picture ? picture.getBoundingClientRect().width / picture.viewBox.baseVal.width : 1;
    if (parseFloat(style.fontSize) * scale < 10) say("small", element);
  }
  const shapes = document.querySelectorAll("svg rect, svg polyline");
  facts.shapes = shapes.length;
  for (const shape of shapes) {
    const style = getComputedStyle(shape);
    if (contrast(channels(style.fill === "none" ? style.stroke : style.fill), ground(shape.closest("svg"))) < 3) say("hard to see", shape);
    const box = shape.getBoundingClientRect(), frame = shape.closest("svg").getBoundingClientRect();
    if (box.right > frame.right + 2 || box.left < frame.left - 2 || box.bottom > frame.bottom + 2) say("outside of its picture", shape);
  }
  for (const text of document.querySelectorAll("svg text")) {
    const box = text.getBoundingClientRect(), frame = text.closest("svg").getBoundingClientRect();
    if (box.right > frame.right + 2 || box.left < frame.left - 2) say("outside of its picture", text);
    for (const bar of text.closest("svg").querySelectorAll("rect")) {
      const b = bar.getBoundingClientRect();
      if (box.left < b.right && b.left < box.right && box.top + 3 < b.bottom && b.top + 3 < box.bottom) say("text on a bar", text);
    }
  }

  // Structure.
  for (const name of ["header", "main", "footer", "h1"]) if (document.querySelectorAll(name).length !== 1) say("not one " + name);
  if (!document.documentElement.lang || !document.title) say("no language or title");
  let level = 1;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) say("a heading leaves out a level", heading);
    level = next;
  }
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  if (new Set(ids).size !== ids.length) say("an id twice");
  for (const element of document.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(element.getAttribute("aria-labelledby"))?.textContent.trim()) say("a label that is not there", element);
  for (const element of document.querySelectorAll("section, [role=region], svg"))
    if (!element.hasAttribute("aria-label") && !element.hasAttribute("aria-labelledby")) say("no name", element);
  for (const table of document.querySelectorAll("table")) if (!table.querySelector("th[scope]")) say("no headings", table);

  // Keyboard.
  const stops = [...document.querySelectorAll("summary, a[href], [tabindex]")];
  facts.stops = stops.length;
  for (const stop of stops) {
    if (stop.tabIndex !== 0) say("out of order, or not reached", stop);
    stop.focus();
    if (document.activeElement !== stop) say("takes no focus", stop);
  }
  for (const box of document.querySelectorAll("*")) {
    const style = getComputedStyle(box);
    if (box.scrollWidth > box.clientWidth + 1 && ["auto", "scroll"].includes(style.overflowX) && box.tabIndex !== 0) say("scrolls, but not by keyboard", box);
  }
  if (document.documentElement.scrollWidth > innerWidth + 1) say("wider than the window of " + innerWidth);

  const result = document.createElement("pre");
  result.id = "findings";
  result.textContent = JSON.stringify({wrong, facts});
  document.body.append(result);
})();
