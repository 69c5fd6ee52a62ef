/* Trees over sparse rows: each row walks every tree to a leaf; the leaves are averaged.
 *
 * The nodes are checked on a copy that nobody else can change. A child comes after its parent, so every
 * walk ends.
 */
#ifndef HALIA_FOREST_H
#define HALIA_FOREST_H
#include "rows.h"

typedef struct {
    const i32 *feature, *left, *right; /* (nodes); feature -1 = leaf */
    const double *threshold;           /* (nodes) */
    const float *value;                /* (nodes, classes) */
    const i32 *roots;                  /* (trees) */
    u64 nodes, trees, classes;
} forest;

typedef struct {
    float threshold;
    i32 feature;
    u32 left, right;
} node;

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define BLOCK_VALUES 65536u /* floats of the rows that are dense at once: 256 KB, the second-level cache */

static ALWAYS_INLINE u64 block_rows(const sparse *x) {
    u64 fit = BLOCK_VALUES / (x->n_columns + 1);
    return fit ? fit : 1;
}

/* Bytes of scratch memory that forest_rows needs. */
static u64 forest_scratch(const sparse *x, const forest *f) {
    return sizeof(node) * f->nodes + 4 * f->trees + 4 * x->n_columns * (block_rows(x) + 2);
}

/* The largest float that is not above t: floats compare with it as they do with t. */
static float not_above(double t) {
    float near = (float)t;
    u32 bits;
    if (!((double)near > t)) return near;
    memcpy(&bits, &near, 4);
    bits = near > 0 ? bits - 1 : near < 0 ? bits + 1 : 0x80000001u;
    memcpy(&near, &bits, 4);
    return near;
}

/* Copy the nodes. 0 = one looks at a column that is not there, or has a child that is not after it. */
static int take_nodes(const forest *f, u64 n_columns, node *nodes, u32 *roots) {
    for (u64 i = 0; i < f->nodes; i++) {
        node k = {not_above(f->threshold[i]), f->feature[i], (u32)f->left[i], (u32)f->right[i]};
        if (k.feature < -1 || (k.feature >= 0 && (u64)k.feature >= n_columns)) return 0;
        if (k.feature >= 0 && (k.left <= i || k.left >= f->nodes || k.right <= i || k.right >= f->nodes)) return 0;
        if (k.left == i + 1) k.left = 0;
        nodes[i] = k;
    }
    for (u64 i = 0; i < f->trees; i++) {
        roots[i] = (u32)f->roots[i];
        if (roots[i] >= f->nodes) return 0;
    }
    return 1;
}

/* Add up the leaves that `n` dense rows reach, tree by tree: a tree's nodes stay in the cache. */
static void walk(const forest *f, const node *nodes, const u32 *roots, const float *dense, u64 n, u64 n_columns,
                 double *out) {
    for (u64 t = 0; t < f->trees; t++) {
        for (u64 row = 0; row < n; row++) {
            const float *x = dense + row * n_columns, *leaf;
            const node *k = nodes + roots[t];
            while (k->feature >= 0) {
                /* A branch, which the processor foresees: most columns are empty. */
                if (x[k->feature] <= k->threshold)
                    k = LIKELY(!k->left) ? k + 1 : nodes + k->left;
                else
                    k = nodes + k->right;
            }
            leaf = f->value + (u64)(k - nodes) * f->classes;
            for (u64 c = 0; c < f->classes; c++) out[row * f->classes + c] += leaf[c];
        }
    }
}

/* Probabilities of all rows, (n, classes). Returns what is wrong, or NULL. */
static const char *forest_rows(const sparse *x, const forest *f, void *scratch, double *out) {
    u64 block = block_rows(x), width = x->n_columns, n;
    node *nodes = scratch;
    u32 *roots = (u32 *)(nodes + f->nodes), *columns = roots + f->trees;
    float *values = (float *)(columns + width), *dense = values + width;
    if (!take_nodes(f, width, nodes, roots)) return BAD_TREE;
    memset(out, 0, sizeof *out * x->n * f->classes);
    for (u64 row = 0; row < x->n; row += block) {
        u64 count = x->n - row < block ? x->n - row : block;
        memset(dense, 0, 4 * width * count);
        for (u64 r = 0; r < count; r++) {
            if (!take_row(x, NULL, row + r, columns, values, &n)) return BAD_ROW;
            for (u64 i = 0; i < n; i++) dense[r * width + columns[i]] = values[i];
        }
        walk(f, nodes, roots, dense, count, width, out + row * f->classes);
    }
    for (u64 i = 0; i < x->n * f->classes; i++) out[i] /= (double)f->trees;
    return NULL;
}
#endif
