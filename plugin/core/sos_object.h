/* Python's way to stochastic outlier selection: buffers in, shapes checked, the GIL released. */
#ifndef HALIA_SOS_OBJECT_H
#define HALIA_SOS_OBJECT_H
#include "sos.h"

#define SOS_COLUMNS_MAX (1 << 24)
#define SOS_ROWS_MAX 0x7fffffff /* they are numbered by 32 bits */

static int whole(const Py_buffer *b, u64 items) {
    return (u64)b->len == 8 * items && (!b->len || !((uintptr_t)b->buf % 8));
}

/* Whether all that was given fits together. */
static int sos_fits(sos *s, const Py_buffer *b, Py_ssize_t columns, Py_ssize_t first, Py_ssize_t last) {
    if (columns < 1 || columns > SOS_COLUMNS_MAX) return 0;
    s->columns = (u64)columns;
    s->n = (u64)b[0].len / (8 * s->columns);
    return s->n <= SOS_ROWS_MAX && whole(b, s->n * s->columns) && whole(b + 1, s->n) && whole(b + 2, s->n) &&
           whole(b + 3, s->n) && first >= 0 && first <= last && (u64)last <= s->n && s->perplexity >= 1 &&
           s->perplexity <= DBL_MAX && s->tolerance >= 0;
}

static PyObject *select_sos(PyObject *module, PyObject *args) {
    Py_buffer b[4];
    Py_ssize_t columns, first, last;
    void *scratch;
    sos s = {0};
    int fits;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*n(dpd)(nn)(w*w*w*):sos", b, &columns, &s.perplexity, &s.squared, &s.tolerance,
                          &first, &last, b + 1, b + 2, b + 3))
        return NULL;
    fits = sos_fits(&s, b, columns, first, last);
    scratch = fits ? malloc(sos_scratch(s.n, s.columns) + 1) : NULL;
    if (scratch) {
        Py_BEGIN_ALLOW_THREADS
        sos_take(&s, b[0].buf, scratch);
        if (first < last) sos_rows(&s, (u64)first, (u64)last, b[1].buf, b[2].buf, b[3].buf);
        Py_END_ALLOW_THREADS
    }
    free(scratch);
    for (int i = 0; i < 4; i++) PyBuffer_Release(b + i);
    if (scratch) Py_RETURN_NONE;
    if (fits) return PyErr_NoMemory();
    PyErr_SetString(PyExc_ValueError, "sos: arrays of float64 that fit each other, perplexity >= 1, tolerance >= 0");
    return NULL;
}
#endif
