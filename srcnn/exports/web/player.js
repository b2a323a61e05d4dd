// A worker that draws a film's frames on a canvas, enlarged on the GPU: bicubic on the left, SRCNN on the right.
const BICUBIC = `
uniform sampler2D frame;
uniform ivec2 size, origin;
float keys(float x) {
  x = abs(x);
  return x < 1.0 ? (1.5 * x - 2.5) * x * x + 1.0 : x < 2.0 ? ((2.5 - 0.5 * x) * x - 4.0) * x + 2.0 : 0.0;
}
// MATLAB's bicubic (Keys, a = -0.5), the picture mirrored at its edges and repeated beyond.
vec3 bicubic(ivec2 to, int scale) {
  to = clamp(to, ivec2(0), size * scale - 1);
  vec2 at = (vec2(to) + 0.5) / float(scale) - 0.5;
  ivec2 first = ivec2(floor(at)) - 1;
  vec3 sum = vec3(0.0);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      ivec2 from = first + ivec2(j, i);
      float weight = keys(at.x - float(from.x)) * keys(at.y - float(from.y));
      from = clamp(min(max(from, -1 - from), 2 * size - 1 - from), ivec2(0), size - 1);
      sum += weight * texelFetch(frame, from, 0).rgb;
    }
  return sum;
}
`;

const lumaOf = ({ scale, margin }) => `${HEAD}${BICUBIC}
out uint bits;
void main() {
  vec3 rgb = bicubic(origin + ivec2(gl_FragCoord.xy) - ${margin / 2}, ${scale});
  bits = floatBitsToUint((16.0 + dot(rgb, vec3(65.481, 128.553, 24.966))) / 255.0);
}`;

// The canvas counts rows from below.
const shownOf = (network) => `${predictedOf(network, true)}${BICUBIC}
uniform float divide;
out vec4 colour;
void main() {
  ivec2 to = ivec2(gl_FragCoord.x, size.y * ${network.scale} - 1 - int(gl_FragCoord.y)), at = to - origin;
  vec3 rgb = bicubic(to, ${network.scale});
  if (float(to.x) >= divide)
    rgb += 255.0 / 219.0 * (predicted(at) - uintBitsToFloat(texelFetch(luma, at + ${network.margin / 2}, 0).x));
  colour = vec4(rgb, 1.0);
}`;

class Player extends Gpu {
  constructor(canvas, network, size, tile) {
    super(canvas, network, tile, { halves: true });
    const { gl } = this, largest = Math.min(gl.getParameter(gl.MAX_TEXTURE_SIZE), ...gl.getParameter(gl.MAX_VIEWPORT_DIMS));
    this.size = size.map((pixels) => pixels * network.scale);
    if (Math.max(...this.size) > largest) throw new Error(`the enlarged film would exceed the ${largest} pixels a side that the GPU allows. Choose a smaller scale.`);
    [canvas.width, canvas.height] = this.size;
    this.tile = tile;
    this.frame = this.texture(gl.RGBA8, ...size);
    this.to_luma = this.program(lumaOf(network));
    this.to_canvas = this.program(shownOf(network));
    this.lumas = this.target(this.luma);
    for (const program of [this.to_luma, this.to_canvas]) {
      gl.useProgram(program);
      gl.uniform2i(gl.getUniformLocation(program, "size"), ...size);
    }
    this.check();
  }

  place(program, x, y) {
    this.gl.useProgram(program);
    this.gl.uniform2i(this.gl.getUniformLocation(program, "origin"), x, y);
  }

  // divide: the share of the width that is bicubic.
  async show(frame, divide) {
    const { gl, tile, network: { margin, scale }, size: [width, height] } = this;
    if (width !== frame.width * scale || height !== frame.height * scale) throw new Error("its frames change their size");
    this.use(3, gl.TEXTURE_2D, this.frame);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, gl.RGBA, gl.UNSIGNED_BYTE, frame);
    frame.close();
    gl.useProgram(this.to_canvas);
    gl.uniform1f(gl.getUniformLocation(this.to_canvas, "divide"), divide * width);
    for (let y = 0; y < height; y += tile)
      for (let x = 0; x < width; x += tile) {
        const columns = Math.min(tile, width - x), rows = Math.min(tile, height - y);
        if (x + columns > divide * width) {
          this.place(this.to_luma, x, y);
          this.draw(this.to_luma, this.lumas, 0, 0, columns + margin, rows + margin);
          this.convolve(columns, rows);
        }
        this.place(this.to_canvas, x, y);
        this.draw(this.to_canvas, null, x, height - y - rows, columns, rows);
      }
    await this.finished();
  }
}

let player;

onmessage = async ({ data }) => {
  try {
    if (data.canvas) player = new Player(data.canvas, data.network, data.size, data.tile);
    else await player.show(data.frame, data.divide);
    postMessage({ software: player.software });
  } catch (error) {
    postMessage({ error: error.message });
  }
};
