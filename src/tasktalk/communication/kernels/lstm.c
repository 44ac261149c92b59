/* Several LSTMs side by side over whole sentences, forwards and backwards (message-passing paper, Eq. 2).
 *
 * Sentences never wait for each other: a thread takes a few of one cell through all their words. The functions return
 * 0, or 1 if there was no memory.
 */
#include "cell.h"

long vector_width(void) { return LANES; }

typedef struct {
    long count, depth, columns, threads;
    long row, column; /* strides of every matrix */
    const REAL *const *matrices;
    REAL *packed;
} packing;

/* Several matrices of the same size, for ``multiply``. */
int pack(const packing *p)
{
    const long columns = padded(p->columns), panels = (columns + PANEL - 1) / PANEL;
#pragma omp parallel for num_threads(p->threads)
    for (long i = 0; i < p->count * panels; i++) {
        const long n = i / panels, first = i % panels * PANEL;
        pack_panel(p->depth, p->columns - first, panel_width(columns, first), p->matrices[n] + first * p->column, p->row,
                   p->column, p->packed + (n * columns + first) * p->depth);
    }
    return 0;
}

typedef struct {
    long cells, batch, words, hidden, threads;
    long states_cell, states_sentence, states_word; /* strides of states, and of their gradient */
    const REAL *inputs;  /* x_t W_x: cells, words, batch, 4 hidden */
    const REAL *bias;    /* of every cell, padded */
    const REAL *weight;  /* W_h of every cell, packed; backwards its transpose */
    REAL *gates;         /* cells, words, batch, 4 hidden; or NULL if nothing is to be kept */
    REAL *c;             /* cells, words, batch, hidden; or NULL */
    REAL *states;        /* h_t; backwards its gradient */
    REAL *d_inputs;      /* as inputs */
    REAL *d_bias;        /* cells, batch, 4 hidden: of sentences that run at once, in the first of them; the others keep 0 */
} lstm;

static REAL *state_at(const lstm *p, long cell, long sentence, long t)
{
    return p->states + cell * p->states_cell + sentence * p->states_sentence + t * p->states_word;
}

static int lstm_sentences_forwards(const lstm *p, long cell, long first, long rows)
{
    const long hidden = p->hidden, width = padded(4 * hidden);
    REAL *from_state = calloc(rows * (width + 2 * hidden) + 4 * hidden, sizeof(REAL));
    if (!from_state)
        return 1;
    REAL *state = from_state + rows * width, *cells = state + rows * hidden, *unkept = cells + rows * hidden;
    const REAL *weight = p->weight + cell * hidden * width, *bias = p->bias + cell * width;
    for (long t = 0; t < p->words; t++) {
        multiply(rows, t ? hidden : 0, 4 * hidden, state, hidden, weight, bias, from_state);
        for (long r = 0; r < rows; r++) {
            const long at = (cell * p->words + t) * p->batch + first + r;
            REAL *gates = p->gates ? p->gates + at * 4 * hidden : unkept;
            REAL *c = cells + r * hidden, *h = state + r * hidden;
            cell_forwards(hidden, p->inputs + at * 4 * hidden, from_state + r * width, c, gates, c);
            SIMD for (long d = 0; d < hidden; d++)
                h[d] = gates[3 * hidden + d] * hyperbolic(c[d]);
            if (p->c)
                memcpy(p->c + at * hidden, c, hidden * sizeof(REAL));
            memcpy(state_at(p, cell, first + r, t), h, hidden * sizeof(REAL));
        }
    }
    free(from_state);
    return 0;
}

static int lstm_sentences_backwards(const lstm *p, long cell, long first, long rows)
{
    const long hidden = p->hidden, width = padded(hidden);
    REAL *carried = calloc(rows * (width + hidden) + hidden, sizeof(REAL));
    if (!carried)
        return 1;
    REAL *d_cell = carried + rows * width, *zero = d_cell + rows * hidden;
    REAL *d_bias = p->d_bias + (cell * p->batch + first) * 4 * hidden;
    const REAL *back = p->weight + cell * 4 * hidden * width;
    for (long t = p->words - 1; t >= 0; t--) {
        const long start = (cell * p->words + t) * p->batch + first;
        for (long r = 0; r < rows; r++) {
            const long at = start + r;
            const REAL *gates = p->gates + at * 4 * hidden, *c = p->c + at * hidden, *o = gates + 3 * hidden;
            const REAL *grad = state_at(p, cell, first + r, t);
            REAL *dz = p->d_inputs + at * 4 * hidden, *dc = d_cell + r * hidden, *dh = carried + r * width;
            SIMD for (long d = 0; d < hidden; d++) {
                REAL m = hyperbolic(c[d]), arriving = dh[d] + grad[d];
                dz[3 * hidden + d] = arriving * m * o[d] * (1 - o[d]);
                dc[d] += arriving * o[d] * (1 - m * m);
            }
            cell_backwards(hidden, gates, t ? c - p->batch * hidden : zero, dc, dz);
            SIMD for (long d = 0; d < 4 * hidden; d++)
                d_bias[d] += dz[d];
        }
        if (t)
            multiply(rows, 4 * hidden, hidden, p->d_inputs + start * 4 * hidden, 4 * hidden, back, NULL, carried);
    }
    free(carried);
    return 0;
}

static int lstm_run(const lstm *p, int (*sentences)(const lstm *, long, long, long))
{
    const long rows = sentences_at_once(p->cells, p->batch, p->threads), shares = (p->batch + rows - 1) / rows;
    int failed = 0;
#pragma omp parallel for schedule(dynamic) num_threads(p->threads) reduction(| : failed)
    for (long n = 0; n < p->cells * shares; n++) {
        const long first = n % shares * rows, left = p->batch - first;
        failed |= sentences(p, n / shares, first, left < rows ? left : rows);
    }
    return failed;
}

int lstm_forwards(const lstm *p) { return lstm_run(p, lstm_sentences_forwards); }
int lstm_backwards(const lstm *p) { return lstm_run(p, lstm_sentences_backwards); }
