// GLSL of a network's passes on a graphics processor, and their weights. Four channels lie in a texel, as bits of
// floats, which every WebGL2 can write. A pass computes layers 1 and 2, or 1, or a further one; that before the last
// one also the products of the last kernel with its pixel, of which `predicted` sums those around.
const BLOCK = 1024; // texels of weights that every browser takes in a uniform block

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp usampler2D;
precision highp usampler2DArray;
uniform usampler2D luma;
uniform usampler2DArray maps;
uniform sampler2D table;
`;
const VERTEX = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1, 0, 1);
}`;

const range = (count, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const four = (value) => range(4).map(value);

// The weights of each layer as functions; they lie as srcnn.c reads them.
const layersOf = ({ layers, weights }) => {
  let end = 0;
  return layers.map(({ size, inputs, outputs }, number) => {
    const taps = size * size, together = number === layers.length - 1 ? 1 : 4, from = end;
    const biases = from + Math.ceil(outputs / together) * together * inputs * taps;
    end = biases + Math.ceil(outputs / together) * together;
    const at = (i, tap, o) => from + (Math.floor(o / together) * inputs * taps + i * taps + tap) * together + (o % together);
    return {
      size, taps, inputs, outputs, quads: Math.ceil(outputs / 4),
      weight: (i, tap, o) => (i < inputs && tap < taps ? weights[at(i, tap, o)] : 0),
      bias: (o) => weights[biases + o],
    };
  });
};

const isFused = (layers) => layers.length > 2 && layers[1].size === 1;
const loops = (size) => `for (int i = 0; i < ${size}; i++) for (int j = 0; j < ${size}; j++)`;

// Quads of layer 1, and, where `next` is layer 2 of 1x1, what they add to its quads `wanted`.
const firstLayer = (layer, next, wanted, blocks) => {
  const { size, taps } = layer, deep = next ? wanted.length : 0, quads = next ? range(layer.quads) : wanted;
  const most = [8, 4, 2, 1].find((count) => count * (taps + 1 + 4 * deep) <= BLOCK) ?? 1;
  let text = "";
  for (let from = 0; from < quads.length; from += most) {
    const group = quads.slice(from, from + most), count = group.length, name = `part${blocks.length}`;
    const each = (say) => group.map((_, k) => say(k)).join("\n");
    const matrix = (k, o) => `mat4(${four((c) => `${name}[${count * (taps + 1) + (4 * k + c) * deep + o}]`)})`;
    text += `{
${each((k) => `vec4 a${k} = ${name}[${count * taps + k}];`)}
${loops(size)} {
  float value = uintBitsToFloat(texelFetch(luma, at + ivec2(j, i), 0).x);
  int k = (i * ${size} + j) * ${count};
${each((k) => `a${k} += ${name}[k + ${k}] * value;`)}
}
${each((k) => `a${k} = max(a${k}, 0.0);`)}
${each((k) => (next ? wanted.map((_, o) => `b${o} += ${matrix(k, o)} * a${k};`).join("\n") : `b${from + k} = a${k};`))}
}
`;
    blocks.push([
      ...range(taps).flatMap((tap) => group.map((q) => four((c) => layer.weight(0, tap, 4 * q + c)))),
      ...group.map((q) => four((c) => layer.bias(4 * q + c))),
      ...(next ? group.flatMap((q) => range(4, 4 * q)) : [])
        .flatMap((i) => wanted.map((o) => four((c) => next.weight(i, 0, 4 * o + c)))),
    ]);
  }
  return text;
};

// Quads `wanted` of a further layer, whose weights lie in a texture, 1024 texels wide.
const furtherLayer = ({ size, taps, inputs, weight }, wanted, table) => {
  const deep = wanted.length, quads = Math.ceil(inputs / 4);
  for (const i of range(4 * quads).filter((i) => i % 4 === 0))
    for (const tap of range(taps))
      for (const c of range(4)) table.push(...wanted.map((o) => four((k) => weight(i + c, tap, 4 * o + k))));
  return `for (int q = 0; q < ${quads}; q++) ${loops(size)} {
  vec4 value = uintBitsToFloat(texelFetch(maps, ivec3(at + ivec2(j, i), q), 0));
  int k = ((q * ${size} + i) * ${size} + j) * ${4 * deep};
${wanted.map((_, o) => `b${o} += mat4(${four((c) => `row(k + ${c * deep + o})`)}) * value;`).join("\n")}
}
`;
};

// What is written of quads: themselves, or, with the last layer, products of its kernel with them; 8 of these lie in
// a texel if they are halves.
const tail = (wanted, products, last, written, halves, block, name) => {
  if (!products) return wanted.map((_, o) => `texel${o} = floatBitsToUint(b${o});`);
  const fourOf = (tap) => wanted.map((o) => {
    const from = block.length;
    block.push(...range(4, 4 * o).map((i) => four((k) => last.weight(i, tap + k, 0))));
    return `mat4(${four((c) => `${name}[${from + c}]`)}) * b${o}`;
  }).join(" + ");
  const packed = (tap, t) => `vec4 c${t} = ${fourOf(tap)}, d${t} = ${fourOf(tap + 4)};
texel${t} = uvec4(${["c", "d"].flatMap((v) => [`packHalf2x16(${v}${t}.xy)`, `packHalf2x16(${v}${t}.zw)`])});`;
  return written.map((place, t) => (halves ? packed(8 * place, t) : `texel${t} = floatBitsToUint(${fourOf(4 * place)});`));
};

// A pass that writes the texels `written` of what a stage has.
const passOf = (layers, number, written, halves) => {
  const fused = number === 1 && isFused(layers), layer = layers[number], last = layers[layers.length - 1];
  const products = number === layers.length - 2, wanted = products ? range(layer.quads) : written;
  const blocks = [], table = [], block = wanted.map((o) => four((c) => layer.bias(4 * o + c)));
  const text = number === 0 || fused
    ? firstLayer(layers[0], fused && layer, wanted, blocks)
    : furtherLayer(layer, wanted, table);
  const name = `part${blocks.length}`, end = tail(wanted, products, last, written, halves, block, name).join("\n");
  blocks.push(block);
  if (blocks.length > 12 || blocks.some((each) => each.length > BLOCK))
    throw new Error("the network is too large for the GPU.");
  const source = `${HEAD}
${blocks.map(({ length }, i) => `layout(std140) uniform Block${i} { vec4 part${i}[${length}]; };`).join("\n")}
${written.map((_, t) => `layout(location = ${t}) out uvec4 texel${t};`).join("\n")}
vec4 row(int k) { return texelFetch(table, ivec2(k & 1023, k >> 10), 0); }
void main() {
ivec2 at = ivec2(gl_FragCoord.xy);
${wanted.map((_, o) => `vec4 b${o} = ${name}[${o}];`).join("\n")}
${text}
${wanted.map((_, o) => `b${o} = max(b${o}, 0.0);`).join("\n")}
${end}
}`;
  return { source, blocks: blocks.map((each) => Float32Array.from(each.flat())), table: table.flat(), written };
};

// The stages of a network, each of its passes and how many pixels it takes from a side in all. targets: texels that
// a pass can write. halves: whether products are rounded to floats of 16 bits, which is quicker.
const stagesOf = (network, targets, halves) => {
  const layers = layersOf(network), stages = [];
  for (let number = isFused(layers) ? 1 : 0; number < layers.length - 1; number++) {
    const products = number === layers.length - 2;
    const texels = products ? Math.ceil(layers[number + 1].taps / (halves ? 8 : 4)) : layers[number].quads, passes = [];
    for (let from = 0; from < texels; from += targets)
      passes.push(passOf(layers, number, range(Math.min(targets, texels - from), from), halves));
    const size = layers[number].size + (number === 1 && isFused(layers) ? layers[0].size - 1 : 0);
    stages.push({ passes, texels, border: size - 1 });
  }
  return stages;
};

const predictedOf = (network, halves) => {
  const layers = layersOf(network), last = layers[layers.length - 1];
  return `${HEAD}
float predicted(ivec2 at) {
  float sum = ${last.bias(0).toExponential()};
  ${loops(last.size)} {
    int k = i * ${last.size} + j;
    uvec4 texel = texelFetch(maps, ivec3(at + ivec2(j, i), k >> ${halves ? 3 : 2}), 0);
    sum += ${halves ? "unpackHalf2x16(texel[(k >> 1) & 3])[k & 1]" : "uintBitsToFloat(texel[k & 3])"};
  }
  return sum;
}`;
};

// Four neighbours in a texel.
const sumOf = (network) => `${predictedOf(network)}
out uvec4 texel;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy) * ivec2(4, 1);
  vec4 sums = vec4(predicted(at), predicted(at + ivec2(1, 0)), predicted(at + ivec2(2, 0)), predicted(at + ivec2(3, 0)));
  texel = floatBitsToUint(sums);
}`;
