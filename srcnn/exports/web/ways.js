// The weights of a network at a quality of JPEG; others have one set.
const weightsOf = (network, quality) => {
  const floats = (base64) => new Float32Array(bytesOf(base64).buffer);
  const weights = floats(network.weights);
  if (!network.by_strength) return weights;
  const strength = (125 - 2 * Math.min(95, Math.max(30, quality))) / 65; // srcnn/networks/conditioning.py
  floats(network.by_strength).forEach((value, i) => (weights[i] += strength * value));
  return weights;
};

// The two ways to compute: what the page calls them, the worker of each, how many of it, and the pixels of a side of
// what one computes at a time; on the cores, with the last layer's border, a multiple of 8. patience: the seconds in
// which the GPU's driver must have compiled the network to be chosen.
const CORES = Math.min(32, navigator.hardwareConcurrency || 2);
const cores = `${CORES} ${CORES === 1 ? "core" : "cores"}`;
const ways = {
  gpu: { name: "GPU", worker: "gpu", count: 2, tile: 256, patience: 10 }, // two: one computes, one is at its pixels
  cores: { name: cores, on: cores, worker: "compute", count: CORES, tile: 92 },
};
const graphics = { hardware: false, lost: false }; // whether there is a GPU that is no software; whether it gave up
const onGpu = (software) => (software ? "a software GPU" : "the GPU");

const pool = { helpers: [] };
pool.end = () => {
  pool.helpers.splice(0).forEach((helper) => helper.end());
  pool.key = null;
};

pool.failed = () => pool.helpers.some((helper) => helper.failed);

// The workers of a way, with a network; those of before, if nothing has changed. hardware: whether a GPU must be that.
const prepare = async (way, network, hardware = false) => {
  const key = [way.name, hardware, network.name, network.by_strength && network.quality].join();
  if (pool.key === key) return;
  pool.end();
  const bytes = bytesOf(wasm);
  pool.helpers = Array.from({ length: way.count }, () => new Helper(urls[way.worker]));
  const message = { wasm: bytes, network, tile: way.tile, gpu: way === ways.gpu, hardware };
  const [{ software }] = await Promise.all(pool.helpers.map((helper) => helper.ask(message)));
  pool.key = key;
  ways.gpu.on = onGpu(software);
};

// Mpixel/s of result, of a way that is prepared.
const measured = async ({ tile, count }, network) => {
  const side = Math.ceil(tile / network.scale);
  const picture = { width: side, height: side, channels: 3, pixels: new Uint8Array(3 * side * side).fill(128) };
  const turns = (number) => Promise.all(pool.helpers.map(async (helper) => {
    for (let i = 0; i < number; i++) await helper.ask(partOf(picture, network, tile, 0, 0));
  }));
  await turns(1); // programs are compiled, memory is taken
  const start = performance.now();
  await turns(3);
  return (3 * count * tile * tile) / Math.max(performance.now() - start, 0.1) / 1000;
};

const within = (seconds, promise) => Promise.race([promise, new Promise((_, reject) => setTimeout(reject, 1000 * seconds))]);

// The faster way; a software GPU is never it.
const fastest = async (network) => {
  if (graphics.lost) return ways.cores;
  try {
    await prepare(ways.cores, network, true);
    const own = await measured(ways.cores, network);
    await within(ways.gpu.patience, prepare(ways.gpu, network, true));
    graphics.hardware = true;
    const gpu = await within(ways.gpu.patience, measured(ways.gpu, network));
    find("#rates").textContent = `Measured speed: ${gpu.toFixed(1)} million pixels a second on the GPU, ${own.toFixed(1)} on ${cores}.`;
    if (gpu < 2) ways.gpu.tile = 128; // so that a slow GPU lets the browser draw in between
    return gpu > own ? ways.gpu : ways.cores;
  } catch {
    return ways.cores; // there is no GPU, it fails, or it takes too long
  }
};

// The way that the page is to take, compared at the first picture of each network unless one is forced.
const chosen = new Map();
const wayFor = async (network, card) => {
  const forced = ways[find("#way").value];
  if (forced) return forced;
  if (!chosen.has(network.name)) {
    card.note("Measuring whether the GPU or the CPU is faster.");
    chosen.set(network.name, await fastest(network));
  }
  const way = chosen.get(network.name);
  find("#way option").textContent = `Automatic: ${way.name}`;
  return way;
};
