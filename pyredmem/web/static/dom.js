/* Elements are built with their text as text, never as HTML: keys contain whatever clients put there. */

/** The element of the page with that id. */
export const byId = (id) => document.getElementById(id);

/** A new element: its attributes (`on...` are listeners; null and false leave one out), then children or texts. */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function drawing(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/** Change a text only if it is another one, so that nothing is laid out or read aloud again for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** An element `<data>`: the figure for people, and its exact value. */
export function figure(attributes = {}) {
  return element("data", { value: "", ...attributes }, "–");
}

export function setFigure(node, value, format) {
  const known = typeof value === "number" && Number.isFinite(value);
  node.value = known ? String(value) : "";
  setText(node, known ? format(value) : "–");
}

/** A function that does something once per picture that the browser shows, however often it is called. */
export function oncePerPicture(act) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      act();
    });
  };
}

const colourProbe = element("span", { hidden: true });
document.documentElement.append(colourProbe);

/** What a colour of the style sheet, such as "--ink", is in the present theme. */
export function colour(name) {
  colourProbe.style.color = `var(${name})`;
  return getComputedStyle(colourProbe).color;
}

/** The same as red, green, blue from 0 to 255. */
export function channels(name) {
  return colour(name)
    .match(/[\d.]+/g)
    .slice(0, 3)
    .map(Number);
}
