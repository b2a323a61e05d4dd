// A worker that computes tiles of results, by srcnn.wasm in a memory of its own; the network's layers also on the GPU.
let wasm, memory, network, places, gpu;

const start = async (bytes) => {
  const { instance } = await WebAssembly.instantiate(bytes);
  wasm = instance.exports;
  memory = wasm.memory;
};

// Room for everything, one after the other behind what the module has itself; returns where each lies.
const reserve = (sizes) => {
  let end = wasm.__heap_base.value;
  const found = sizes.map((size) => {
    const from = end;
    end += Math.ceil(size / 16) * 16;
    return from;
  });
  const pages = Math.ceil((end - memory.buffer.byteLength) / 65536);
  if (pages > 0) memory.grow(pages);
  return found;
};

// Planes have room for the 31 columns beyond a tile that a convolution may compute.
const use = (next, tile) => {
  network = next;
  const { margin, scale, layers } = network;
  const stride = tile + margin + 32, plane = stride * (tile + margin + 1), bytes = 4 * plane;
  const part = Math.ceil((tile + margin) / scale) + 6;
  const most = gpu ? 1 : Math.max(...layers.map((layer) => 4 * Math.ceil(layer.outputs / 4)));
  const [weights, source, scratch, planes, y, first, second, srcnn, plain] = reserve([
    network.weights.byteLength, 4 * part * part, 4 * part * stride, 4 * bytes, bytes,
    most * bytes, most * bytes, 4 * tile * tile, 4 * tile * tile,
  ]);
  places = { stride, plane, weights, source, scratch, planes, y, buffers: [first, second], srcnn, plain };
  new Float32Array(memory.buffer, weights, network.weights.length).set(network.weights);
};

// The layers in turn; returns where the last one's plane lies.
const convolve = (rows, columns) => {
  const { stride, plane, buffers } = places;
  let from = places.y, weights = places.weights;
  network.layers.forEach(({ size, inputs, outputs }, i) => {
    const made = i === network.layers.length - 1 ? 1 : 4 * Math.ceil(outputs / 4);
    const biases = weights + 4 * made * inputs * size * size;
    rows -= size - 1;
    columns -= size - 1;
    wasm.convolve(from, plane, stride, inputs, size, weights, biases, made, buffers[i % 2], rows, columns);
    from = buffers[i % 2];
    weights = biases + 4 * made;
  });
  return from;
};

const predicted = async (rows, columns) => {
  const { y, stride, buffers: [to] } = places;
  const luma = new Uint32Array(memory.buffer, y), found = new Float32Array(memory.buffer, to);
  await gpu.predict(luma, stride, columns, rows, found);
  return to;
};

const compute = async ({ part, left, top, partWidth, partHeight, width, height, channels, x, y, columns, rows }) => {
  const { margin, scale } = network, around = margin / 2, colours = channels < 3 ? 1 : 3;
  const p = places;
  new Uint8Array(memory.buffer, p.source, part.length).set(part);
  wasm.bicubic(p.source, channels, left, top, partWidth, partHeight, width, height, scale,
    x - around, y - around, columns + margin, rows + margin, p.planes, p.plane, p.stride, p.scratch);
  wasm.luminance(p.planes, p.plane, colours, p.y);
  const pred = gpu ? await predicted(rows, columns) : convolve(rows + margin, columns + margin);
  wasm.finish(p.planes, p.plane, p.stride, channels, colours, around, p.y, pred, rows, columns, p.srcnn, p.plain);
  const pixels = (place) => new Uint8Array(memory.buffer, place, rows * columns * channels).slice();
  return { srcnn: pixels(p.srcnn), plain: pixels(p.plain) };
};

onmessage = async ({ data }) => {
  try {
    if (data.wasm) await start(data.wasm);
    if (data.gpu) gpu = new Predictor(data.network, data.tile, data.hardware);
    if (data.network) use(data.network, data.tile);
    if (data.part) {
      const found = await compute(data);
      postMessage(found, [found.srcnn.buffer, found.plain.buffer]);
    } else postMessage({ software: gpu?.software });
  } catch (error) {
    const memory = error instanceof RangeError;
    postMessage({ error: memory ? "the browser does not provide enough memory. Close other tabs, and try again." : error.message });
  }
};
