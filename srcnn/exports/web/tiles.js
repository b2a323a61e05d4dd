// What a tile needs of a picture: the pixels around it, as a worker takes them.
const partOf = (picture, network, tile, x, y) => {
  const { width, height, channels, pixels } = picture, { scale, margin } = network;
  const columns = Math.min(tile, width * scale - x), rows = Math.min(tile, height * scale - y);
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
const enlarge = async (picture, network, tile, card, band, shown) => {
  const width = picture.width * network.scale, height = picture.height * network.scale;
  const across = Math.ceil(width / tile), down = Math.ceil(height / tile), bands = new Map();
  let next = 0, computed = 0, written = 0, wake = [];
  let writing = Promise.resolve(), failed;
  const fail = (error) => {
    failed ??= error;
    wake.splice(0).forEach((go) => go());
    throw failed;
  };
  const put = (task, pixels) => {
    const row = task.y / tile, length = width * picture.channels;
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
      if (Math.floor(next / across) > written + 4 + pool.helpers.length / across) { // the PNG is behind
        await new Promise((go) => wake.push(go));
        continue;
      }
      const index = next++;
      const task = partOf(picture, network, tile, (index % across) * tile, Math.floor(index / across) * tile);
      const found = await helper.ask(task, [task.part.buffer]);
      put(task, found.srcnn);
      shown(task, found);
      card.progress(++computed / (across * down));
    }
  };
  await Promise.allSettled(pool.helpers.map((helper) => work(helper).catch(fail)));
  await writing.catch(() => {}); // where a tile failed, too: the codec answers one message at a time
  if (failed) throw failed;
};
