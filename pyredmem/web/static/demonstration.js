/* The button that starts the demonstration, and the banner on the demonstration's own page. */

import { ask } from "./ask.js";
import { byId, element, setText } from "./dom.js";

/** `notice(text)` tells people what went wrong. */
export class Demonstration {
  constructor(notice) {
    this.notice = notice;
    this.steps = [];
    this.button = byId("demonstrate");
    this.button.addEventListener("click", () => this.#begin());
  }

  start(hello) {
    this.button.hidden = !hello.can_demonstrate;
  }

  async #begin() {
    this.button.disabled = true;
    setText(this.button, "Starting");
    try {
      const { url } = await ask("api/demonstration", {}, "POST");
      const target = new URL(String(url).replace(/^\/+/, ""), document.baseURI); // also below a prefix
      if (target.origin !== location.origin) throw new Error("Its page is on another server.");
      location.assign(target);
    } catch (error) {
      this.notice(`The demonstration could not be started. ${error.message}`);
      this.button.disabled = false;
      setText(this.button, "Run the demonstration");
    }
  }

  show(state) {
    byId("demonstration").hidden = !state;
    if (!state) return;
    setText(byId("demonstration-text"), state.text);
    if (this.steps.at(-1) !== state.step) this.steps.push(state.step);
    byId("demonstration-steps").replaceChildren(
      ...this.steps.map((step, index) => {
        const isCurrent = index === this.steps.length - 1 && !state.done;
        return element(
          "li",
          { class: isCurrent ? "current" : "done", "aria-current": isCurrent ? "step" : null },
          step,
        );
      }),
    );
  }
}
