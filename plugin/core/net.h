/* A net with one hidden layer over sparse rows: both layers and softmax.
 *
 * The caller has held the shapes against each other. Each row is computed by the same operations in the
 * same order wherever it stands and whatever the machine (no fused multiply), so its result never depends
 * on its neighbours.
 */
#ifndef HALIA_NET_H
#define HALIA_NET_H
#include <float.h>

#include "rows.h"

typedef struct {
    const float *w0, *b0, *w1, *b1; /* (columns, hidden), (hidden), (hidden, classes), (classes) */
    const float *scale;             /* (columns) what the values are multiplied with, or NULL */
    u64 hidden, classes;
} net;

#define LANES 4u
#define TOGETHER 4u /* rows that share a pass over the second layer */

/* Four floats in one register, at any address of a float. GCC leaves arrays of them in memory at -O2:
 * sums that shall stay in registers have names of their own. */
typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef u32 lanes_u32 __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* `yes` where the comparison holds, else `no`. */
static ALWAYS_INLINE lanes choose(lanes_u32 where, lanes yes, lanes no) {
    return (lanes)((where & (lanes_u32)yes) | (~where & (lanes_u32)no));
}

#define EIGHT(step) step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7)

static ALWAYS_INLINE u64 padded(u64 n) { return (n + LANES - 1) / LANES * LANES; }
static ALWAYS_INLINE lanes get(const float *p) { return *(const lanes *)p; }
static ALWAYS_INLINE lanes relu(lanes x) { return choose((lanes_u32)(x < 0), (lanes){0}, x); }

/* Bytes of scratch memory that net_rows needs. */
static u64 net_scratch(const sparse *x, const net *m) {
    u64 wide = padded(m->classes);
    return 4 * (2 * x->n_columns + TOGETHER * padded(m->hidden) + (m->hidden + 1 + TOGETHER) * wide);
}

/* A row's hidden layer: bias, weights of its columns, relu. */
static ALWAYS_INLINE void hidden_layer(const net *m, const u32 *columns, const float *values, u64 n, float *out) {
    u64 hidden = m->hidden, at = 0;
    for (; at + 8 * LANES <= hidden; at += 8 * LANES) {
#define BEGIN(k) lanes s##k = get(m->b0 + at + LANES * k);
#define ADD(k) s##k += values[i] * get(w + LANES * k);
#define END(k) *(lanes *)(out + at + LANES * k) = relu(s##k);
        EIGHT(BEGIN)
        for (u64 i = 0; i < n; i++) {
            const float *w = m->w0 + columns[i] * hidden + at;
            EIGHT(ADD)
        }
        EIGHT(END)
#undef BEGIN
#undef ADD
#undef END
    }
    for (; at + LANES <= hidden; at += LANES) {
        lanes sum = get(m->b0 + at);
        for (u64 i = 0; i < n; i++) sum += values[i] * get(m->w0 + columns[i] * hidden + at);
        *(lanes *)(out + at) = relu(sum);
    }
    for (; at < hidden; at++) {
        float sum = m->b0[at];
        for (u64 i = 0; i < n; i++) sum += values[i] * m->w0[columns[i] * hidden + at];
        out[at] = sum < 0 ? 0 : sum;
    }
}

/* Second layer of TOGETHER rows: bias and weights are padded to `wide` classes. */
static ALWAYS_INLINE void second_layer(u64 hidden, u64 wide, const float *units, const float *w1, const float *b1,
                                       float *out) {
    const float *u0 = units, *u1 = u0 + padded(hidden), *u2 = u1 + padded(hidden), *u3 = u2 + padded(hidden);
    for (u64 at = 0; at < wide; at += LANES) {
        lanes b = get(b1 + at);
        lanes s0 = b, s1 = b, s2 = b, s3 = b;
        for (u64 h = 0; h < hidden; h++) {
            lanes w = get(w1 + h * wide + at);
            s0 += u0[h] * w;
            s1 += u1[h] * w;
            s2 += u2[h] * w;
            s3 += u3[h] * w;
        }
        *(lanes *)(out + at) = s0;
        *(lanes *)(out + wide + at) = s1;
        *(lanes *)(out + 2 * wide + at) = s2;
        *(lanes *)(out + 3 * wide + at) = s3;
    }
}

/* exp(x) of four numbers from -87 to 0, smaller ones taken as -87: 2^n * e^r with |r| <= ln(2) / 2 and
 * the polynomial of Cephes' expf (S. L. Moshier, netlib.org/cephes); relative error about 1e-7. */
static ALWAYS_INLINE lanes exp_lanes(lanes x) {
    const float magic = 12582912.0f; /* 1.5 * 2^23: what is added to it is rounded to a whole number */
    lanes least = (lanes){0} - 87.0f, t, n, y;
    lanes_u32 bits;
    x = choose((lanes_u32)(x < least), least, x); /* what is not a number stays so */
    t = x * 1.44269504088896341f + magic;
    n = t - magic;
    x = x - n * 0.693359375f + n * 2.12194440e-4f;
    y = x * 1.9875691500e-4f + 1.3981999507e-3f;
    y = y * x + 8.3334519073e-3f;
    y = y * x + 4.1665795894e-2f;
    y = y * x + 1.6666665459e-1f;
    y = y * x + 5.0000001201e-1f;
    y = y * x * x + x + 1.0f;
    bits = ((lanes_u32)t << 23) + (lanes_u32)y; /* the low bits of t are n, of y's the exponent */
    return (lanes)bits;
}

static ALWAYS_INLINE void softmax(float *logits, u64 classes, u64 wide, double *out) {
    float most = -FLT_MAX;
    double sum = 0;
    for (u64 c = 0; c < classes; c++) most = logits[c] > most ? logits[c] : most;
    for (u64 c = 0; c < wide; c++) logits[c] -= most;
    for (u64 c = 0; c < wide; c += LANES) *(lanes *)(logits + c) = exp_lanes(get(logits + c));
    for (u64 c = 0; c < classes; c++) sum += logits[c];
    sum = 1 / sum;
    for (u64 c = 0; c < classes; c++) out[c] = logits[c] * sum;
}

/* Probabilities of all rows, (n, classes). Returns what is wrong, or NULL. */
static const char *net_rows(const sparse *x, const net *m, void *scratch, double *out) {
    u64 wide = padded(m->classes), stride = padded(m->hidden), n;
    u32 *columns = scratch;
    float *values = (float *)(columns + x->n_columns), *units = values + x->n_columns;
    float *w1 = units + TOGETHER * stride, *b1 = w1 + m->hidden * wide, *logits = b1 + wide;
    memset(units, 0, 4 * (TOGETHER * stride + (m->hidden + 1) * wide));
    for (u64 h = 0; h < m->hidden; h++) memcpy(w1 + h * wide, m->w1 + h * m->classes, 4 * m->classes);
    memcpy(b1, m->b1, 4 * m->classes);
    for (u64 row = 0; row < x->n; row += TOGETHER) {
        u64 count = x->n - row < TOGETHER ? x->n - row : TOGETHER;
        for (u64 r = 0; r < count; r++) {
            if (!take_row(x, m->scale, row + r, columns, values, &n)) return BAD_ROW;
            hidden_layer(m, columns, values, n, units + r * stride);
        }
        second_layer(m->hidden, wide, units, w1, b1, logits);
        for (u64 r = 0; r < count; r++) softmax(logits + r * wide, m->classes, wide, out + (row + r) * m->classes);
    }
    return NULL;
}
#endif
