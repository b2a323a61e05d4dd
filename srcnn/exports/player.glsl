// SRCNN {{ network.shape }} (Dong et al. 2014), {{ network.degraded }}: a film's luminance {{ network.scale }} times as high and wide, on the GPU.
// Made from {{ settings }}
//
//     mpv --vo=gpu-next --glsl-shaders=srcnn_x{{ network.scale }}.glsl film.mkv
//
// FFmpeg's filter libplacebo takes it, too. It needs compute shaders: Vulkan, Direct3D 11, or OpenGL from 4.3 on,
// which a Mac has not. It leaves films that are stored as RGB as they are
{%- if network.scale > 1 %}, and all in a window that is no larger{% endif %}.
{% macro pass(what, bound, save, width, height, components) %}

//!HOOK LUMA
//!DESC SRCNN: {{ what }}
{% for each in bound %}
//!BIND {{ each }}
{% endfor %}
{% if save %}
//!SAVE {{ save }}
{% endif %}
//!WIDTH {{ width }}
//!HEIGHT {{ height }}
//!COMPONENTS {{ components }}
{% if network.scale > 1 %}
//!WHEN OUTPUT.w LUMA.w > OUTPUT.h LUMA.h > +
{% endif %}
{% endmacro %}
{{ pass("bicubic", ["LUMA"], "SRCNN_0", "LUMA.w %d *" % network.scale, "LUMA.h %d *" % network.scale, 1) }}
// MATLAB's bicubic (Keys, a = -0.5), the picture mirrored at its edges.
float keys(float x) {
    x = abs(x);
    return x < 1.0 ? (1.5 * x - 2.5) * x * x + 1.0 : x < 2.0 ? ((2.5 - 0.5 * x) * x - 4.0) * x + 2.0 : 0.0;
}

vec4 hook() {
    ivec2 size = textureSize(LUMA_raw, 0);
    vec2 at = (floor(LUMA_pos * vec2(size) * {{ network.scale }}.0) + 0.5) / {{ network.scale }}.0 - 0.5;
    ivec2 first = ivec2(floor(at)) - 1;
    float y = 0.0;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            ivec2 from = first + ivec2(j, i);
            float weight = keys(at.x - float(from.x)) * keys(at.y - float(from.y));
            from = clamp(min(max(from, -1 - from), 2 * size - 1 - from), ivec2(0), size - 1);
            y += weight * (LUMA_mul * texelFetch(LUMA_raw, from, 0)).x;
        }
    return vec4(y, 0.0, 0.0, 1.0);
}
{% for layer in layers %}
{% set wide = "LUMA.w %d * %d + 4 *" % (network.scale, 2 * layer.around) %}
{% set high = "LUMA.h %d * %d + %d *" % (network.scale, 2 * layer.around, layer.rows) %}
{{ pass("layers 1 and 2" if loop.first else "layer %d" % layer.number, layer.bound, layer.output, wide, high, 4) -}}
//!COMPUTE 128 {{ 8 * layer.rows }} 8 8
// A convolution. Channels go in quads, the four values of a texel. A group of 8x8 threads computes 32x8 pixels,
// a thread four neighbours; one quad of the input at a time lies in shared memory.
#define WIDE {{ layer.wide }}
#define HIGH {{ layer.high }}
#define EACH(F) {% for o in range(layer.quads) %}F({{ o }}) {% endfor %}

shared vec4 quads[HIGH * WIDE];
{% if loop.first %}
shared float luma[(HIGH + {{ first - 1 }}) * (WIDE + {{ first - 1 }})];
{% endif %}

// Four rows of a texture of weights, those of four channels that go in: texel `o` of each.
mat4 four(sampler2D weights, int o, int row) {
    return mat4(texelFetch(weights, ivec2(o, row), 0), texelFetch(weights, ivec2(o, row + 1), 0),
        texelFetch(weights, ivec2(o, row + 2), 0), texelFetch(weights, ivec2(o, row + 3), 0));
}

{% if loop.first %}
// Of the first layer, four neighbours, from luminance.
void fill(int q, ivec2 corner, int y, int x) {
    vec4 a = texelFetch(SRCNN_W1, ivec2(q, {{ first * first }}), 0), b = a, c = a, d = a;
    for (int i = 0; i < {{ first }}; i++) {
        int from = (y + i) * (WIDE + {{ first - 1 }}) + x;
        float e = luma[from], f = luma[from + 1], g = luma[from + 2], h;
        for (int j = 0; j < {{ first }}; j++) {
            vec4 weight = texelFetch(SRCNN_W1, ivec2(q, i * {{ first }} + j), 0);
            h = luma[from + j + 3];
            a += weight * e;
            b += weight * f;
            c += weight * g;
            d += weight * h;
            e = f;
            f = g;
            g = h;
        }
    }
    int to = y * WIDE + x;
    quads[to] = max(a, 0.0);
    quads[to + 1] = max(b, 0.0);
    quads[to + 2] = max(c, 0.0);
    quads[to + 3] = max(d, 0.0);
}
{% else %}
// What the pass before has stored, four neighbours.
void fill(int q, ivec2 corner, int y, int x) {
    for (int p = 0; p < 4; p++) {
        ivec2 texel = (corner + ivec2(x + p, y)) * ivec2(4, {{ layer.input_rows }}) + ivec2(q % 4, q / 4);
        quads[y * WIDE + x + p] = texelFetch({{ layer.input }}_raw, texel, 0);
    }
}
{% endif %}

void hook() {
    ivec2 corner = ivec2(gl_WorkGroupID.xy) * ivec2(32, 8), thread = ivec2(gl_LocalInvocationID.xy);
    int local = thread.y * 8 + thread.x;
    vec4 sums[4][{{ layer.quads }}];
    #define START(o) sums[0][o] = texelFetch({{ layer.weights }}, ivec2(o, {{ layer.bias }}), 0); \
        sums[1][o] = sums[2][o] = sums[3][o] = sums[0][o];
    EACH(START)
{% if loop.first %}
    // Edge pixels are repeated beyond the edge.
    ivec2 last = textureSize({{ layer.input }}_raw, 0) - 1;
    for (int i = local; i < (HIGH + {{ first - 1 }}) * (WIDE + {{ first - 1 }}); i += 64) {
        ivec2 at = corner + ivec2(i % (WIDE + {{ first - 1 }}), i / (WIDE + {{ first - 1 }})) - {{ network.margin // 2 }};
        luma[i] = texelFetch({{ layer.input }}_raw, clamp(at, ivec2(0), last), 0).x;
    }
{% endif %}
    for (int q = 0; q < {{ layer.inputs }}; q++) {
        barrier();
        for (int i = local; i < HIGH * WIDE / 4; i += 64)
            fill(q, corner, i / (WIDE / 4), i % (WIDE / 4) * 4);
        barrier();
        for (int tap = 0; tap < {{ layer.size * layer.size }}; tap++) {
            int from = (thread.y + tap / {{ layer.size }}) * WIDE + thread.x * 4 + tap % {{ layer.size }};
            int row = (tap * {{ layer.inputs }} + q) * 4;
            vec4 a = quads[from], b = quads[from + 1], c = quads[from + 2], d = quads[from + 3];
            #define ADD(o) { mat4 m = four({{ layer.weights }}, o, row); \
                sums[0][o] += m * a; sums[1][o] += m * b; sums[2][o] += m * c; sums[3][o] += m * d; }
            EACH(ADD)
        }
    }
    for (int p = 0; p < 4; p++) {
        ivec2 to = (corner + thread * ivec2(4, 1) + ivec2(p, 0)) * ivec2(4, {{ layer.rows }});
        #define RECTIFY(o) sums[p][o] = max(sums[p][o], 0.0);
        EACH(RECTIFY)
{% if loop.last %}
        // The products of the last layer, one for each place of its kernel.
        for (int k = 0; k < {{ layer.texels }}; k++) {
            vec4 products = vec4(0.0);
            #define MULTIPLY(o) products += four(SRCNN_LAST, k, o * 4) * sums[p][o];
            EACH(MULTIPLY)
            imageStore(out_image, to + ivec2(k % 4, k / 4), products);
        }
{% else %}
        #define STORE(o) imageStore(out_image, to + ivec2(o % 4, o / 4), sums[p][o]);
        EACH(STORE)
{% endif %}
    }
}
{% endfor %}
{% set input = layers[-1] %}
{{ pass("sum", ["LUMA", input.output], "", "LUMA.w %d *" % network.scale, "LUMA.h %d *" % network.scale, 1) }}
vec4 hook() {
    ivec2 at = ivec2(floor(LUMA_pos * vec2(textureSize(LUMA_raw, 0)) * {{ network.scale }}.0));
    float y = {{ bias }};
    for (int tap = 0; tap < {{ last * last }}; tap++) {
        ivec2 texel = (at + ivec2(tap % {{ last }}, tap / {{ last }})) * ivec2(4, {{ input.rows }});
        y += texelFetch({{ input.output }}_raw, texel + ivec2(tap / 4 % 4, tap / 16), 0)[tap % 4];
    }
    return vec4(clamp(y, 0.0, 1.0), 0.0, 0.0, 1.0);
}
{% for texture, values in textures.items() %}

//!TEXTURE {{ texture }}
//!SIZE {{ values.shape[1] }} {{ values.shape[0] }}
//!FORMAT rgba32f
//!FILTER NEAREST
{{ values.tobytes().hex() }}
{% endfor %}
