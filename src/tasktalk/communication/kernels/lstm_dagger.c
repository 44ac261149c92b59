/* LSTM-dagger over whole sentences, forwards and backwards (message-passing paper, Eq. 3-6 and 8-11).
 *
 * Sentences never wait for each other: a thread takes a few of one receiver through all their words. The functions
 * return 0, or 1 if there was no memory.
 */
#include "cell.h"

/* tanh(x) is 1 to the last bit of a double from here on, and e^{2a} e^{2b} stays finite in a float. */
#define SATURATED ((REAL)20)

enum { VECTORS = 4 };

INLINE REAL clamped(REAL x) { return x < -SATURATED ? -SATURATED : x > SATURATED ? SATURATED : x; }

typedef struct {
    long receivers, batch, words, sources, hidden, threads;
    long attention, width; /* numbers of a query, and its room: a multiple of LANES, filled up */
    /* Strides of keys and messages; that of a step is 0 if all words have the same sources on offer. */
    long keys_receiver, keys_sentence, keys_step, keys_source;
    long messages_receiver, messages_sentence, messages_step, messages_source;
    long mask_receiver, mask_sentence, mask_step;
    const REAL *inputs;         /* x_t W_x: receivers, batch, words, 4 hidden */
    const REAL *bias;           /* b, then 0 for the query: of every receiver, padded */
    const REAL *queries;        /* part of W^(s) [x_t, h_{t-1}, h^(i)] of x_t: receivers, batch, words, attention */
    const REAL *keys;           /* a, the part of h^(i): attention */
    const REAL *messages;       /* h^(i) */
    const uint8_t *mask;        /* 1 for what may be read */
    const REAL *weight_step;    /* [W_h, W_q] of every receiver, packed; it and the next two are transposed backwards */
    const REAL *weight_message; /* [W_f, W_r] */
    const REAL *weight_cell;    /* W_c */
    const REAL *score;          /* u^(s), filled up with 0 to the width */
    REAL *gates;                /* from here on (receivers, batch, words, ...): 4 hidden */
    REAL *exp_query;            /* e^{2b}, b being the part of x_t and h_{t-1}: width */
    REAL *c;                    /* hidden */
    REAL *mixed;                /* r_t: hidden; backwards its gradient */
    REAL *heard;                /* W_f r_t: hidden */
    REAL *fusion;               /* g_t of Eq. 11: hidden */
    REAL *weights;              /* alpha or beta: sources */
    REAL *states;               /* h_t; backwards its gradient: hidden */
    REAL *d_inputs, *d_queries; /* as inputs and queries */
    REAL *d_read;               /* gradients of W_f r_t and of the pre-activation of g_t: 2 hidden */
    REAL *d_keys;               /* receivers, batch, steps, sources, attention */
    REAL *d_messages;           /* receivers, batch, words, sources, hidden; or NULL */
    REAL *d_score;              /* sum of ds (1 - tanh) / 2: receivers, batch, width */
} dagger;

typedef struct { /* what one word may read */
    const REAL *keys; /* e^{2a}: sources, width */
    const REAL *messages;
    const uint8_t *mask;
} offer;

/* e^{2a} of what one word, or every word, may read. */
static void exponentials(const dagger *p, long receiver, long sentence, long t, REAL *out)
{
    const REAL *key = p->keys + receiver * p->keys_receiver + sentence * p->keys_sentence + t * p->keys_step;
    for (long i = 0; i < p->sources; i++, key += p->keys_source, out += p->width) {
        SIMD for (long j = 0; j < p->attention; j++)
            out[j] = exponential(2 * clamped(key[j]));
        memset(out + p->attention, 0, (p->width - p->attention) * sizeof(REAL));
    }
}

/* Room for the keys of sentence r of a few: one for all of them if keys are used up word by word. */
static REAL *room(const dagger *p, REAL *keys, long r) { return keys + (p->keys_step ? 0 : r * p->sources * p->width); }

/* The sources of a word. ``keys`` keeps those that hold for all words; ``begins`` says that they are not there yet. */
static offer offered(const dagger *p, long receiver, long sentence, long t, int begins, REAL *keys)
{
    if (begins || p->keys_step)
        exponentials(p, receiver, sentence, t, keys);
    return (offer){
        keys,
        p->messages + receiver * p->messages_receiver + sentence * p->messages_sentence + t * p->messages_step,
        p->mask + receiver * p->mask_receiver + sentence * p->mask_sentence + t * p->mask_step,
    };
}

INLINE vector load(const REAL *x) { return *(const vector *)x; }
INLINE void store(REAL *x, vector y) { *(vector *)x = y; }

/* Eq. 5, less the sum of u: with r = 1 / (1 + e^{2a} e^{2b}), tanh(a + b) = 1 - 2 r. */
INLINE REAL score_of(long width, const REAL *key, const REAL *exp_query, const REAL *u)
{
    vector sum = {0};
    for (long j = 0; j < width; j += LANES)
        sum += load(u + j) * reciprocal(1 + load(key + j) * load(exp_query + j));
    return -2 * sum_of(sum);
}

/* Eq. 3 or 8: a few vectors of columns at a time, which stay in registers, then the rest. */
static void mix(const dagger *p, offer from, const REAL *weights, REAL *mixed)
{
    long d = 0;
    for (; d + VECTORS * LANES <= p->hidden; d += VECTORS * LANES) {
        vector sum[VECTORS] = {{0}};
        for (long i = 0; i < p->sources; i++)
            if (from.mask[i])
                for (int v = 0; v < VECTORS; v++)
                    sum[v] += weights[i] * load(from.messages + i * p->messages_source + d + v * LANES);
        for (int v = 0; v < VECTORS; v++)
            store(mixed + d + v * LANES, sum[v]);
    }
    memset(mixed + d, 0, (p->hidden - d) * sizeof(REAL));
    for (long i = 0; i < p->sources; i++)
        if (from.mask[i])
            SIMD for (long e = d; e < p->hidden; e++)
                mixed[e] += weights[i] * from.messages[i * p->messages_source + e];
}

/* Eq. 5, 6 and 3 or 8: weights of the sources, and what they bring; nothing where nothing may be read. */
static void attend(const dagger *p, offer from, const REAL *exp_query, REAL *weights, REAL *mixed)
{
    REAL highest = -INFINITY, total = 0;
    for (long i = 0; i < p->sources; i++) {
        weights[i] = 0;
        if (from.mask[i]) {
            weights[i] = score_of(p->width, from.keys + i * p->width, exp_query, p->score);
            highest = weights[i] > highest ? weights[i] : highest;
        }
    }
    highest = highest > -INFINITY ? highest : 0;
    SIMD_SUM(total) for (long i = 0; i < p->sources; i++)
        total += weights[i] = from.mask[i] * exponential(weights[i] - highest);
    const REAL scale = total > 0 ? 1 / total : total;
    SIMD for (long i = 0; i < p->sources; i++)
        weights[i] *= scale;
    mix(p, from, weights, mixed);
}

static int dagger_sentences_forwards(const dagger *p, long receiver, long first, long rows)
{
    const long hidden = p->hidden, attention = p->attention;
    const long width = padded(4 * hidden + attention), read_width = padded(2 * hidden), cell_width = padded(hidden);
    const long each = width + read_width + cell_width + 3 * hidden + p->sources * p->width;
    REAL *from_state = calloc(rows * each + hidden, sizeof(REAL));
    if (!from_state)
        return 1;
    REAL *read = from_state + rows * width, *from_cell = read + rows * read_width;
    REAL *state = from_cell + rows * cell_width, *mixed = state + rows * hidden, *cells = mixed + rows * hidden;
    REAL *keys = cells + rows * hidden, *zero = keys + rows * p->sources * p->width;
    const REAL *weight = p->weight_step + receiver * hidden * width, *bias = p->bias + receiver * width;
    for (long t = 0; t < p->words; t++) {
        const long start = (receiver * p->batch + first) * p->words + t;
        multiply(rows, t ? hidden : 0, 4 * hidden + attention, state, hidden, weight, bias, from_state);
        for (long r = 0; r < rows; r++) {
            const long at = start + r * p->words;
            const REAL *query = p->queries + at * attention, *from = from_state + r * width;
            REAL *c = p->c + at * hidden, *exp_query = p->exp_query + at * p->width;
            cell_forwards(hidden, p->inputs + at * 4 * hidden, from, t ? c - hidden : zero,
                          p->gates + at * 4 * hidden, c);
            memcpy(cells + r * hidden, c, hidden * sizeof(REAL));
            SIMD for (long j = 0; j < attention; j++)
                exp_query[j] = exponential(2 * clamped(query[j] + from[4 * hidden + j]));
            memset(exp_query + attention, 0, (p->width - attention) * sizeof(REAL));
            const offer from_others = offered(p, receiver, first + r, t, t == 0, room(p, keys, r));
            attend(p, from_others, exp_query, p->weights + at * p->sources, mixed + r * hidden);
            memcpy(p->mixed + at * hidden, mixed + r * hidden, hidden * sizeof(REAL));
        }
        multiply(rows, hidden, 2 * hidden, mixed, hidden, p->weight_message, NULL, read);
        multiply(rows, hidden, hidden, cells, hidden, p->weight_cell, NULL, from_cell);
        for (long r = 0; r < rows; r++) {
            const long at = start + r * p->words;
            const REAL *o = p->gates + at * 4 * hidden + 3 * hidden, *c = p->c + at * hidden;
            const REAL *heard = read + r * read_width, *to_gate = heard + hidden, *from = from_cell + r * cell_width;
            REAL *fusion = p->fusion + at * hidden, *h = state + r * hidden;
            SIMD for (long d = 0; d < hidden; d++) {
                fusion[d] = sigmoid(to_gate[d] + from[d]);               /* Eq. 11 */
                h[d] = o[d] * hyperbolic(c[d] + fusion[d] * heard[d]);   /* Eq. 10 */
            }
            memcpy(p->heard + at * hidden, heard, hidden * sizeof(REAL));
            memcpy(p->states + at * hidden, h, hidden * sizeof(REAL));
        }
    }
    free(from_state);
    return 0;
}

/* Back through Eq. 10 and 11; dc gains the part that comes straight from h_t. */
static void fusion_backwards(const dagger *p, long at, const REAL *dh, REAL *dc, REAL *d_output)
{
    const long hidden = p->hidden;
    const REAL *o = p->gates + at * 4 * hidden + 3 * hidden, *c = p->c + at * hidden, *grad = p->states + at * hidden;
    const REAL *fusion = p->fusion + at * hidden, *heard = p->heard + at * hidden;
    REAL *d_heard = p->d_read + at * 2 * hidden, *d_gate = d_heard + hidden;
    SIMD for (long d = 0; d < hidden; d++) {
        REAL g = fusion[d], m = hyperbolic(c[d] + g * heard[d]), arriving = dh[d] + grad[d];
        REAL dm = arriving * o[d] * (1 - m * m);
        d_output[d] = arriving * m * o[d] * (1 - o[d]);
        d_heard[d] = dm * g;
        d_gate[d] = dm * heard[d] * g * (1 - g);
        dc[d] += dm;
    }
}

/* Back through Eq. 3 or 8, 6 and 5, from the gradient of r_t; ``ds`` is memory for the sources. */
static void attend_backwards(const dagger *p, offer from, long row, long t, const REAL *d_mixed, REAL *ds, REAL *d_query,
                             REAL *d_keys)
{
    const long width = p->width, hidden = p->hidden, at = row * p->words + t;
    const REAL *weights = p->weights + at * p->sources, *exp_query = p->exp_query + at * width;
    REAL *d_score = p->d_score + row * width;
    REAL mean = 0;
    for (long i = 0; i < p->sources; i++) {
        ds[i] = 0;
        if (from.mask[i]) {
            const REAL *message = from.messages + i * p->messages_source;
            REAL sum = 0;
            SIMD_SUM(sum) for (long d = 0; d < hidden; d++)
                sum += message[d] * d_mixed[d];
            ds[i] = sum;
            mean += weights[i] * sum;
        }
        if (p->d_messages) {
            REAL *d_message = p->d_messages + (at * p->sources + i) * hidden, w = weights[i];
            SIMD for (long d = 0; d < hidden; d++)
                d_message[d] = w * d_mixed[d];
        }
    }
    SIMD for (long i = 0; i < p->sources; i++)
        ds[i] = weights[i] * (ds[i] - mean);
    for (long j = 0; j < width; j += LANES) {
        const vector query = load(exp_query + j);
        vector to_query = {0}, to_score = load(d_score + j);
        for (long i = 0; i < p->sources; i++)
            if (from.mask[i]) {
                vector r = reciprocal(1 + load(from.keys + i * width + j) * query);
                vector sr = ds[i] * r, slope = sr - sr * r;
                REAL *d_key = d_keys + i * width + j;
                to_query += slope;
                to_score += sr;
                store(d_key, load(d_key) + slope);
            }
        store(d_query + j, 4 * load(p->score + j) * to_query);
        store(d_score + j, to_score);
    }
}

/* Hand over what has been gathered for the keys of a word or of all words. */
static void write_key_gradient(const dagger *p, long at, REAL *gathered)
{
    REAL *out = p->d_keys + at * p->sources * p->attention;
    for (long i = 0; i < p->sources; i++, out += p->attention) {
        const REAL *from = gathered + i * p->width;
        SIMD for (long j = 0; j < p->attention; j++)
            out[j] = 4 * p->score[j] * from[j];
    }
    memset(gathered, 0, p->sources * p->width * sizeof(REAL));
}

static int dagger_sentences_backwards(const dagger *p, long receiver, long first, long rows)
{
    const long hidden = p->hidden, attention = p->attention;
    const long width = 4 * hidden + attention, state_width = padded(hidden);
    const long each = width + 3 * state_width + hidden + 2 * p->sources * p->width;
    REAL *dz = calloc(rows * each + hidden + p->sources + p->width, sizeof(REAL));
    if (!dz)
        return 1;
    REAL *carried = dz + rows * width, *d_mixed = carried + rows * state_width, *to_cell = d_mixed + rows * state_width;
    REAL *d_cell = to_cell + rows * state_width, *zero = d_cell + rows * hidden, *ds = zero + hidden;
    REAL *d_query = ds + p->sources, *keys = d_query + p->width, *d_keys = keys + rows * p->sources * p->width;
    const REAL *back = p->weight_step + receiver * width * state_width;
    for (long t = p->words - 1; t >= 0; t--) {
        const long start = (receiver * p->batch + first) * p->words + t, sentence = p->words * 2 * hidden;
        for (long r = 0; r < rows; r++)
            fusion_backwards(p, start + r * p->words, carried + r * state_width, d_cell + r * hidden,
                             dz + r * width + 3 * hidden);
        const REAL *d_read = p->d_read + start * 2 * hidden;
        multiply(rows, hidden, hidden, d_read + hidden, sentence, p->weight_cell, NULL, to_cell);
        multiply(rows, 2 * hidden, hidden, d_read, sentence, p->weight_message, NULL, d_mixed);
        for (long r = 0; r < rows; r++) {
            const long at = start + r * p->words;
            REAL *d_row = dz + r * width, *dc = d_cell + r * hidden;
            const REAL *more = to_cell + r * state_width;
            const long row = receiver * p->batch + first + r;
            const offer from = offered(p, receiver, first + r, t, t == p->words - 1, room(p, keys, r));
            attend_backwards(p, from, row, t, d_mixed + r * state_width, ds, d_query, room(p, d_keys, r));
            if (p->keys_step || t == 0)
                write_key_gradient(p, p->keys_step ? at : row, room(p, d_keys, r));
            memcpy(d_row + 4 * hidden, d_query, attention * sizeof(REAL));
            SIMD for (long d = 0; d < hidden; d++)
                dc[d] += more[d];
            cell_backwards(hidden, p->gates + at * 4 * hidden, t ? p->c + (at - 1) * hidden : zero, dc, d_row);
            memcpy(p->mixed + at * hidden, d_mixed + r * state_width, hidden * sizeof(REAL));
            memcpy(p->d_inputs + at * 4 * hidden, d_row, 4 * hidden * sizeof(REAL));
            memcpy(p->d_queries + at * attention, d_query, attention * sizeof(REAL));
        }
        if (t)
            multiply(rows, width, hidden, dz, width, back, NULL, carried);
    }
    free(dz);
    return 0;
}

static int dagger_run(const dagger *p, int (*sentences)(const dagger *, long, long, long))
{
    const long rows = sentences_at_once(p->receivers, p->batch, p->threads), shares = (p->batch + rows - 1) / rows;
    int failed = 0;
#pragma omp parallel for schedule(dynamic) num_threads(p->threads) reduction(| : failed)
    for (long n = 0; n < p->receivers * shares; n++) {
        const long first = n % shares * rows, left = p->batch - first;
        failed |= sentences(p, n / shares, first, left < rows ? left : rows);
    }
    return failed;
}

int dagger_forwards(const dagger *p) { return dagger_run(p, dagger_sentences_forwards); }
int dagger_backwards(const dagger *p) { return dagger_run(p, dagger_sentences_backwards); }
