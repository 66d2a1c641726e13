// One socket to the server: what it says, that we took it, and whether it is still there.

const SILENCE_MS = 4000; // the server speaks every second, even if nothing is new
const PATIENCE_MS = [300, 600, 1200, 2500, 5000];
const decoder = new TextDecoder();

export class Connection {
  /** tells.message(head, pictures), tells.lost() and tells.back() are called. */
  constructor(tells) {
    this.tells = tells;
    this.tries = 0;
    document.addEventListener("visibilitychange", () => this.#sayLooks());
    addEventListener("online", () => this.#retryNow());
    this.#open();
  }

  #open() {
    const url = new URL("watch", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#sayLooks();
    socket.onmessage = (event) => this.#take(socket, event.data);
    socket.onclose = () => this.#again(socket);
    this.#expect(socket);
  }

  async #take(socket, data) {
    this.#expect(socket);
    if (this.tries) {
      this.tries = 0;
      this.tells.back();
    }
    const length = new DataView(data).getUint32(0);
    const head = JSON.parse(decoder.decode(new Uint8Array(data, 4, length)));
    let at = 4 + length;
    const jpegs = head.pictures.map(({ bytes }) => {
      at += bytes;
      return new Uint8Array(data, at - bytes, bytes);
    });
    await this.tells.message(head, jpegs);
    if (socket.readyState === WebSocket.OPEN) socket.send('{"taken": 1}');
  }

  #sayLooks() {
    // A tab that nobody sees needs no pictures.
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ looks: !document.hidden }));
  }

  #expect(socket) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.#again(socket), SILENCE_MS);
  }

  #again(socket) {
    if (socket !== this.socket || this.waiting) return;
    clearTimeout(this.watchdog);
    socket.onclose = socket.onmessage = null;
    socket.close();
    const wait = PATIENCE_MS[Math.min(this.tries, PATIENCE_MS.length - 1)];
    this.tries += 1;
    this.tells.lost();
    this.waiting = setTimeout(() => this.#retryNow(), wait);
  }

  #retryNow() {
    if (!this.waiting) return;
    clearTimeout(this.waiting);
    this.waiting = null;
    this.#open();
  }
}
