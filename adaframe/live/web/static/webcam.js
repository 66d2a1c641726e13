// Sends this device's camera to the server: one JPEG at a time, the next when the last one was taken.

const WIDEST = 960;
const PERIOD_MS = 1000 / 15;

export function whyNot() {
  if (navigator.mediaDevices?.getUserMedia) return "";
  return (
    "Browsers lend their camera only to pages from localhost or over HTTPS. Open this page on the machine that adaframe " +
    "runs on, forward its port (ssh -L), or put a proxy that speaks HTTPS before it."
  );
}

export class Webcam {
  /** changed(sending, why) is called when it begins and when it ends. */
  constructor(changed) {
    this.changed = changed;
  }

  get sending() {
    return Boolean(this.stream);
  }

  async start() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDEST } }, audio: false });
    } catch (error) {
      this.changed(false, error.name === "NotAllowedError" ? "The camera was not allowed." : `No camera: ${error.message}`);
      return;
    }
    this.stream.getVideoTracks()[0].onended = () => this.stop("The camera was taken away.");
    this.video = Object.assign(document.createElement("video"), { srcObject: this.stream, muted: true, playsInline: true });
    await this.video.play();
    const url = new URL("camera", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.socket = new WebSocket(url);
    this.socket.onopen = () => this.changed(true, "");
    this.socket.onmessage = () => this.#later();
    this.socket.onclose = (event) => this.stop(event.reason || "The server no longer takes the camera.");
    this.socket.addEventListener("open", () => this.#send());
  }

  stop(why = "") {
    if (!this.stream) return;
    for (const track of this.stream.getTracks()) track.stop();
    this.stream = null;
    if (this.socket) this.socket.onclose = null;
    this.socket?.close();
    this.changed(false, why);
  }

  #later() {
    setTimeout(() => this.#send(), Math.max(0, this.sentAt + PERIOD_MS - performance.now()));
  }

  async #send() {
    if (!this.stream) return;
    this.sentAt = performance.now();
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth) return this.#later();
    const scale = Math.min(1, WIDEST / Math.max(videoWidth, videoHeight));
    this.canvas ??= document.createElement("canvas");
    this.canvas.width = Math.round(videoWidth * scale);
    this.canvas.height = Math.round(videoHeight * scale);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    const blob = await new Promise((done) => this.canvas.toBlob(done, "image/jpeg", 0.8));
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(blob);
  }
}
