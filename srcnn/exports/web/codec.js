// A worker for one picture: decodes the file, and writes the PNG of the result, band by band.
const BAND = 2048; // pixels of a side that are read from a decoded picture at a time

const text = (bytes, from, length) => String.fromCharCode(...bytes.subarray(from, from + length));
const deflated = (bytes, way) => new Response(new Blob([bytes]).stream().pipeThrough(way)).arrayBuffer();

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
const crc = (bytes, before = 0) => {
  let sum = ~before;
  for (let i = 0; i < bytes.length; i++) sum = CRC[(sum ^ bytes[i]) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
};

// Of a PNG: its kind of colour, bits, whether some of it is transparent, and its profile as it lies there.
const readPng = (bytes) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = { grey: [0, 4].includes(bytes[25]), alpha: bytes[25] >= 4, deep: bytes[24] === 16, profile: null };
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at), name = text(bytes, at + 4, 4);
    if (name === "IDAT") break;
    if (name === "iCCP") found.profile = bytes.slice(at + 8, at + 8 + length);
    if (name === "tRNS") found.alpha = true;
    if (name === "acTL") found.frames = view.getUint32(at + 8);
    at += length + 12;
  }
  return found;
};

// Steps of quantisation of luminance of the Independent JPEG Group's encoder, in the order of a file.
const STEPS = [
  16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61,
  60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121,
  112, 100, 120, 92, 101, 103, 99,
];
// The quality, 1 to 100, whose table is most like one, as in srcnn/images/jpeg.py.
const qualityOf = (table) => {
  let best = 0, least = Infinity;
  for (let quality = 1; quality <= 100; quality++) {
    const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
    const error = STEPS.reduce((sum, step, i) => {
      const own = Math.min(255, Math.max(1, Math.floor((step * percent + 50) / 100)));
      return sum + Math.abs(Math.log(own / Math.max(table[i], 1)));
    }, 0);
    if (error < least) [best, least] = [quality, error];
  }
  return best;
};

// Of a JPEG: whether it is grey, its quality, its profile, compressed as PNG has it.
const readJpeg = async (bytes) => {
  const found = { grey: false, alpha: false, profile: null }, tables = [], icc = [];
  let table = 0;
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 255; ) {
    const kind = bytes[at + 1], length = bytes[at + 2] * 256 + bytes[at + 3], body = at + 4, end = at + 2 + length;
    if (kind === 0xda) break;
    if (kind === 0xdb) {
      for (let p = body; p < end; ) {
        const wide = bytes[p] >> 4, id = bytes[p++] & 15;
        tables[id] = Array.from({ length: 64 }, (_, i) => (wide ? bytes[p + 2 * i] * 256 + bytes[p + 2 * i + 1] : bytes[p + i]));
        p += wide ? 128 : 64;
      }
    }
    if (kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind)) {
      found.grey = bytes[body + 5] === 1;
      found.cmyk = bytes[body + 5] === 4;
      table = bytes[body + 8];
    }
    if (kind === 0xe2 && text(bytes, body, 11) === "ICC_PROFILE") icc[bytes[body + 12]] = bytes.slice(body + 14, end);
    at = end;
  }
  if (tables[table]) found.quality = qualityOf(tables[table]);
  const profile = new Uint8Array(await new Blob(icc.filter(Boolean)).arrayBuffer());
  if (["RGB ", "GRAY"].includes(text(profile, 16, 4))) {
    const packed = new Uint8Array(await deflated(profile, new CompressionStream("deflate")));
    found.profile = new Uint8Array(packed.length + 5);
    found.profile.set([105, 99, 99]); // the name "icc", and how it is compressed
    found.profile.set(packed, 5);
  }
  return found;
};

// Of a GIF: its frames.
const readGif = (bytes) => {
  const table = (flags) => (flags & 128 ? 6 << (flags & 7) : 0);
  const found = { other: true, profile: null, frames: 0 };
  for (let at = 13 + table(bytes[10]); at < bytes.length && bytes[at] !== 0x3b; at++) {
    if (bytes[at] === 0x2c) found.frames++;
    at += bytes[at] === 0x2c ? 11 + table(bytes[at + 9]) : 2;
    while (bytes[at]) at += bytes[at] + 1;
  }
  return found;
};

// How a picture lies, by its EXIF.
const orientationOf = (exif) => {
  const start = text(exif, 0, 4) === "Exif" ? 6 : 0, little = exif[start] === 0x49;
  const view = new DataView(exif.buffer, exif.byteOffset + start, exif.length - start);
  const directory = view.getUint32(4, little), count = view.getUint16(directory, little);
  for (let at = directory + 2; at < directory + 2 + 12 * count; at += 12)
    if (view.getUint16(at, little) === 0x112) return view.getUint16(at + 8, little);
  return 1;
};

// Of a WebP: its frames, and how it lies, which Chrome does not heed.
const readWebp = (bytes) => {
  const view = new DataView(bytes.buffer), found = { other: true, profile: null, frames: 0 };
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = text(bytes, at, 4), length = view.getUint32(at + 4, true);
    if (name === "ANMF") found.frames++;
    try {
      if (name === "EXIF") found.orientation = orientationOf(bytes.subarray(at + 8, at + 8 + length));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // damaged EXIF says nothing
    }
    at += 8 + length + (length & 1);
  }
  return found;
};

// A picture that lies so by its EXIF, upright.
const upright = ({ pixels, channels, width, height }, orientation) => {
  const turned = orientation >= 5, [rows, columns] = turned ? [width, height] : [height, width];
  const result = new Uint8Array(pixels.length);
  for (let y = 0, to = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      let [top, left] = turned ? [x, y] : [y, x];
      if ([3, 4, 6, 7].includes(orientation)) top = height - 1 - top;
      if ([2, 3, 7, 8].includes(orientation)) left = width - 1 - left;
      const from = (top * width + left) * channels;
      for (let c = 0; c < channels; c++) result[to++] = pixels[from + c];
    }
  return { pixels: result, channels, width: columns, height: rows };
};

const readHeader = async (file) => {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (text(bytes, 1, 3) === "PNG") return readPng(bytes);
  if (bytes[0] === 255 && bytes[1] === 216) return readJpeg(bytes);
  if (text(bytes, 0, 3) === "GIF") return readGif(bytes);
  if (text(bytes, 8, 4) === "WEBP") return readWebp(bytes);
  return { other: true, profile: null };
};

const EXACT = { colorSpaceConversion: "none", premultiplyAlpha: "none", imageOrientation: "from-image" };

// A part of a bitmap as RGBA. The 2D canvas is exact where nothing is transparent, WebGL everywhere.
const readers = (bitmap, transparent) => {
  const canvas = new OffscreenCanvas(Math.min(BAND, bitmap.width), Math.min(BAND, bitmap.height));
  if (!transparent) {
    const context = canvas.getContext("2d", { willReadFrequently: true });
    return (x, y, width, height) => {
      context.clearRect(0, 0, width, height);
      context.drawImage(bitmap, x, y, width, height, 0, 0, width, height);
      return context.getImageData(0, 0, width, height).data;
    };
  }
  const gl = canvas.getContext("webgl2");
  if (!gl) throw new Error("the picture is transparent, and this browser cannot read such pictures exactly without WebGL. Try another browser.");
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  return async (x, y, width, height) => {
    const part = await createImageBitmap(bitmap, x, y, width, height, EXACT);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, part);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, gl.getParameter(gl.TEXTURE_BINDING_2D), 0);
    const pixels = new Uint8Array(4 * width * height);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    if (gl.isContextLost()) throw new Error("the browser lost the connection to the GPU. Add the file again.");
    part.close();
    return pixels;
  };
};

// All pixels of a bitmap and its size, with as many channels as they need: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
const pixelsOf = async (bitmap, grey, alpha) => {
  const { width, height } = bitmap, from = grey ? [0] : [0, 1, 2];
  if (alpha) from.push(3);
  const channels = from.length, pixels = new Uint8Array(width * height * channels);
  const read = readers(bitmap, alpha);
  for (let top = 0; top < height; top += BAND)
    for (let left = 0; left < width; left += BAND) {
      const columns = Math.min(BAND, width - left), rows = Math.min(BAND, height - top);
      const part = await read(left, top, columns, rows);
      for (let y = 0; y < rows; y++) {
        let to = ((top + y) * width + left) * channels;
        for (let at = 4 * y * columns; at < 4 * (y + 1) * columns; at += 4)
          for (let c = 0; c < channels; c++) pixels[to++] = part[at + from[c]];
      }
    }
  return { pixels, channels, width, height };
};

// Whether anything of a bitmap is not opaque, of files that do not say.
const isTransparent = async (bitmap) => {
  const read = readers(bitmap, false);
  for (let top = 0; top < bitmap.height; top += BAND)
    for (let left = 0; left < bitmap.width; left += BAND) {
      const part = read(left, top, Math.min(BAND, bitmap.width - left), Math.min(BAND, bitmap.height - top));
      for (let i = 3; i < part.length; i += 4) if (part[i] < 255) return true;
    }
  return false;
};

// Gives wholly transparent pixels the colour of the nearest visible one: hidden colours would bleed.
const fillTransparent = (pixels, width, height, channels) => {
  const hidden = (at) => pixels[at * channels + channels - 1] === 0;
  const near = new Int32Array(width * height).fill(-1); // the row of the nearest visible pixel in each column
  let any = false, all = true;
  for (let x = 0; x < width; x++) {
    let last = -1;
    for (let y = 0; y < height; y++) {
      if (hidden(y * width + x)) any = true;
      else [last, all] = [y, false];
      near[y * width + x] = last;
    }
    last = -1;
    for (let y = height - 1; y >= 0; y--) {
      const at = y * width + x;
      if (near[at] === y) last = y;
      else if (last >= 0 && (near[at] < 0 || last - y < y - near[at])) near[at] = last;
    }
  }
  if (!any || all) return;
  const stack = new Int32Array(width), from = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    let count = 0; // the lower envelope of the parabolas of the columns
    const squared = (x) => (near[y * width + x] - y) ** 2;
    for (let x = 0; x < width; x++) {
      if (near[y * width + x] < 0) continue;
      let start = -Infinity;
      while (count) {
        const u = stack[count - 1];
        start = (squared(x) + x * x - squared(u) - u * u) / (2 * (x - u));
        if (start > from[count - 1]) break;
        count--;
        start = -Infinity;
      }
      stack[count] = x;
      from[count++] = start;
    }
    for (let x = 0, k = 0; x < width; x++) {
      while (k + 1 < count && from[k + 1] < x) k++;
      const to = (y * width + x) * channels;
      if (pixels[to + channels - 1]) continue;
      const source = (near[y * width + stack[k]] * width + stack[k]) * channels;
      pixels.copyWithin(to, source, source + channels - 1);
    }
  }
};

const decode = async (file) => {
  const header = await readHeader(file), notes = [];
  const lies = header.orientation >= 2 && header.orientation <= 8;
  const bitmap = await createImageBitmap(file, lies ? { ...EXACT, imageOrientation: "none" } : EXACT).catch(() => {
    throw new Error("this browser cannot read the file as a picture. Save it as PNG first, or crop it if it is very large.");
  });
  const alpha = header.other ? await isTransparent(bitmap) : header.alpha;
  const stored = await pixelsOf(bitmap, header.grey, alpha);
  const { pixels, channels, width, height } = lies ? upright(stored, header.orientation) : stored;
  bitmap.close();
  if (alpha) fillTransparent(pixels, width, height, channels);
  if (header.deep) notes.push("The file has 16 bits per channel, of which browsers read 8.");
  if (header.frames > 1) notes.push(`Only the first of ${header.frames} frames was enlarged.`);
  if (header.cmyk) notes.push("The browser converted the file's print colours (CMYK) to RGB.");
  if (header.other) notes.push("A colour profile of this kind of file is not kept.");
  return { pixels, channels, width, height, notes, quality: header.quality, profile: header.profile };
};

// The PNG as it grows. Rows are filtered by Paeth's predictor, which suits photographs.
let png;

const chunk = (name, body) => {
  const bytes = new Uint8Array(body.length + 12), view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  bytes.set([...name].map((letter) => letter.charCodeAt(0)), 4);
  bytes.set(body, 8);
  view.setUint32(body.length + 8, crc(bytes.subarray(4, body.length + 8)));
  return bytes;
};

const put = (bytes) => {
  png.crc = crc(bytes, png.crc);
  png.parts.push(new Blob([bytes])); // which the browser may keep on the disk
};

const begin = ({ width, height, channels, profile }) => {
  const stream = new CompressionStream("deflate");
  png = { width, channels, crc: 0, parts: [], above: new Uint8Array(width * channels), writer: stream.writable.getWriter() };
  const head = new Uint8Array(13), view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, [0, 4, 2, 6][channels - 1]], 8);
  put(Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10));
  put(chunk("IHDR", head));
  if (profile) put(chunk("iCCP", profile));
  png.done = (async () => {
    const reader = stream.readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      put(chunk("IDAT", value));
    }
  })();
};

const filtered = (band) => {
  const { width, channels } = png, length = width * channels, rows = band.length / length;
  const bytes = new Uint8Array(rows * (length + 1));
  for (let y = 0, to = 0; y < rows; y++) {
    const row = band.subarray(y * length, (y + 1) * length), { above } = png;
    bytes[to++] = 4;
    for (let i = 0; i < length; i++) {
      const a = i < channels ? 0 : row[i - channels], b = above[i], c = i < channels ? 0 : above[i - channels];
      const pa = Math.abs(b - c), pb = Math.abs(a - c), pc = Math.abs(a + b - 2 * c);
      bytes[to++] = row[i] - (pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
    }
    png.above = row;
  }
  return bytes;
};

const end = async () => {
  await png.writer.close();
  await png.done;
  put(chunk("IEND", new Uint8Array()));
  return { blob: new Blob(png.parts, { type: "image/png" }), crc: png.crc };
};

onmessage = async ({ data }) => {
  try {
    if (data.file) {
      const found = await decode(data.file);
      postMessage(found, [found.pixels.buffer]);
    } else if (data.begin) {
      begin(data.begin);
      postMessage({});
    } else if (data.band) {
      await png.writer.write(filtered(data.band));
      postMessage({});
    } else postMessage(await end());
  } catch (error) {
    const memory = error instanceof RangeError; // an array that cannot be had
    postMessage({ error: memory ? "the picture is too large for the memory that this browser provides. Crop it or make it smaller first." : error.message });
  }
};
