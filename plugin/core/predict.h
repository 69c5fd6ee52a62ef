/* Python's way to the loops over models: buffers in, shapes checked, the GIL released, doubles out. */
#ifndef HALIA_PREDICT_H
#define HALIA_PREDICT_H
#include "forest.h"
#include "net.h"

enum { INDPTR, INDICES, DATA, OUT, FIRST_OF_MODEL, BUFFERS = FIRST_OF_MODEL + 6 };

typedef struct {
    Py_buffer all[BUFFERS];
    u64 len[BUFFERS]; /* items */
    int n;
    sparse x;
} buffers;

static void drop_all(buffers *b) {
    while (b->n) PyBuffer_Release(&b->all[--b->n]);
}

/* All buffers or none: a digit for the size of the items of each. Python's None is an empty buffer. */
static int take_all(buffers *b, PyObject *const *from, const char *sizes) {
    static Py_buffer nothing;
    for (b->n = 0; sizes[b->n]; b->n++) {
        Py_buffer *one = &b->all[b->n];
        u64 size = (u64)(sizes[b->n] - '0');
        int flags = b->n == OUT ? PyBUF_WRITABLE : PyBUF_SIMPLE;
        *one = nothing;
        if (from[b->n] != Py_None && PyObject_GetBuffer(from[b->n], one, flags)) {
            drop_all(b);
            return 0;
        }
        b->len[b->n] = (u64)one->len / size;
        if ((u64)one->len % size || (one->len && (uintptr_t)one->buf % size)) {
            b->n++;
            drop_all(b);
            PyErr_SetString(PyExc_ValueError, "a buffer holds no whole number of items, or is not aligned");
            return 0;
        }
    }
    return 1;
}

#define COLUMNS_MAX (1 << 24) /* of any feature set; bounds the memory for one dense row */

/* Whether the rows are whole; where each ends is checked when it is read. */
static int take_rows(buffers *b, Py_ssize_t n_columns) {
    sparse *x = &b->x;
    x->indptr = b->all[INDPTR].buf;
    x->indices = b->all[INDICES].buf;
    x->data = b->all[DATA].buf;
    if (n_columns < 0 || n_columns > COLUMNS_MAX || !b->len[INDPTR] || b->len[INDICES] != b->len[DATA]) return 0;
    x->n = b->len[INDPTR] - 1;
    x->nnz = b->len[INDICES];
    x->n_columns = (u64)n_columns;
    return !x->indptr[0] && x->indptr[x->n] == (i64)x->nnz;
}

static ALWAYS_INLINE int shaped(u64 len, u64 a, u64 b) { return (unsigned __int128)a * b == len; }

static int net_of(const buffers *b, net *m) {
    const u64 *len = b->len + FIRST_OF_MODEL;
    const Py_buffer *all = b->all + FIRST_OF_MODEL;
    *m = (net){all[0].buf, all[1].buf, all[2].buf, all[3].buf, all[4].buf, len[1], len[3]};
    return m->hidden && m->classes && shaped(len[0], b->x.n_columns, m->hidden) &&
           shaped(len[2], m->hidden, m->classes) && (!m->scale || len[4] == b->x.n_columns) &&
           shaped(b->len[OUT], b->x.n, m->classes);
}

static int forest_of(const buffers *b, forest *f, u64 classes) {
    const u64 *len = b->len + FIRST_OF_MODEL;
    const Py_buffer *all = b->all + FIRST_OF_MODEL;
    *f = (forest){all[0].buf, all[2].buf, all[3].buf, all[1].buf, all[4].buf, all[5].buf, len[0], len[5], classes};
    return f->nodes && f->trees && classes && len[1] == f->nodes && len[2] == f->nodes && len[3] == f->nodes &&
           shaped(len[4], f->nodes, classes) && shaped(b->len[OUT], b->x.n, classes);
}

/* The end of both: None, or the ValueError that `wrong` tells. */
static PyObject *answer(buffers *b, void *scratch, const char *wrong) {
    free(scratch);
    drop_all(b);
    if (!wrong) Py_RETURN_NONE;
    PyErr_SetString(PyExc_ValueError, wrong);
    return NULL;
}

static PyObject *predict_net(PyObject *module, PyObject *args) {
    PyObject *o[BUFFERS], *of_rows, *layers;
    Py_ssize_t n_columns;
    const char *wrong;
    void *scratch;
    buffers b;
    net m;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!O:net", &PyTuple_Type, &of_rows, &PyTuple_Type, &layers, o + OUT) ||
        !PyArg_ParseTuple(of_rows, "OOOn:rows", o, o + 1, o + 2, &n_columns) ||
        !PyArg_ParseTuple(layers, "OOOOO:layers", o + 4, o + 5, o + 6, o + 7, o + 8) ||
        !take_all(&b, o, "844844444"))
        return NULL;
    if (!take_rows(&b, n_columns)) return answer(&b, NULL, BAD_ROW);
    if (!net_of(&b, &m)) return answer(&b, NULL, BAD_SHAPE);
    if (!(scratch = malloc(net_scratch(&b.x, &m)))) {
        drop_all(&b);
        return PyErr_NoMemory();
    }
    Py_BEGIN_ALLOW_THREADS
    wrong = net_rows(&b.x, &m, scratch, b.all[OUT].buf);
    Py_END_ALLOW_THREADS
    return answer(&b, scratch, wrong);
}

static PyObject *predict_forest(PyObject *module, PyObject *args) {
    PyObject *o[BUFFERS], *of_rows, *trees;
    Py_ssize_t n_columns;
    unsigned int classes;
    const char *wrong;
    void *scratch;
    buffers b;
    forest f;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!IO:forest", &PyTuple_Type, &of_rows, &PyTuple_Type, &trees, &classes, o + OUT) ||
        !PyArg_ParseTuple(of_rows, "OOOn:rows", o, o + 1, o + 2, &n_columns) ||
        !PyArg_ParseTuple(trees, "OOOOOO:trees", o + 4, o + 5, o + 6, o + 7, o + 8, o + 9) ||
        !take_all(&b, o, "8448484444"))
        return NULL;
    if (!take_rows(&b, n_columns)) return answer(&b, NULL, BAD_ROW);
    if (!forest_of(&b, &f, classes)) return answer(&b, NULL, BAD_SHAPE);
    if (!(scratch = malloc(forest_scratch(&b.x, &f)))) {
        drop_all(&b);
        return PyErr_NoMemory();
    }
    Py_BEGIN_ALLOW_THREADS
    wrong = forest_rows(&b.x, &f, scratch, b.all[OUT].buf);
    Py_END_ALLOW_THREADS
    return answer(&b, scratch, wrong);
}
#endif
