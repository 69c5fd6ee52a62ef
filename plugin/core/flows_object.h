/* Python's way to flows: the type FlowTable, and two functions over columns. */
#ifndef HALIA_FLOWS_OBJECT_H
#define HALIA_FLOWS_OBJECT_H
#include "flow_rows.h"
#include "flow_table.h"

#define FLOW_COLUMNS_MAX (1 << 24) /* of a row; bounds what is multiplied below */

typedef struct {
    PyObject_HEAD
    flow_table x;
    int busy;
} FlowTable;

static int flows_enter(FlowTable *F) {
    if (F->busy || !F->x.table) {
        PyErr_SetString(PyExc_RuntimeError,
                        F->busy ? "this table is in use by another thread" : "this table was not set up");
        return 0;
    }
    F->busy = 1;
    return 1;
}

static PyObject *flows_feed(FlowTable *F, PyObject *records) {
    Py_buffer in;
    int right = 0;
    if (PyObject_GetBuffer(records, &in, PyBUF_SIMPLE)) return NULL;
    if ((u64)in.len % sizeof(packet)) {
        PyErr_SetString(PyExc_ValueError, "whole packet records are expected");
    } else if (flows_enter(F)) {
        Py_BEGIN_ALLOW_THREADS
        right = flow_table_feed(&F->x, in.buf, (u64)in.len / sizeof(packet));
        Py_END_ALLOW_THREADS
        F->busy = 0;
        if (!right) PyErr_NoMemory();
    }
    PyBuffer_Release(&in);
    if (!right) return NULL;
    Py_RETURN_NONE;
}

static PyObject *room_of(u64 n, u64 size, void *at) {
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(n * size));
    *(void **)at = made ? PyBytes_AsString(made) : NULL;
    if (made) flow_large(*(void **)at, n * size);
    return made;
}

static PyObject *flows_columns(FlowTable *F, PyObject *args) {
    PyObject *made[6] = {0}, *found = NULL;
    unsigned long long least;
    u64 flows, packets;
    flow_key *keys;
    flow_columns c;
    int right;
    if (!PyArg_ParseTuple(args, "K:columns", &least) || !flows_enter(F)) return NULL;
    flows = flow_table_kept(&F->x, least, &packets);
    made[0] = room_of(flows, sizeof *keys, &keys);
    made[1] = room_of(flows + 1, sizeof *c.starts, &c.starts);
    made[2] = room_of(packets, sizeof *c.time, &c.time);
    made[3] = room_of(packets, sizeof *c.size, &c.size);
    made[4] = room_of(packets, 1, &c.ttl);
    made[5] = room_of(packets, 1, &c.flags);
    right = made[0] && made[1] && made[2] && made[3] && made[4] && made[5];
    if (right) {
        Py_BEGIN_ALLOW_THREADS
        right = flow_table_columns(&F->x, least, keys, &c);
        Py_END_ALLOW_THREADS
        if (!right) PyErr_NoMemory();
    }
    F->busy = 0;
    if (right) found = PyTuple_Pack(6, made[0], made[1], made[2], made[3], made[4], made[5]);
    for (int i = 0; i < 6; i++) Py_XDECREF(made[i]);
    return found;
}

static int flows_init(FlowTable *F, PyObject *args, PyObject *kw) {
    static char *names[] = {"seed", NULL};
    const char *seed;
    Py_ssize_t n;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "y#", names, &seed, &n)) return -1;
    if (n != sizeof F->x.seed || F->x.table) {
        PyErr_SetString(PyExc_ValueError, "FlowTable: a seed of 16 bytes, set up once");
        return -1;
    }
    if (!flow_table_init(&F->x, (const u8 *)seed)) {
        flow_table_free(&F->x);
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static PyObject *flows_new(PyTypeObject *type, PyObject *args, PyObject *kw) {
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    (void)args;
    (void)kw;
    return alloc(type, 0); /* zeroed */
}

static void flows_dealloc(FlowTable *F) {
    PyTypeObject *type = Py_TYPE((PyObject *)F);
    freefunc release_memory = (freefunc)PyType_GetSlot(type, Py_tp_free);
    flow_table_free(&F->x);
    release_memory(F);
    Py_DECREF(type);
}

/* Columns of whole items that lie at their own alignment. */
static int column(const Py_buffer *b, u64 size, u64 items) {
    return (u64)b->len == size * items && (!b->len || !((uintptr_t)b->buf % size));
}

/* Starts of n flows over columns of whole packets. */
static int flow_starts(const Py_buffer *starts, const Py_buffer *time, flow_view *v) {
    if (starts->len < 8 || starts->len % 8 || time->len % 8) return 0;
    v->n = (u64)starts->len / 8 - 1;
    v->packets = (u64)time->len / 8;
    if (!column(starts, 8, v->n + 1) || !column(time, 8, v->packets)) return 0;
    v->starts = starts->buf;
    v->time = time->buf;
    return flows_whole(v->starts, v->n, v->packets);
}

static PyObject *part_flows(PyObject *module, PyObject *args) {
    Py_buffer b[3];
    PyObject *found = NULL;
    flow_view v = {0};
    flow_part p = {0};
    unsigned long long least;
    int grid, drop;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*y*y*pKp:flow_parts", b, b + 1, b + 2, &grid, &least, &drop)) return NULL;
    if (!flow_starts(b, b + 1, &v) || !column(b + 2, 8, v.n)) {
        PyErr_SetString(PyExc_ValueError, BAD_FLOWS);
    } else if (!(p.flow = malloc((v.packets + 1) * 3 * sizeof *p.flow))) {
        PyErr_NoMemory();
    } else {
        p.begin = p.flow + v.packets;
        p.end = p.begin + v.packets;
        Py_BEGIN_ALLOW_THREADS
        flow_parts(&v, b[2].buf, grid, least, drop, &p);
        Py_END_ALLOW_THREADS
        Py_ssize_t size = (Py_ssize_t)(p.n * sizeof *p.flow);
        found = Py_BuildValue("y#y#y#", p.flow, size, p.begin, size, p.end, size);
        free(p.flow);
    }
    for (int i = 0; i < 3; i++) PyBuffer_Release(b + i);
    return found;
}

static PyObject *take_pieces(PyObject *module, PyObject *args) {
    Py_buffer b[6];
    PyObject *made[5] = {0}, *found = NULL;
    flow_view v = {0};
    flow_columns c = {0};
    const i64 *begin, *end;
    u64 n;
    int fits;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*y*(y*y*y*y*):flow_pieces", b, b + 1, b + 2, b + 3, b + 4, b + 5)) return NULL;
    n = (u64)b[0].len / 8;
    v.packets = (u64)b[2].len / 8;
    begin = b[0].buf, end = b[1].buf;
    fits = column(b, 8, n) && column(b + 1, 8, n) && column(b + 2, 8, v.packets) && column(b + 3, 4, v.packets) &&
           column(b + 4, 1, v.packets) && column(b + 5, 1, v.packets);
    for (u64 i = 0; fits && i < n; i++) {
        fits = begin[i] >= 0 && begin[i] <= end[i] && (u64)end[i] <= v.packets && c.room <= INT64_MAX / 16 - v.packets;
        if (fits) c.room += (u64)(end[i] - begin[i]);
    }
    if (fits) {
        v.time = b[2].buf, v.size = b[3].buf, v.ttl = b[4].buf, v.flags = b[5].buf;
        made[0] = room_of(n + 1, sizeof *c.starts, &c.starts);
        made[1] = room_of(c.room, sizeof *c.time, &c.time);
        made[2] = room_of(c.room, sizeof *c.size, &c.size);
        made[3] = room_of(c.room, 1, &c.ttl);
        made[4] = room_of(c.room, 1, &c.flags);
        if (made[0] && made[1] && made[2] && made[3] && made[4]) {
            Py_BEGIN_ALLOW_THREADS
            fits = flow_pieces(&v, begin, end, n, &c);
            Py_END_ALLOW_THREADS
            if (fits) found = PyTuple_Pack(5, made[0], made[1], made[2], made[3], made[4]);
        }
        for (int i = 0; i < 5; i++) Py_XDECREF(made[i]);
    }
    for (int i = 0; i < 6; i++) PyBuffer_Release(b + i);
    if (!fits) PyErr_SetString(PyExc_ValueError, BAD_FLOWS);
    return found;
}

static PyObject *rows_of_flows(PyObject *module, PyObject *args) {
    Py_buffer b[6];
    flow_view v = {0};
    unsigned long long window;
    u64 width, columns, longest = 0;
    Py_ssize_t asked;
    u32 *room = NULL;
    int kind, header, fits;
    (void)module;
    if (!PyArg_ParseTuple(args, "(y*y*y*y*y*)(ipK)nw*:flow_rows", b, b + 1, b + 2, b + 3, b + 4, &kind, &header,
                          &window, &asked, b + 5))
        return NULL;
    width = asked > 0 && asked <= FLOW_COLUMNS_MAX ? (u64)asked : 0;
    columns = header ? 2 * width + ROW_FLAGS : width;
    fits = width && kind >= 0 && kind < ROW_KINDS && (kind != ROW_STATS || width == ROW_STATISTICS) &&
           (window || kind < ROW_SAMP_NUM) && flow_starts(b, b + 1, &v) && column(b + 2, 4, v.packets) &&
           column(b + 3, 1, v.packets) && column(b + 4, 1, v.packets) &&
           v.n <= ((u64)1 << 62) / columns / 8 && column(b + 5, 8, v.n * columns);
    if (fits) {
        v.size = b[2].buf, v.ttl = b[3].buf, v.flags = b[4].buf;
        for (u64 f = 0; kind == ROW_STATS && f < v.n; f++) {
            u64 n = (u64)(v.starts[f + 1] - v.starts[f]);
            longest = n > longest ? n : longest;
        }
        room = malloc((longest + 1) * sizeof *room);
    }
    if (room) {
        Py_BEGIN_ALLOW_THREADS
        flow_rows(&v, kind, header, window, b[5].buf, width, room);
        Py_END_ALLOW_THREADS
    }
    free(room);
    for (int i = 0; i < 6; i++) PyBuffer_Release(b + i);
    if (room) Py_RETURN_NONE;
    if (fits) return PyErr_NoMemory();
    PyErr_SetString(PyExc_ValueError, "flow_rows: columns of flows, and a row of zeros for each of them");
    return NULL;
}

static PyMethodDef FLOW_METHODS[] = {
    {"feed", (PyCFunction)flows_feed, METH_O, "feed(packets)"},
    {"columns", (PyCFunction)flows_columns, METH_VARARGS, "columns(least)"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot FLOW_SLOTS[] = {
    {Py_tp_init, flows_init},
    {Py_tp_new, flows_new},
    {Py_tp_dealloc, flows_dealloc},
    {Py_tp_methods, FLOW_METHODS},
    {Py_tp_doc, "Packets gathered by flow; see plugin/flows/by_numpy.py."},
    {0, NULL},
};

static PyType_Spec FLOW_SPEC = {"plugin.core._core.FlowTable", sizeof(FlowTable), 0, Py_TPFLAGS_DEFAULT, FLOW_SLOTS};
#endif
