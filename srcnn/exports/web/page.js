const { wasm, networks, compute, codec } = JSON.parse(document.getElementById("data").textContent);
const TILE = 92; // pixels of a side of what a worker computes at a time: with the last layer's border a multiple of 8
const LARGEST = 2 ** 28; // pixels of a picture, as in the program
const SHOWN = 2048; // pixels of a side of what is shown of a result

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const urlOf = (code) => URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
const urls = { compute: urlOf(compute), codec: urlOf(codec) };
const find = (selector, within = document) => within.querySelector(selector);
const say = (text) => (find("#said").textContent = text);

// A worker that answers one message at a time.
class Helper {
  constructor(url) {
    this.worker = new Worker(url);
  }
  ask(message, transfer = []) {
    return new Promise((resolve, reject) => {
      this.worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
      this.worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error("not enough memory, or the browser stopped the work"));
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

// The weights of a network at a quality of JPEG; others have one set.
const weightsOf = (network, quality) => {
  const floats = (base64) => new Float32Array(bytesOf(base64).buffer);
  const weights = floats(network.weights);
  if (!network.by_strength) return weights;
  const strength = (125 - 2 * Math.min(95, Math.max(30, quality))) / 65; // srcnn/networks/conditioning.py
  floats(network.by_strength).forEach((value, i) => (weights[i] += strength * value));
  return weights;
};

const pool = { helpers: [], size: Math.min(32, navigator.hardwareConcurrency || 2) };

// As many workers as there are cores, which have a network.
const prepare = async (network) => {
  pool.helpers.forEach((helper) => helper.end());
  const bytes = bytesOf(wasm);
  pool.helpers = Array.from({ length: pool.size }, () => new Helper(urls.compute));
  await Promise.all(pool.helpers.map((helper) => helper.ask({ wasm: bytes, network, tile: TILE })));
};

// What a tile needs of a picture: the pixels around it, as a worker takes them.
const partOf = (picture, network, x, y) => {
  const { width, height, channels, pixels } = picture, { scale, margin } = network;
  const columns = Math.min(TILE, width * scale - x), rows = Math.min(TILE, height * scale - y);
  const range = (from, count, size) => [
    Math.max(0, Math.floor((from - margin / 2) / scale) - 3),
    Math.min(size, Math.ceil((from + count + margin / 2) / scale) + 3),
  ];
  const [left, right] = range(x, columns, width), [top, bottom] = range(y, rows, height);
  const partWidth = right - left, partHeight = bottom - top;
  const part = new Uint8Array(partWidth * partHeight * channels);
  for (let i = 0; i < partHeight; i++) {
    const from = ((top + i) * width + left) * channels;
    part.set(pixels.subarray(from, from + partWidth * channels), i * partWidth * channels);
  }
  return { part, left, top, partWidth, partHeight, width, height, channels, x, y, columns, rows };
};

// Calls band(y, pixels) for each row of tiles in turn, and shown(task, found) for each tile.
const enlarge = async (picture, network, card, band, shown) => {
  const width = picture.width * network.scale, height = picture.height * network.scale;
  const across = Math.ceil(width / TILE), down = Math.ceil(height / TILE), bands = new Map();
  let next = 0, computed = 0, written = 0, wake = [];
  let writing = Promise.resolve(), failed;
  const fail = (error) => {
    failed ??= error;
    wake.splice(0).forEach((go) => go());
    throw failed;
  };
  const put = (task, pixels) => {
    const row = task.y / TILE, length = width * picture.channels;
    if (!bands.has(row)) bands.set(row, { pixels: new Uint8Array(task.rows * length), missing: across });
    const found = bands.get(row), wide = task.columns * picture.channels;
    for (let i = 0; i < task.rows; i++)
      found.pixels.set(pixels.subarray(i * wide, (i + 1) * wide), i * length + task.x * picture.channels);
    if (--found.missing) return;
    writing = writing.then(async () => { // rows begin and, as tiles are handed out in turn, nearly end in order
      for (let ready; (ready = bands.get(written)) && !ready.missing; written++) {
        bands.delete(written);
        await band(ready.pixels);
      }
      wake.splice(0).forEach((go) => go());
    });
    writing.catch(fail).catch(() => {}); // it is thrown where tiles are handed out
  };
  const work = async (helper) => {
    while (next < across * down) {
      if (card.stopped || failed) throw failed ?? new Error("stopped");
      if (Math.floor(next / across) > written + 4 + pool.size / across) { // the PNG is behind
        await new Promise((go) => wake.push(go));
        continue;
      }
      const index = next++;
      const task = partOf(picture, network, (index % across) * TILE, Math.floor(index / across) * TILE);
      const found = await helper.ask(task, [task.part.buffer]);
      put(task, found.srcnn);
      shown(task, found);
      card.progress(++computed / (across * down));
    }
  };
  await Promise.all(pool.helpers.map((helper) => work(helper).catch(fail)));
  await writing;
};

// A card of a picture: what is said of it, its two canvases and its buttons.
class Card {
  constructor(file) {
    this.file = file;
    this.element = find("#card").content.cloneNode(true).firstElementChild;
    find("h2", this.element).textContent = file.name;
    find(".stop", this.element).onclick = () => this.stop();
    find("#cards").append(this.element);
    this.control();
    this.note("waits");
  }
  note(text) {
    find(".note", this.element).textContent = text;
  }
  progress(share) {
    find("progress", this.element).value = share;
  }
  stop() {
    this.stopped = true;
    this.codec?.end();
  }
  fail(error) {
    find(".work", this.element).remove();
    find(".shown", this.element).remove();
    this.note(error.message === "stopped" ? "stopped" : `failed: ${error.message}`);
    this.element.classList.add("failed");
    say(`${this.file.name}: ${error.message}`);
  }
  // The middle of a large result is shown. Returns what puts a tile on the canvases.
  show(width, height, channels) {
    const columns = Math.min(width, SHOWN), rows = Math.min(height, SHOWN);
    const left = Math.floor((width - columns) / 2), top = Math.floor((height - rows) / 2);
    const stage = find(".stage", this.element);
    stage.style.setProperty("--width", columns);
    stage.style.setProperty("--height", rows);
    const contexts = [...stage.querySelectorAll("canvas")].map((canvas, i) => {
      canvas.setAttribute("aria-label", `${this.file.name}: ${["bicubic", "SRCNN"][i]}`);
      [canvas.width, canvas.height] = [columns, rows];
      return canvas.getContext("2d");
    });
    find(".shown", this.element).hidden = false;
    find(".part", this.element).textContent = columns * rows < width * height ? `; its middle is shown` : "";
    return (task, { plain, srcnn }) => {
      if (task.x + task.columns <= left || task.x >= left + columns) return;
      if (task.y + task.rows <= top || task.y >= top + rows) return;
      [plain, srcnn].forEach((pixels, i) =>
        contexts[i].putImageData(rgba(pixels, channels, task.columns), task.x - left, task.y - top));
    };
  }
  done({ blob, crc }, name, note) {
    find(".work", this.element).remove();
    this.result = { blob, crc, name };
    const save = find(".save", this.element);
    save.href = URL.createObjectURL(blob);
    save.download = name;
    save.hidden = false;
    this.note(note);
    say(`${name} is done`);
  }
  // The slider between both, with fingers too, and the zoom, which keeps what is in the middle there.
  control() {
    const stage = find(".stage", this.element), frame = stage.parentElement;
    const divide = find(".divide", this.element), zoom = find(".zoom", this.element);
    divide.setAttribute("aria-label", `${this.file.name}: where bicubic ends and SRCNN begins`);
    zoom.setAttribute("aria-label", `${this.file.name}: zoom`);
    const split = () => {
      stage.style.setProperty("--at", `${divide.value}%`);
      divide.setAttribute("aria-valuetext", `${divide.value}% bicubic, ${100 - divide.value}% SRCNN`);
    };
    const drag = (event) => {
      const box = stage.getBoundingClientRect();
      divide.value = (100 * (event.clientX - box.left)) / box.width;
      split();
    };
    stage.onpointerdown = (event) => {
      stage.setPointerCapture(event.pointerId);
      drag(event);
    };
    stage.onpointermove = (event) => stage.hasPointerCapture(event.pointerId) && drag(event);
    divide.oninput = split;
    zoom.oninput = () => {
      const x = (frame.scrollLeft + frame.clientWidth / 2) / stage.offsetWidth;
      const y = (frame.scrollTop + frame.clientHeight / 2) / stage.offsetHeight;
      stage.style.setProperty("--zoom", zoom.value);
      stage.classList.toggle("large", zoom.value > 1);
      frame.scrollLeft = x * stage.offsetWidth - frame.clientWidth / 2;
      frame.scrollTop = y * stage.offsetHeight - frame.clientHeight / 2;
    };
    split();
  }
}

const rgba = (pixels, channels, columns) => {
  const count = pixels.length / channels, data = new Uint8ClampedArray(4 * count);
  for (let i = 0; i < count; i++) {
    const at = i * channels;
    for (let c = 0; c < 3; c++) data[4 * i + c] = pixels[channels < 3 ? at : at + c];
    data[4 * i + 3] = channels % 2 ? 255 : pixels[at + channels - 1];
  }
  return new ImageData(data, columns);
};

const enlargeFile = async (card, network) => {
  const started = performance.now();
  card.note("is decoded");
  card.codec = new Helper(urls.codec);
  const picture = await card.codec.ask({ file: card.file });
  const { width, height, channels, profile, quality, notes } = picture, { scale } = network;
  if (width * height > LARGEST) throw new Error(`more than ${LARGEST.toLocaleString()} pixels; scale or cut it first`);
  if (network.by_strength && !quality) throw new Error("is no JPEG file, which this network is for; choose another one");
  if (scale === 1 && quality >= 95) throw new Error(`has quality ${quality}, and with so little compression is best as it is`);
  await prepare({ ...network, weights: weightsOf(network, quality) });
  const size = { width: width * scale, height: height * scale };
  await card.codec.ask({ begin: { ...size, channels, profile } });
  card.note(`${width}x${height} becomes ${size.width}x${size.height} pixels`);
  const shown = card.show(size.width, size.height, channels);
  await enlarge(picture, network, card, (band) => card.codec.ask({ band }, [band.buffer]), shown);
  const found = await card.codec.ask({ end: true });
  const seconds = (performance.now() - started) / 1000;
  const cores = `${pool.size} ${pool.size === 1 ? "core" : "cores"}`;
  const note = `${size.width}x${size.height} pixels in ${seconds.toFixed(1)} s on ${cores}`;
  card.done(found, nameOf(card.file.name, scale), [note, ...notes].join("; "));
};

const taken = new Set();
const nameOf = (name, scale) => {
  const stem = name.replace(/\.[^.]*$/, "");
  for (let i = 1; ; i++) {
    const found = `${stem}_x${scale}${i > 1 ? `_${i}` : ""}.png`;
    if (!taken.has(found) && taken.add(found)) return found;
  }
};

// One picture after the other, each by all cores.
const cards = [], queue = [];
let busy = false;
const add = async (files) => {
  const network = networks[find("#network").value];
  for (const file of files) {
    const card = new Card(file);
    cards.push(card);
    queue.push([card, network]);
  }
  if (busy) return;
  busy = true;
  while (queue.length) {
    const [card, chosen] = queue.shift();
    try {
      if (card.stopped) throw new Error("stopped");
      await enlargeFile(card, chosen);
    } catch (error) {
      card.fail(error);
    } finally {
      card.codec?.end();
    }
    find("#zip").hidden = cards.filter((each) => each.result).length < 2;
  }
  busy = false;
};

// The files of what was dropped, with those of folders in it.
const dropped = async (items) => {
  const walk = async (entry) => {
    if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    const reader = entry.createReader(), found = [];
    for (;;) {
      const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!entries.length) return found;
      for (const each of entries) found.push(...(await walk(each)));
    }
  };
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  return (await Promise.all(entries.map(walk))).flat();
};

const listen = () => {
  const only = (files) => [...files].filter((file) => !file.name.startsWith("."));
  for (const input of document.querySelectorAll("input[type=file]"))
    input.onchange = () => {
      add(only(input.files));
      input.value = "";
    };
  ondragover = (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  };
  ondragleave = (event) => event.relatedTarget || document.body.classList.remove("over");
  ondrop = async (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    const files = [...event.dataTransfer.files], found = await dropped(event.dataTransfer.items).catch(() => files);
    add(only(found.length ? found : files));
  };
  addEventListener("paste", (event) => add(only(event.clipboardData.files)));
  find("#zip").onclick = () => {
    try {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(zip(cards.filter((card) => card.result).map((card) => card.result)));
      link.download = "srcnn.zip";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    } catch (error) {
      say(error.message);
    }
  };
};

// The shortest module with an instruction of SIMD: browsers without it refuse it.
const SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11);
if (typeof WebAssembly === "object" && WebAssembly.validate(SIMD) && self.CompressionStream && self.OffscreenCanvas) {
  networks.forEach((network, i) => find("#network").add(new Option(network.name, i)));
  listen();
  find("#start").hidden = false;
} else say("This browser is too old: it takes Chrome 91, Firefox 113, Safari 16.4 or newer.");
