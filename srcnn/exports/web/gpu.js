// A network on a graphics processor: WebGL2, in a worker, tile by tile.
const LOST = "the browser lost the connection to the GPU.";
const SOFTWARE = /swiftshader|llvmpipe|softpipe|lavapipe|basic render|software/i; // drivers without a GPU

class Gpu {
  // hardware: whether it must be that. halves: whether it may round, as `stagesOf` does.
  constructor(canvas, network, tile, { hardware = false, halves = false } = {}) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, powerPreference: "high-performance" });
    if (!gl) throw new Error("this browser has no WebGL 2 for this page.");
    this.gl = gl;
    this.software = SOFTWARE.test(this.renderer);
    if (hardware && this.software) throw new Error("this browser has WebGL in software only.");
    const side = tile + network.margin;
    this.network = network;
    this.luma = this.texture(gl.R32UI, side, side);
    this.empty = this.texture(gl.RGBA32F, 1, 1); // where a program takes no table
    this.stages = stagesOf(network, this.targets(), halves).map(({ passes, texels, border }) => {
      const maps = this.texture(gl.RGBA32UI, side, side, texels);
      return { maps, border, passes: passes.map((pass) => this.prepare(pass, maps)) };
    });
    this.check();
  }

  check() {
    const { gl } = this;
    if (gl.isContextLost()) throw new Error(LOST);
    if (gl.getError() === gl.OUT_OF_MEMORY) throw new Error("the GPU does not have enough memory.");
  }

  // What the driver calls itself.
  get renderer() {
    const found = this.gl.getExtension("WEBGL_debug_renderer_info");
    return String(this.gl.getParameter(found ? found.UNMASKED_RENDERER_WEBGL : this.gl.RENDERER));
  }

  // Of a size, with layers if these are named.
  texture(format, width, height, layers) {
    const { gl } = this, kind = layers ? gl.TEXTURE_2D_ARRAY : gl.TEXTURE_2D, texture = gl.createTexture();
    gl.bindTexture(kind, texture);
    if (layers) gl.texStorage3D(kind, 1, format, width, height, layers);
    else gl.texStorage2D(kind, 1, format, width, height);
    gl.texParameteri(kind, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(kind, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    return texture;
  }

  program(source) {
    const { gl } = this, program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, source]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    this.check();
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error("the GPU's driver cannot compile the network.");
    gl.useProgram(program);
    ["luma", "maps", "table", "frame"].forEach((name, unit) => gl.uniform1i(gl.getUniformLocation(program, name), unit));
    return program;
  }

  // Where a program writes: a texture, or layers of one.
  target(texture, layers) {
    const { gl } = this, target = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, target);
    const places = (layers ?? [0]).map((layer, i) => {
      const place = gl.COLOR_ATTACHMENT0 + i;
      if (layers) gl.framebufferTextureLayer(gl.FRAMEBUFFER, place, texture, 0, layer);
      else gl.framebufferTexture2D(gl.FRAMEBUFFER, place, gl.TEXTURE_2D, texture, 0);
      return place;
    });
    gl.drawBuffers(places);
    return gl.checkFramebufferStatus(gl.FRAMEBUFFER) === gl.FRAMEBUFFER_COMPLETE ? target : null;
  }

  // How many texels a pass can write at a pixel. Some GPUs, as Apple's, allow fewer of 16 bytes than they say.
  targets() {
    const { gl } = this, count = Math.min(8, gl.getParameter(gl.MAX_DRAW_BUFFERS));
    const maps = this.texture(gl.RGBA32UI, 1, 1, count), found = range(count, 1).reverse();
    return found.find((number) => this.target(maps, range(number))) ?? 1;
  }

  prepare({ source, blocks, table, written }, maps) {
    const { gl } = this, program = this.program(source);
    const buffers = blocks.map((values, i) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.UNIFORM_BUFFER, buffer);
      gl.bufferData(gl.UNIFORM_BUFFER, values, gl.STATIC_DRAW);
      gl.uniformBlockBinding(program, gl.getUniformBlockIndex(program, `Block${i}`), i);
      return buffer;
    });
    const found = { program, buffers, target: this.target(maps, written), table: this.empty };
    if (table.length) {
      const rows = Math.ceil(table.length / 4096), values = new Float32Array(4096 * rows);
      values.set(table);
      found.table = this.texture(gl.RGBA32F, 1024, rows);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 1024, rows, gl.RGBA, gl.FLOAT, values);
    }
    return found;
  }

  use(unit, kind, texture) {
    this.gl.activeTexture(this.gl.TEXTURE0 + unit);
    this.gl.bindTexture(kind, texture);
  }

  // target: null for the canvas.
  draw(program, target, x, y, columns, rows) {
    const { gl } = this;
    gl.useProgram(program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, target);
    gl.viewport(x, y, columns, rows);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // All but the sums of the last layer, from the luminance of (rows, columns) and the margin around.
  convolve(columns, rows) {
    const { gl } = this;
    columns += this.network.margin;
    rows += this.network.margin;
    this.use(0, gl.TEXTURE_2D, this.luma);
    this.use(1, gl.TEXTURE_2D_ARRAY, null);
    for (const { passes, maps, border } of this.stages) {
      columns -= border;
      rows -= border;
      for (const { program, buffers, target, table } of passes) {
        this.use(2, gl.TEXTURE_2D, table);
        buffers.forEach((buffer, i) => gl.bindBufferBase(gl.UNIFORM_BUFFER, i, buffer));
        this.draw(program, target, 0, 0, columns, rows);
      }
      this.use(1, gl.TEXTURE_2D_ARRAY, maps);
    }
  }

  // Waits until all is done, without holding up anything else.
  async finished() {
    const { gl } = this, sync = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    for (;;) {
      this.check();
      const state = gl.clientWaitSync(sync, 0, 0);
      if (state === gl.ALREADY_SIGNALED || state === gl.CONDITION_SATISFIED) break;
      await new Promise((go) => setTimeout(go, 1));
    }
    gl.deleteSync(sync);
  }
}

// For pictures: from luminance to what the network makes of it.
class Predictor extends Gpu {
  constructor(network, tile, hardware) {
    super(new OffscreenCanvas(1, 1), network, tile, { hardware });
    const { gl } = this, wide = Math.ceil(tile / 4);
    this.sum = this.program(sumOf(network));
    this.sums = this.target(this.texture(gl.RGBA32UI, wide, tile));
    this.packed = gl.createBuffer();
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, this.packed);
    gl.bufferData(gl.PIXEL_PACK_BUFFER, 16 * wide * tile, gl.STREAM_READ);
    this.check();
  }

  // luma: bits of float32, (rows, columns) with the margin around, in rows of `stride`. to: where the results go,
  // float32, in such rows.
  async predict(luma, stride, columns, rows, to) {
    const { gl, network: { margin } } = this, wide = Math.ceil(columns / 4);
    this.use(0, gl.TEXTURE_2D, this.luma);
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, stride);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, columns + margin, rows + margin, gl.RED_INTEGER, gl.UNSIGNED_INT, luma);
    this.convolve(columns, rows);
    this.draw(this.sum, this.sums, 0, 0, wide, rows);
    gl.readPixels(0, 0, wide, rows, gl.RGBA_INTEGER, gl.UNSIGNED_INT, 0);
    await this.finished();
    const found = new Float32Array(4 * wide * rows);
    gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, found);
    this.check();
    for (let y = 0; y < rows; y++) to.set(found.subarray(4 * wide * y, 4 * wide * y + columns), y * stride);
  }
}
