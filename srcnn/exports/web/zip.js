// A zip of files as they are; each is compressed already.
const zip = (files) => {
  const parts = [], directory = [];
  let at = 0;
  for (const { blob, crc, name } of files) {
    const bytes = new TextEncoder().encode(name);
    const fields = [[20, 2], [0x800, 2], [0, 2], [0, 2], [33, 2], [crc, 4], [blob.size, 4], [blob.size, 4], [bytes.length, 2], [0, 2]];
    const start = little([[0x04034b50, 4], ...fields]);
    parts.push(start, bytes, blob);
    directory.push(little([[0x02014b50, 4], [20, 2], ...fields, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]), bytes);
    at += start.length + bytes.length + blob.size;
  }
  if (at >= 2 ** 32 - 2 ** 20) throw new Error("A ZIP file holds 4 GB, and the results are larger. Save the pictures one by one.");
  const length = directory.reduce((sum, each) => sum + each.length, 0);
  const end = little([[0x06054b50, 4], [0, 4], [files.length, 2], [files.length, 2], [length, 4], [at, 4], [0, 2]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
};
const little = (fields) => Uint8Array.from(fields.flatMap(([value, size]) =>
  Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256)));

