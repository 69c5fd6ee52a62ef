/* Sparse rows as plugin/ml/matrix.py has them, taken with every doubt.
 *
 * A row's places and columns are checked as they are copied, and only the copy is used.
 */
#ifndef HALIA_ROWS_H
#define HALIA_ROWS_H
#include "wire.h"

typedef struct {
    const i64 *indptr;   /* (n + 1) */
    const i32 *indices;  /* (nnz) */
    const float *data;   /* (nnz) */
    u64 n, nnz, n_columns;
} sparse;

static const char BAD_ROW[] = "a row of the matrix reaches out of it";
static const char BAD_TREE[] = "a tree's node reaches out of its tree or of the columns";
static const char BAD_SHAPE[] = "the arrays of the model do not fit each other or the matrix";

/* A row's columns, and its values times their scale, into room for n_columns each. 0 = it reaches out of
 * the matrix. */
static ALWAYS_INLINE int take_row(const sparse *x, const float *scale, u64 row, u32 *columns, float *values,
                                  u64 *n) {
    i64 begin = x->indptr[row], end = x->indptr[row + 1];
    if (begin < 0 || begin > end || (u64)end > x->nnz || (u64)(end - begin) > x->n_columns) return 0;
    *n = (u64)(end - begin);
    for (u64 i = 0; i < *n; i++) {
        u32 column = (u32)x->indices[(u64)begin + i];
        float value = x->data[(u64)begin + i];
        if (column >= x->n_columns) return 0; /* so are the negative ones */
        columns[i] = column;
        values[i] = scale ? value * scale[column] : value;
    }
    return 1;
}
#endif
