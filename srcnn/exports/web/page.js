const LARGEST = 2 ** 28; // pixels of a picture, as in the program

const taken = new Set();
const nameOf = (name, scale) => {
  const stem = name.replace(/\.[^.]*$/, "");
  for (let i = 1; ; i++) {
    const found = `${stem}_x${scale}${i > 1 ? `_${i}` : ""}.png`;
    if (!taken.has(found) && taken.add(found)) return found;
  }
};

// Whether a network can take a file whose quality as JPEG, if it is one, is known.
const checkQuality = (network, quality) => {
  if (network.by_strength && !quality) throw new Error("this network is for JPEG files only. Choose another one, and add the file again.");
  if (network.scale === 1 && quality >= 95)
    throw new Error(`a JPEG file of quality ${quality} has next to nothing to clean. Keep it as it is.`);
};

// automatic: whether the page chose the way. more: what else is said of the result.
const enlargeFile = async (card, network, way, automatic, more = "") => {
  const started = performance.now();
  card.note("Reading the file.");
  card.codec = new Helper(urls.codec);
  const picture = await card.codec.ask({ file: card.file });
  const { width, height, channels, profile, quality, notes } = picture, { scale } = network;
  if (width * height > LARGEST) throw new Error(`the picture has more than ${LARGEST.toLocaleString()} pixels. Crop it or make it smaller first.`);
  checkQuality(network, quality);
  await prepare(way, { ...network, quality, weights: weightsOf(network, quality) }, automatic);
  const size = { width: width * scale, height: height * scale };
  await card.codec.ask({ begin: { ...size, channels, profile } });
  card.note(`Enlarging ${width}x${height} to ${size.width}x${size.height} pixels on ${way.on}.`);
  const shown = card.show(size.width, size.height, channels);
  await enlarge(picture, network, way.tile, card, (band) => card.codec.ask({ band }, [band.buffer]), shown);
  const found = await card.codec.ask({ end: true });
  const seconds = (performance.now() - started) / 1000;
  const note = `Enlarged to ${size.width}x${size.height} pixels in ${seconds.toFixed(1)} s on ${way.on}.`;
  card.done(found, nameOf(card.file.name, scale), [note, ...notes, more].filter(Boolean).join(" "));
};

// Where the page chose the GPU and that fails, the cores begin again, and take what follows.
const enlargeBest = async (card, network) => {
  const automatic = find("#way").value === "auto";
  const way = await wayFor({ ...network, weights: weightsOf(network, 50) }, card);
  if (card.file.type.startsWith("video/")) return playFilm(card, network);
  try {
    await enlargeFile(card, network, way, automatic);
  } catch (error) {
    const failed = way === ways.gpu && pool.failed();
    pool.end();
    card.codec?.end();
    if (failed && !automatic) throw new Error(`${error.message} Choose “${cores}” under “Run on”, and add the file again.`);
    if (!failed || card.stopped) throw error;
    graphics.lost = true;
    chosen.clear();
    await enlargeFile(card, network, ways.cores, true, `The GPU failed, so ${cores} took over: ${error.message}`);
  }
};

// One picture after the other.
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
    const [card, asked] = queue.shift();
    try {
      await enlargeBest(card, asked);
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
  for (const way in ways) find("#way").add(new Option(ways[way].name, way));
  listen();
  find("#start").hidden = false;
} else say("This browser is too old for this page. Use Chrome 91, Firefox 113, Safari 16.4 or a newer version.");
