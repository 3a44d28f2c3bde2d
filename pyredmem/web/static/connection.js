/* The WebSocket to the server. It connects again when the connection is lost, and says so. */

const FIRST_WAIT_S = 1;
const LONGEST_WAIT_S = 10;

/** Tells three listeners: `onHello`, `onFrame`, `onStatus(state, text)`. States: connecting, live, lost. */
export class Connection {
  constructor({ onHello, onFrame, onStatus }) {
    this.listeners = { hello: onHello, frame: onFrame };
    this.onStatus = onStatus;
    this.interval = 1;
    this.wait = FIRST_WAIT_S;
    this.socket = null;
    this.timer = null;
  }

  open() {
    clearTimeout(this.timer);
    this.#leave();
    const url = new URL("live", document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (this.interval !== 1) url.searchParams.set("interval", this.interval);
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#retry(event.reason || undefined);
  }

  /** Ask for frames at another interval, in seconds: by a new connection. */
  setInterval(seconds) {
    this.interval = seconds;
    this.open();
  }

  #leave() {
    if (this.socket === null) return;
    this.socket.onclose = null;
    this.socket.onmessage = null;
    this.socket.close();
    this.socket = null;
  }

  #receive(text) {
    try {
      const message = JSON.parse(text);
      this.listeners[message.kind]?.(message);
      if (message.kind === "hello") this.onStatus("live", "Live");
      this.wait = FIRST_WAIT_S;
    } catch (error) {
      this.#leave();
      this.#retry(`A message could not be used (${error.message}).`);
    }
  }

  #retry(reason = "Connection lost.") {
    this.onStatus("lost", `${reason} Trying again in ${this.wait} s.`);
    this.timer = setTimeout(() => {
      this.onStatus("connecting", "Connecting again");
      this.open();
    }, this.wait * 1000);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_S);
  }
}
