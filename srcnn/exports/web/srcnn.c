// The arithmetic of the page, of one tile: bicubic interpolation, luminance, convolutions, pixels.
// srcnn.wasm is made from it by the command in tests/exports/test_web.py, which compares.
// Planes are rows of `stride` floats, `plane` floats from one channel to the next.
#include <stdint.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define INLINE static inline __attribute__((always_inline))

static double keys(double x) {  // MATLAB's, with a = -0.5
    x = __builtin_fabs(x);
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((2.5 - 0.5 * x) * x - 4) * x + 2 : 0;
}

// Where the four pixels lie that make pixel `to` of the result, mirrored at the edges, and their weights.
static void taps(int to, int scale, int size, int *from, double *weights) {
    int last = size * scale - 1;
    to = to < 0 ? 0 : to > last ? last : to;  // edge pixels are repeated
    double at = (to + 0.5) / scale - 0.5;
    int first = (int)__builtin_floor(at) - 1;
    for (int i = 0; i < 4; i++) {
        int place = first + i, period = 2 * size;
        weights[i] = keys(at - place);
        place = ((place % period) + period) % period;
        from[i] = place < size ? place : period - 1 - place;
    }
}

// A part of a picture, (part_height, part_width, channels) from (left, top) on, to planes in [0, 1]: those
// of a tile (rows, columns) from (x, y) of the result on. scratch: part_height * columns floats.
EXPORT(bicubic) void bicubic(const uint8_t *part, int channels, int left, int top, int part_width, int part_height,
                             int width, int height, int scale, int x, int y, int columns, int rows,
                             float *planes, int plane, int stride, float *scratch) {
    int from[4];
    double weights[4];
    for (int c = 0; c < channels; c++) {
        for (int j = 0; j < columns; j++) {
            taps(x + j, scale, width, from, weights);
            for (int i = 0; i < part_height; i++) {
                const uint8_t *row = part + i * part_width * channels + c;
                double sum = 0;
                for (int k = 0; k < 4; k++) sum += weights[k] * (row[(from[k] - left) * channels] / 255.0f);
                scratch[i * columns + j] = (float)sum;
            }
        }
        for (int i = 0; i < rows; i++) {
            taps(y + i, scale, height, from, weights);
            for (int j = 0; j < columns; j++) {
                double sum = 0;
                for (int k = 0; k < 4; k++) sum += weights[k] * scratch[(from[k] - top) * columns + j];
                planes[c * plane + i * stride + j] = (float)sum;
            }
        }
    }
}

// Luminance, as MATLAB's rgb2ycbcr has it, of three planes; of one it is that.
EXPORT(luminance) void luminance(const float *planes, int plane, int colours, float *y) {
    for (int i = 0; i < plane; i++) {
        double r = planes[i];
        y[i] = colours == 1 ? planes[i]
            : (float)(16 / 255.0 + (65.481 * r + 128.553 * planes[plane + i] + 24.966 * planes[2 * plane + i]) / 255);
    }
}

// `channels` values at 4 * `vectors` neighbouring pixels.
INLINE void block(const int channels, const int vectors, const float *in, int plane, int stride, int inputs,
                  int size, const float *weights, const float *biases, float *out, int rectify) {
    v128_t sums[4][8];
    for (int c = 0; c < channels; c++)
        for (int v = 0; v < vectors; v++) sums[c][v] = wasm_f32x4_splat(biases[c]);
    for (int i = 0; i < inputs; i++)
        for (int y = 0; y < size; y++) {
            const float *row = in + i * plane + y * stride;
            for (int x = 0; x < size; x++, weights += channels) {
                v128_t from[8];
                for (int v = 0; v < vectors; v++) from[v] = wasm_v128_load(row + x + 4 * v);
                for (int c = 0; c < channels; c++) {
                    v128_t weight = wasm_v128_load32_splat(weights + c);
                    for (int v = 0; v < vectors; v++)
                        sums[c][v] = wasm_f32x4_add(sums[c][v], wasm_f32x4_mul(weight, from[v]));
                }
            }
        }
    for (int c = 0; c < channels; c++)
        for (int v = 0; v < vectors; v++) {
            if (rectify) sums[c][v] = wasm_f32x4_pmax(wasm_f32x4_splat(0), sums[c][v]);
            wasm_v128_store(out + c * plane + 4 * v, sums[c][v]);
        }
}

// A layer, to planes of (rows, columns) and up to 31 columns more. weights: for each four channels that come
// out, all of those that go in, the rows and columns of the kernel, the four; of the last layer for its one.
EXPORT(convolve) void convolve(const float *in, int plane, int stride, int inputs, int size, const float *weights,
                               const float *biases, int outputs, float *out, int rows, int columns) {
    if (outputs == 1) {
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < columns; x += 32)
                block(1, 8, in + y * stride + x, plane, stride, inputs, size, weights, biases, out + y * stride + x, 0);
        return;
    }
    for (int y = 0; y < rows; y++)
        for (int o = 0; o < outputs; o += 4)
            for (int x = 0; x < columns; x += 8)
                block(4, 2, in + y * stride + x, plane, stride, inputs, size, weights + o * inputs * size * size,
                      biases + o, out + o * plane + y * stride + x, 1);
}

INLINE uint8_t level(float value) {  // rounded half up
    float whole = __builtin_floorf(value * 255.0f + 0.5f);
    return whole < 0 ? 0 : whole > 255 ? 255 : (uint8_t)whole;
}

// Pixels (rows, columns, channels) of a tile, by the network and by bicubic interpolation.
// planes: bicubic, with `around` pixels more on each side, as has y; of them `colours` are grey or RGB.
EXPORT(finish) void finish(const float *planes, int plane, int stride, int channels, int colours, int around,
                           const float *y, const float *pred, int rows, int columns, uint8_t *srcnn, uint8_t *plain) {
    float gain = colours == 3 ? (float)(255 / 219.0) : 1;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            int at = (i + around) * stride + j + around;
            float change = gain * (pred[i * stride + j] - y[at]);
            for (int c = 0; c < channels; c++) {
                float value = planes[c * plane + at];
                *srcnn++ = level(c < colours ? value + change : value);
                *plain++ = level(value);
            }
        }
}
