/* Stochastic outlier selection (Janssens, Huszar, Postma, van den Herik, TiCC TR 2012-001), one row at a time.
 *
 * Row i binds to row j with probability b_ij = a_ij / sum_k a_ik, a_ij = exp(-beta_i d_ij), a_ii = 0, where
 * beta_i is such that the entropy of row i's bindings is the logarithm of the perplexity. The outlier
 * probability of j is the product over all i of 1 - b_ij. No n x n array: a row's distances are forgotten
 * when its bindings have been multiplied into the products. _reference_sos.py tells what comes out.
 */
#ifndef HALIA_SOS_H
#define HALIA_SOS_H
#include <math.h>

#include "net.h"

/* Two doubles in one register, at any address of a double: every target has them. */
typedef double pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef u64 pair_u64 __attribute__((vector_size(16), aligned(8), may_alias));

#define GROUP 8u /* rows whose numbers stand together, column by column: four registers */

typedef struct {
    u64 n, columns, wide; /* wide = n, rounded up to whole groups */
    double perplexity, tolerance, wanted; /* wanted = log(perplexity) */
    double cut;         /* beta d from which all n affinities together are below the rounding of their sum */
    int squared;        /* d = squared Euclidean distance, else Euclidean */
    double *x, *mine;   /* (wide / GROUP, columns, GROUP) all rows; (columns, 2) one row, each number twice */
    double *d;          /* (wide) a row's dissimilarities, less the least of them; infinite = not to be bound to */
    double *near, *weight; /* (wide) those that count at the beta in question, and their affinities */
    float *rough;       /* (wide) d in units of its mean */
    u32 *who;           /* (wide) whose `near` are */
} sos;

typedef struct {
    double least, second, sum; /* of d: the least, the least that is greater, sum of what is above the least */
    u64 finite, ties;          /* how many are finite; how many equal the least */
} survey;

typedef struct {
    double total, mean, square, cube; /* sum of the affinities, moments of beta d under the bindings */
} moments;

/* Bindings: weight[k] (1 - less d + (less d)^2 / 2) / total, for the first `kept`. */
typedef struct {
    double beta, total, less;
    u64 kept;
} bound;

#define STEPS 160
#define FREE_STEPS 40 /* then halving only */
#define ROUGH_STEPS 6
#define ROUGH 1e-2  /* so near, one more step leaves what single precision cannot tell */
#define LAST 1e-3   /* log(beta) may change so much without new exponentials */
#define EXPONENT_MAX 700.0
#define ALIKE 1e-12 /* of the least d: so much more is no more than rounding */
#define FLAT 1e-10  /* beta times the sum of all d: so small a beta binds to all alike */

static ALWAYS_INLINE pair two(double v) { return (pair){v, v}; }
static ALWAYS_INLINE pair pair_at(const double *p) { return *(const pair *)p; }
static ALWAYS_INLINE pair pick(pair_u64 where, pair yes, pair no) {
    return (pair)((where & (pair_u64)yes) | (~where & (pair_u64)no));
}
static ALWAYS_INLINE pair lesser(pair a, pair b) { return pick((pair_u64)(a < b), a, b); }

/* Bytes of scratch memory that sos_rows needs. */
static u64 sos_scratch(u64 n, u64 columns) {
    u64 wide = (n + GROUP - 1) / GROUP * GROUP;
    return 8 * (wide * (columns + 3) + 2 * columns) + 8 * wide;
}

/* exp(x) for x from -700 to 0: 2^n times Cephes' rational function (S. L. Moshier, netlib.org/cephes, exp.c)
 * of the rest, which is at most ln(2) / 2; relative error about 2e-16. */
static ALWAYS_INLINE pair exp_pair(pair x) {
    const double magic = 6755399441055744.0; /* 1.5 * 2^52: what is added to it is rounded to a whole number */
    pair t = x * 1.4426950408889634073599 + magic, n = t - magic, xx, px, qx, y;
    x = x - n * 6.93145751953125e-1 - n * 1.42860682030941723212e-6;
    xx = x * x;
    px = x * ((1.26177193074810590878e-4 * xx + 3.02994407707441961300e-2) * xx + 9.99999999999999999910e-1);
    qx = ((3.00198505138664455042e-6 * xx + 2.52448340349684104192e-3) * xx + 2.27265548208155028766e-1) * xx + 2.0;
    y = 1.0 + 2.0 * (px / (qx - px));
    return (pair)(((pair_u64)t << 52) + (pair_u64)y); /* the low bits of t are n, of y's the exponent */
}

/* A row's distances to all, squared or not; infinite to itself, and where it is no number. The least. */
static double distances(const sos *s, u64 row) {
    const double none = INFINITY, *own = s->x + row / GROUP * GROUP * s->columns + row % GROUP;
    pair least = two(none);
    for (u64 c = 0; c < s->columns; c++) s->mine[2 * c] = s->mine[2 * c + 1] = own[GROUP * c];
    for (u64 j = 0; j < s->wide; j += GROUP) {
        const double *x = s->x + j * s->columns;
        double *d = s->d + j;
        pair a = two(0), b = a, c = a, e = a, t;
        for (u64 k = 0; k < s->columns; k++, x += GROUP) {
            pair mine = pair_at(s->mine + 2 * k);
            t = pair_at(x) - mine, a += t * t;
            t = pair_at(x + 2) - mine, b += t * t;
            t = pair_at(x + 4) - mine, c += t * t;
            t = pair_at(x + 6) - mine, e += t * t;
        }
        *(pair *)d = a;
        *(pair *)(d + 2) = b;
        *(pair *)(d + 4) = c;
        *(pair *)(d + 6) = e;
        if (!s->squared)
            for (u64 k = 0; k < GROUP; k++) d[k] = sqrt(d[k]);
        if (j == row / GROUP * GROUP) s->d[row] = none;
        if (j + GROUP > s->n)
            for (u64 k = s->n - j; k < GROUP; k++) d[k] = none;
        for (u64 k = 0; k < GROUP; k += 2) {
            t = pair_at(d + k);
            t = pick((pair_u64)(t <= two(DBL_MAX)), t, two(none));
            *(pair *)(d + k) = t;
            least = lesser(t, least);
        }
    }
    return least[0] < least[1] ? least[0] : least[1];
}

/* The row's dissimilarities, and what the search for its beta starts from. */
static survey measure(const sos *s, u64 row) {
    const double none = INFINITY;
    survey f = {distances(s, row), none, 0, 0, 0};
    pair least = two(f.least), slack = two(f.least * ALIKE), second = two(none), sum = two(0);
    pair_u64 finite = {0, 0}, ties = {0, 0};
    if (f.least == none) return (survey){0, none, 0, 0, 0};
    for (u64 j = 0; j < s->wide; j += 2) {
        pair d = pair_at(s->d + j) - least;
        pair_u64 above = (pair_u64)(d > slack), here = (pair_u64)(d <= two(DBL_MAX));
        d = pick(above, d, two(0));
        *(pair *)(s->d + j) = d;
        sum += pick(here, d, two(0));
        finite -= here; /* a comparison that holds is -1 */
        ties -= ~above;
        second = lesser(pick(above, d, two(none)), second);
    }
    f.second = second[0] < second[1] ? second[0] : second[1];
    f.sum = sum[0] + sum[1];
    f.finite = finite[0] + finite[1];
    f.ties = ties[0] + ties[1];
    return f;
}

/* The finite dissimilarities up to `most`, gathered. */
static u64 gather(const sos *s, double most) {
    u64 kept = 0;
    if (!(most <= DBL_MAX)) most = DBL_MAX;
    for (u64 j = 0; j < s->wide; j++) {
        s->near[kept] = s->d[j];
        s->who[kept] = (u32)j;
        kept += s->d[j] <= most;
    }
    return kept;
}

/* Sums to moments. */
static moments divided(double total, double first, double second, double third) {
    return (moments){total, first / total, second / total, third / total};
}

/* How far the entropy is above the one wanted. */
static double excess(const sos *s, const moments *m) { return log(m->total) + m->mean - s->wanted; }

/* Halley's step for log(beta). The entropy falls with it by the variance of beta d; what that variance falls
 * by is the third central moment, less twice itself. */
static double halley(const moments *m, double over) {
    double slope = m->square - m->mean * m->mean;
    double third = m->cube - m->mean * (3 * m->square - 2 * m->mean * m->mean);
    double bend = third - 2 * slope;
    double twice = 2 * slope * slope - over * bend;
    return twice > slope * slope ? 2 * over * slope / twice : over / slope;
}

/* Affinities and moments in double precision, of those gathered. */
static moments weigh(const sos *s, double beta, u64 kept) {
    pair all = two(0), first = two(0), second = two(0), third = two(0);
    if (kept & 1) s->near[kept] = INFINITY;
    for (u64 k = 0; k < kept; k += 2) {
        pair x = pair_at(s->near + k) * beta, a;
        pair_u64 some = (pair_u64)(x < two(EXPONENT_MAX));
        x = pick(some, x, two(0));
        a = pick(some, exp_pair(-x), two(0));
        *(pair *)(s->weight + k) = a;
        all += a;
        first += a *= x;
        second += a *= x;
        third += a *= x;
    }
    return divided(all[0] + all[1], first[0] + first[1], second[0] + second[1], third[0] + third[1]);
}

/* A value of log(beta) near the one wanted, by single precision, from a first one. No promise: search() proves. */
static double guess(const sos *s, const survey *f, double start) {
    double mean = f->sum / (double)f->finite, unit = 1 / mean, scale = log(mean), at = start + scale;
    if (!(f->second > mean * 1e-30 && fabs(scale) < EXPONENT_MAX)) return start;
    for (u64 j = 0; j < s->wide; j++) {
        double d = s->d[j] * unit;
        s->rough[j] = (float)(d < 1e4 ? d : 1e4);
    }
    for (int step = 0; step < ROUGH_STEPS; step++) {
        float beta = (float)exp(at);
        double over, by;
        lanes all = {0}, first = {0}, second = {0}, third = {0};
        moments m;
        for (u64 j = 0; j < s->wide; j += LANES) {
            lanes x = get(s->rough + j) * beta, a = exp_lanes(-x);
            all += a;
            first += a *= x;
            second += a *= x;
            third += a *= x;
        }
        m = divided((double)all[0] + all[1] + all[2] + all[3], first[0] + first[1] + first[2] + first[3],
                    second[0] + second[1] + second[2] + second[3], third[0] + third[1] + third[2] + third[3]);
        over = excess(s, &m);
        by = halley(&m, over);
        if (!(fabs(by) < 3)) by = over > 0 ? 3 : -3;
        at += by;
        if (fabs(over) < ROUGH) break;
    }
    return at - scale;
}

/* All within `most` alike: what the bindings come to where no beta gives the perplexity. */
static bound alike(const sos *s, double most, double beta) {
    bound b = {beta, 0, 0, gather(s, most)};
    for (u64 k = 0; k < b.kept; k++) s->weight[k] = 1;
    b.total = (double)b.kept;
    return b;
}

/* The beta whose bindings have the entropy asked for, from a first log(beta): Halley's steps for log(beta), and halves of the bracket
 * where a step leaves it. The last step is taken by the series of the exponential: its error is the cube of
 * what the entropy was above. */
static bound search(const sos *s, const survey *f, double start) {
    double low = log(FLAT / (f->sum < DBL_MAX ? f->sum : DBL_MAX)), high = log(s->cut / f->second);
    double complete = INFINITY; /* from this beta on nothing is missing among those gathered */
    double at = guess(s, f, start);
    bound b = {0, 0, 0, 0};
    if (low < -EXPONENT_MAX) low = -EXPONENT_MAX;
    if (high > EXPONENT_MAX) high = EXPONENT_MAX;
    if (!(at > low && at < high)) at = (low + high) / 2;
    for (int step = 0; step < STEPS; step++) {
        double over, by;
        moments m;
        b.beta = exp(at);
        if (b.beta < complete || exp(low) > 2 * complete) {
            complete = b.beta < complete ? b.beta : exp(low);
            b.kept = gather(s, s->cut / complete);
        }
        m = weigh(s, b.beta, b.kept);
        b.total = m.total;
        over = excess(s, &m);
        if (fabs(over) <= s->tolerance) break;
        by = halley(&m, over);
        if (fabs(over * over * over) <= s->tolerance && fabs(by) <= LAST) {
            double more = expm1(by);
            b.less = b.beta * more;
            b.beta += b.less;
            b.total *= 1 - more * m.mean + more * more * m.square / 2;
            break;
        }
        if (over > 0)
            low = at;
        else
            high = at;
        if (!(high - low > 1e-15 * fabs(at))) break;
        at += by;
        if (step >= FREE_STEPS || !(at > low && at < high)) at = (low + high) / 2;
    }
    return b;
}

/* A row's bindings; `scale`: what log(beta * mean d) is thought to be. */
static bound bind(const sos *s, const survey *f, double scale) {
    if ((double)f->finite <= s->perplexity) return alike(s, DBL_MAX, 0);
    if ((double)f->ties >= s->perplexity)
        return alike(s, 0, f->second < INFINITY ? s->cut / f->second : f->least > 0 ? 1 / f->least : INFINITY);
    return search(s, f, scale - log(f->sum / (double)f->finite));
}

/* What log(beta * mean d) is for three rows, the middle one: it differs little from row to row. */
static double usual(const sos *s) {
    double found[3];
    for (u64 k = 0; k < 3; k++) {
        survey f = measure(s, (s->n - 1) * k / 2);
        double scale = log(bind(s, &f, 0).beta * (f.sum / (double)f.finite));
        found[k] = fabs(scale) < EXPONENT_MAX ? scale : 0;
    }
    for (u64 k = 0; k < 3; k++)
        if ((found[k] <= found[(k + 1) % 3]) == (found[k] >= found[(k + 2) % 3])) return found[k];
    return 0;
}

/* Multiply the bindings of rows first..last into `out`, and say each row's beta and the logarithm of its sum
 * of affinities. A row is computed in the same way whatever `first` and `last` are. */
static void sos_rows(const sos *s, u64 first, u64 last, double *out, double *beta, double *log_sum) {
    double scale = usual(s);
    for (u64 row = first; row < last; row++) {
        survey f = measure(s, row);
        bound b = bind(s, &f, scale);
        double part = 1 / b.total;
        for (u64 k = 0; k < b.kept; k++) {
            double x = b.less * s->near[k], binding = s->weight[k] * (1 - x + x * x / 2) * part;
            out[s->who[k]] *= binding < 1 ? 1 - binding : 0;
        }
        beta[row] = b.beta;
        log_sum[row] = log(b.total) - (f.least > 0 ? b.beta * f.least : 0);
    }
}

/* The scratch memory, and the rows in it. */
static void sos_take(sos *s, const double *rows, void *scratch) {
    s->wide = (s->n + GROUP - 1) / GROUP * GROUP;
    s->cut = 37 + log((double)s->n + 1);
    s->wanted = log(s->perplexity);
    s->x = scratch;
    s->mine = s->x + s->columns * s->wide;
    s->d = s->mine + 2 * s->columns;
    s->near = s->d + s->wide;
    s->weight = s->near + s->wide;
    s->rough = (float *)(s->weight + s->wide);
    s->who = (u32 *)(s->rough + s->wide);
    memset(s->x, 0, 8 * s->columns * s->wide);
    for (u64 i = 0; i < s->n; i++)
        for (u64 c = 0; c < s->columns; c++)
            s->x[i / GROUP * GROUP * s->columns + GROUP * c + i % GROUP] = rows[i * s->columns + c];
}
#endif
