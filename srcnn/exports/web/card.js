const SHOWN = 2048; // pixels of a side of what is shown of a result

// A card of a picture: what is said of it, its two canvases and its buttons.
class Card {
  constructor(file) {
    this.file = file;
    this.element = find("#card").content.cloneNode(true).firstElementChild;
    find("h2", this.element).textContent = file.name;
    this.element.setAttribute("aria-label", file.name); // of many, whose buttons have the same names
    find(".stop", this.element).onclick = () => this.stop();
    find("#cards").append(this.element);
    this.control();
    this.note("Waiting for its turn.");
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
    const place = queue.findIndex(([card]) => card === this);
    if (place < 0) return;
    queue.splice(place, 1);
    this.fail(new Error("stopped"));
  }
  fail(error) {
    const large = error instanceof RangeError; // an array that cannot be had
    const message = large ? "the picture is too large for the memory that this browser provides. Crop it or make it smaller first." : error.message;
    find(".work", this.element)?.remove();
    find(".shown", this.element).remove();
    this.note(message === "stopped" ? "Stopped." : `Failed: ${message}`);
    this.element.classList.add("failed");
    say(`${this.file.name}: ${message}`);
  }
  // Makes the stage as large as pixels.
  open(width, height) {
    const shown = find(".shown", this.element);
    shown.style.setProperty("--width", width);
    shown.style.setProperty("--height", height);
    shown.hidden = false;
  }
  // The middle of a large result is shown. Returns what puts a tile on the canvases.
  show(width, height, channels) {
    const columns = Math.min(width, SHOWN), rows = Math.min(height, SHOWN);
    const left = Math.floor((width - columns) / 2), top = Math.floor((height - rows) / 2);
    const stage = find(".stage", this.element);
    this.open(columns, rows);
    const contexts = [...stage.querySelectorAll("canvas")].map((canvas, i) => {
      canvas.setAttribute("aria-label", `${this.file.name}: ${["bicubic", "SRCNN"][i]}`);
      [canvas.width, canvas.height] = [columns, rows];
      return canvas.getContext("2d");
    });
    find(".part", this.element).textContent = columns * rows < width * height ? "The preview shows the middle of the picture." : "";
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
    say(`${name} is ready.`);
  }
  // The slider between both, with fingers too, and the zoom, which keeps what is in the middle there. What is zoomed is
  // dragged, by fingers as the browser does it.
  control() {
    const stage = find(".stage", this.element), frame = stage.parentElement;
    const divide = find(".divide", this.element), zoom = find(".zoom", this.element);
    divide.setAttribute("aria-label", `${this.file.name}: divider between bicubic and SRCNN`);
    zoom.setAttribute("aria-label", `${this.file.name}: zoom`);
    const split = () => {
      stage.style.setProperty("--at", `${divide.value}%`);
      divide.setAttribute("aria-valuetext", `${divide.value}% bicubic, ${100 - divide.value}% SRCNN`);
      this.divided?.();
    };
    const drag = (event) => {
      const box = stage.getBoundingClientRect();
      divide.value = (100 * (event.clientX - box.left)) / box.width;
      split();
    };
    let last;
    const pan = (event) => {
      frame.scrollBy(last.clientX - event.clientX, last.clientY - event.clientY);
      last = event;
    };
    const isZoomed = () => stage.classList.contains("large");
    stage.onpointerdown = (event) => {
      if (isZoomed() && event.pointerType !== "mouse") return;
      stage.setPointerCapture(event.pointerId);
      last = event;
      if (!isZoomed()) drag(event);
    };
    stage.onpointermove = (event) => stage.hasPointerCapture(event.pointerId) && (isZoomed() ? pan : drag)(event);
    divide.oninput = split;
    zoom.oninput = () => {
      const x = (frame.scrollLeft + frame.clientWidth / 2) / stage.offsetWidth;
      const y = (frame.scrollTop + frame.clientHeight / 2) / stage.offsetHeight;
      find(".shown", this.element).style.setProperty("--zoom", zoom.value);
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

