/* What both recurrences are made of: products with packed weights, and the cell of an LSTM.
 *
 * REAL is float or double; build.py compiles the recurrences once with each. Right factors of products are packed in
 * panels by the caller (compiled.py), so that every word reads them from the cache in one stream. Gates stand in the
 * order input, forget, candidate, output.
 */
#ifndef TASKTALK_CELL_H
#define TASKTALK_CELL_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#ifndef __clang__
#pragma GCC target("prefer-vector-width=512") /* of itself it takes halves of vectors, which is slower here */
#endif
enum { VECTOR = 64, ROWS = 8 };
#elif defined(__AVX__)
enum { VECTOR = 32, ROWS = 4 };
#else
enum { VECTOR = 16, ROWS = 4 };
#endif
enum { LANES = VECTOR / sizeof(REAL), PANEL = 2 * LANES, AHEAD = 16 * PANEL };
typedef REAL vector __attribute__((vector_size(VECTOR), aligned(sizeof(REAL)), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define SIMD _Pragma("omp simd")
#define SIMD_SUM(x) SIMD_SUM_(omp simd reduction(+ : x))
#define SIMD_SUM_(x) _Pragma(#x)

static inline long padded(long columns) { return (columns + LANES - 1) / LANES * LANES; }

INLINE REAL exponential(REAL x)
{
    if (sizeof(REAL) == 8)
        return (REAL)exp((double)x);
    /* e^x = 2^n e^r with |r| <= ln(2) / 2, and a polynomial for e^r. */
    float y = (float)x;
    y = y < -87.0f ? -87.0f : y;
    y = y > 88.0f ? 88.0f : y;
    float n = rintf(y * 1.44269504f);
    float r = y - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

/* 1 / x to the last bit or two, for 0 < x < 2^126. */
INLINE vector reciprocal(vector x)
{
#ifdef __AVX512F__
    if (sizeof(REAL) == 4) {
        vector y = (vector)_mm512_rcp14_ps((__m512)x);
        return y * (2 - x * y); /* one step of Newton's method */
    }
#endif
    return 1 / x;
}

INLINE REAL sum_of(vector x)
{
#ifdef __AVX512F__
    if (sizeof(REAL) == 4)
        return _mm512_reduce_add_ps((__m512)x);
#endif
    REAL sum = 0;
    for (int i = 0; i < LANES; i++)
        sum += x[i];
    return sum;
}

INLINE REAL sigmoid(REAL x) { return 1 / (1 + exponential(-x)); }
INLINE REAL hyperbolic(REAL x) { return 1 - 2 / (1 + exponential(2 * x)); }

/* Matrices are packed in panels of two vectors of columns, the last one of one vector if more would be empty. */
static inline long panel_width(long padded_columns, long first)
{
    return padded_columns - first < PANEL ? LANES : PANEL;
}

/* One panel of a matrix that begins at its first column; filled up with 0. Strides are in numbers. */
static inline void pack_panel(long depth, long columns, long width, const REAL *a, long row, long column, REAL *out)
{
    for (long k = 0; k < depth; k++, out += width)
        for (long j = 0; j < width; j++)
            out[j] = j < columns ? a[k * row + j * column] : 0;
}

/* Rows of one panel: out = start + a b, b of depth rows and one or two vectors of columns. */
INLINE void panel(int rows, int vectors, long depth, const REAL *a, long a_row, const REAL *b, const REAL *start,
                  REAL *out, long out_row)
{
    vector sum[ROWS][2];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            sum[r][v] = start ? *(const vector *)(start + v * LANES) : (vector){0};
    for (long k = 0; k < depth; k++, b += vectors * LANES) {
        vector x[2];
        for (int v = 0; v < vectors; v++) {
            __builtin_prefetch(b + AHEAD + v * LANES);
            x[v] = *(const vector *)(b + v * LANES);
        }
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vectors; v++)
                sum[r][v] += a[r * a_row + k] * x[v];
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            *(vector *)(out + r * out_row + v * LANES) = sum[r][v];
}

/* out = start + a b for at most ROWS rows; start, a row or NULL, and out have padded(columns) columns. */
static inline void multiply(long rows, long depth, long columns, const REAL *a, long a_row, const REAL *b,
                            const REAL *start, REAL *out)
{
    const long out_row = padded(columns);
    for (long p = 0; p < out_row; p += PANEL) {
        const REAL *panel_b = b + p * depth, *panel_start = start ? start + p : NULL;
        switch (rows * 2 + (panel_width(out_row, p) == PANEL)) {
#define CASE(n) \
    case 2 * n: panel(n, 1, depth, a, a_row, panel_b, panel_start, out + p, out_row); break; \
    case 2 * n + 1: panel(n, 2, depth, a, a_row, panel_b, panel_start, out + p, out_row); break;
            CASE(1) CASE(2) CASE(3) CASE(4)
#ifdef __AVX512F__
            CASE(5) CASE(6) CASE(7) CASE(8)
#endif
#undef CASE
        }
    }
}

/* How many sentences a thread takes at once: as many as a product likes, fewer if threads would be idle. */
static inline long sentences_at_once(long cells, long batch, long threads)
{
    long shares = (threads + cells - 1) / cells, rows = (batch + shares - 1) / shares;
    return rows < 1 ? 1 : rows < ROWS ? rows : ROWS;
}

/* Eq. 2 but for the state: gates and c_t from the two parts of their pre-activations. */
static inline void cell_forwards(long hidden, const REAL *x, const REAL *from_state, const REAL *c_before, REAL *gates,
                                 REAL *c)
{
    SIMD for (long d = 0; d < hidden; d++) {
        REAL i = sigmoid(x[d] + from_state[d]);
        REAL f = sigmoid(x[hidden + d] + from_state[hidden + d]);
        REAL g = hyperbolic(x[2 * hidden + d] + from_state[2 * hidden + d]);
        gates[d] = i;
        gates[hidden + d] = f;
        gates[2 * hidden + d] = g;
        gates[3 * hidden + d] = sigmoid(x[3 * hidden + d] + from_state[3 * hidden + d]);
        c[d] = f * c_before[d] + i * g;
    }
}

/* From dc_t the gradients of the first three pre-activations; dc becomes dc_{t-1}. */
static inline void cell_backwards(long hidden, const REAL *gates, const REAL *c_before, REAL *dc, REAL *dz)
{
    SIMD for (long d = 0; d < hidden; d++) {
        REAL i = gates[d], f = gates[hidden + d], g = gates[2 * hidden + d];
        dz[d] = dc[d] * g * i * (1 - i);
        dz[hidden + d] = dc[d] * c_before[d] * f * (1 - f);
        dz[2 * hidden + d] = dc[d] * i * (1 - g * g);
        dc[d] *= f;
    }
}

#endif
