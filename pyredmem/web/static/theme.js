/* Light, dark, or as the system says. The choice is kept in the browser. */

import { byId } from "./dom.js";

const CHOICES = ["system", "light", "dark"];
const LABELS = { system: "auto", light: "light", dark: "dark" };
const KEY = "pyredmem-theme";

/** Set up the switch. `changed` is called when the colours are other ones than before. */
export function setUpTheme(changed) {
  const button = byId("theme");
  let choice = stored();
  const show = () => {
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    button.textContent = `Theme: ${LABELS[choice]}`;
    button.setAttribute(
      "aria-label",
      `Colours: ${choice === "system" ? "as the system" : choice}. Press for the next.`,
    );
  };
  button.addEventListener("click", () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // Storage is switched off: the choice lasts as long as the page.
    }
    show();
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show();
}

function stored() {
  try {
    const choice = localStorage.getItem(KEY);
    return CHOICES.includes(choice) ? choice : "system";
  } catch {
    return "system";
  }
}
