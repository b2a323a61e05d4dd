const { wasm, networks, workers } = JSON.parse(document.getElementById("data").textContent);
const find = (selector, within = document) => within.querySelector(selector);
const say = (text) => (find("#said").textContent = text);
const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const urls = {};
for (const name in workers) urls[name] = URL.createObjectURL(new Blob([workers[name]], { type: "text/javascript" }));

// A worker that answers one message at a time.
class Helper {
  constructor(url) {
    this.worker = new Worker(url);
  }
  ask(message, transfer = []) {
    return new Promise((resolve, reject) => {
      const fail = (text) => {
        this.failed = true;
        reject(new Error(text));
      };
      this.worker.onmessage = ({ data }) => (data.error ? fail(data.error) : resolve(data));
      this.worker.onerror = (event) => {
        event.preventDefault();
        fail("the browser stopped the work, probably because memory ran out. Close other tabs, and try again.");
      };
      this.worker.onmessageerror = this.worker.onerror;
      this.reject = reject;
      this.worker.postMessage(message, transfer);
    });
  }
  end() {
    this.worker.terminate();
    this.reject?.(new Error("stopped"));
  }
}
