/* Python's way to the demux: the type Demux. What each method does is told by _reference_demux.py. */
#ifndef HALIA_DEMUX_OBJECT_H
#define HALIA_DEMUX_OBJECT_H
#include "demux.h"

typedef struct {
    PyObject_HEAD
    demux x;
    int busy;
} Demux;

static int demux_enter_call(Demux *D) {
    if (D->busy || !D->x.macs.table) {
        PyErr_SetString(PyExc_RuntimeError,
                        D->busy ? "this demux is in use by another thread" : "this demux was not set up");
        return 0;
    }
    D->busy = 1;
    return 1;
}

/* End a call that may have met the end of memory. */
static int demux_leave_call(Demux *D) {
    D->busy = 0;
    if (!D->x.macs.no_memory) return 1;
    D->x.macs.no_memory = 0;
    PyErr_NoMemory();
    return 0;
}

static device *demux_slot(Demux *D, PyObject *o) {
    unsigned long id = PyLong_AsUnsignedLong(o);
    if (PyErr_Occurred()) return NULL;
    if (id >= D->x.macs.count || !D->x.devices[id].in_use) {
        PyErr_SetString(PyExc_ValueError, "no such device");
        return NULL;
    }
    return &D->x.devices[id];
}

static PyObject *demux_py_block(Demux *D, PyObject *args) {
    Py_buffer in;
    unsigned long long at = 0;
    unsigned int done = 0;
    u64 place;
    i32 full = -1;
    int status;
    if (!PyArg_ParseTuple(args, "y*|KI", &in, &at, &done)) return NULL;
    if (!demux_enter_call(D)) {
        PyBuffer_Release(&in);
        return NULL;
    }
    place = at;
    Py_BEGIN_ALLOW_THREADS
    status = demux_block(&D->x, in.buf, (u64)in.len, &place, &done, &full);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&in);
    if (!demux_leave_call(D)) return NULL;
    return Py_BuildValue("KIii", (unsigned long long)place, done, status, full);
}

static PyObject *demux_py_frame(Demux *D, PyObject *args) {
    Py_buffer in;
    long long t;
    unsigned int wire;
    int tci, tpid, status;
    i32 full = -1;
    arrived a;
    if (!PyArg_ParseTuple(args, "LIy*ii", &t, &wire, &in, &tci, &tpid)) return NULL;
    if (t < 0 || t / 1000000000 > UINT32_MAX || tci < -1 || tci > 0xffff || tpid < 0 || tpid > 0xffff ||
        (u64)in.len > UINT32_MAX) {
        PyBuffer_Release(&in);
        PyErr_SetString(PyExc_ValueError, "frame: a time from 1970 to 2106 in ns, a tag of 16 bits or -1");
        return NULL;
    }
    if (!demux_enter_call(D)) {
        PyBuffer_Release(&in);
        return NULL;
    }
    a.data = in.buf;
    a.captured = (u32)in.len;
    a.wire = wire;
    a.sec = (u32)(t / 1000000000);
    a.nsec = (u32)(t % 1000000000);
    a.tci = tci;
    a.tpid = (u16)tpid;
    status = demux_frame(&D->x, &a, &full);
    PyBuffer_Release(&in);
    if (!demux_leave_call(D)) return NULL;
    return Py_BuildValue("ii", status, full);
}

static PyObject *demux_py_take(Demux *D, PyObject *o) {
    PyObject *bytes, *out;
    device *d;
    if (!demux_enter_call(D)) return NULL;
    D->busy = 0; /* nothing below lets another thread in */
    d = demux_slot(D, o);
    if (!d) return NULL;
    bytes = PyBytes_FromStringAndSize((const char *)d->data, (Py_ssize_t)d->used);
    if (!bytes) return NULL;
    out = Py_BuildValue("NILL", bytes, d->packets, (long long)d->first, (long long)d->last);
    if (!out) return NULL;
    free(d->data);
    D->x.held -= d->room;
    d->data = NULL;
    d->used = d->room = d->packets = 0;
    d->first = d->last = 0;
    return out;
}

static PyObject *demux_py_take_stream(Demux *D, PyObject *unused) {
    static const u8 HEADER[24] = {0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0,
                                  0,    0,    0,    0,    0, 0, 4, 0, 1, 0, 0, 0};
    PyObject *bytes;
    char *to;
    u64 head;
    (void)unused;
    if (!demux_enter_call(D)) return NULL;
    D->busy = 0;
    head = D->x.stream_room && !D->x.stream_begun ? sizeof HEADER : 0;
    bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(head + D->x.stream_used));
    if (!bytes) return NULL;
    to = PyBytes_AsString(bytes);
    memcpy(to, HEADER, head);
    if (D->x.stream_used) memcpy(to + head, D->x.stream, D->x.stream_used);
    D->x.stream_begun = D->x.stream_begun || head;
    D->x.stream_used = 0;
    return bytes;
}

/* Indices of the devices that have a mark, in order. */
static PyObject *demux_listed(Demux *D, int fresh) {
    PyObject *list = PyList_New(0);
    for (u32 id = 0; list && id < D->x.macs.count; id++) {
        const device *d = &D->x.devices[id];
        PyObject *n;
        if (!(fresh ? d->fresh : d->used != 0)) continue;
        n = PyLong_FromUnsignedLong(id);
        if (!n || PyList_Append(list, n)) Py_CLEAR(list);
        Py_XDECREF(n);
    }
    return list;
}

static PyObject *demux_py_pending(Demux *D, PyObject *unused) {
    (void)unused;
    if (!demux_enter_call(D)) return NULL;
    D->busy = 0;
    return demux_listed(D, 0);
}

static PyObject *demux_py_fresh(Demux *D, PyObject *unused) {
    PyObject *list;
    (void)unused;
    if (!demux_enter_call(D)) return NULL;
    D->busy = 0;
    if (!D->x.n_fresh) return PyList_New(0);
    list = demux_listed(D, 1);
    if (!list) return NULL;
    for (u32 id = 0; id < D->x.macs.count; id++) D->x.devices[id].fresh = 0;
    D->x.n_fresh = 0;
    return list;
}

static PyObject *demux_py_devices(Demux *D, PyObject *args) {
    unsigned int first = 0, count = UINT32_MAX;
    if (!PyArg_ParseTuple(args, "|II", &first, &count)) return NULL;
    if (!demux_enter_call(D)) return NULL;
    D->busy = 0;
    if (first > D->x.macs.count) first = D->x.macs.count;
    if (count > D->x.macs.count - first) count = D->x.macs.count - first;
    return PyBytes_FromStringAndSize((const char *)(D->x.macs.rows + first),
                                     (Py_ssize_t)(count * sizeof(mac_row)));
}

static PyObject *demux_py_forget(Demux *D, PyObject *o) {
    device *d;
    if (!demux_enter_call(D)) return NULL;
    D->busy = 0;
    d = demux_slot(D, o);
    if (!d) return NULL;
    if (d->used) {
        PyErr_SetString(PyExc_ValueError, "forget: take what the device has first");
        return NULL;
    }
    demux_forget(&D->x, (u32)(d - D->x.devices));
    Py_RETURN_NONE;
}

static PyObject *demux_py_totals(Demux *D, PyObject *unused) {
    const demux *x = &D->x;
    (void)unused;
    return Py_BuildValue("KKKKKKKKKKILLK", x->frames, x->wire_bytes, x->records, x->record_bytes, x->tagged,
                         x->cut, x->nameless, x->refused, x->repeated, x->damaged, x->in_use, (long long)x->first,
                         (long long)x->last, x->held);
}

static int demux_py_init(Demux *D, PyObject *args, PyObject *kw) {
    static char *names[] = {"max_devices", "buffer", "memory", "stream", "names", "repeat", "seed", NULL};
    unsigned int limit, buffer;
    unsigned long long memory, stream;
    long long repeat;
    int keep;
    const char *seed;
    Py_ssize_t seed_len;
    u64 s[2];
    if (!PyArg_ParseTupleAndKeywords(args, kw, "IIKKpLy#", names, &limit, &buffer, &memory, &stream, &keep, &repeat, &seed,
                                     &seed_len))
        return -1;
    if (!limit || limit > 1u << 24 || buffer < 256 || buffer > 1u << 24 || memory < 2ull * buffer ||
        (stream && (stream < buffer || stream > 1u << 30)) || repeat < 0 || repeat > 1000000000 || seed_len != sizeof s || D->x.macs.table) {
        PyErr_SetString(PyExc_ValueError,
                        "Demux: 1 to 2^24 devices, buffers of 256 to 2^24 bytes, memory for two of them, a stream "
                        "of 0 or at least a buffer, repeats within 0 to 10^9 ns, a seed of 16 bytes, set up once");
        return -1;
    }
    memcpy(s, seed, sizeof s);
    if (!demux_init(&D->x, limit, buffer, memory, stream, keep, repeat, s[0], s[1] | 1)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static PyObject *demux_py_new(PyTypeObject *type, PyObject *args, PyObject *kw) {
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    (void)args;
    (void)kw;
    return alloc(type, 0); /* zeroed */
}

static void demux_py_dealloc(Demux *D) {
    PyTypeObject *type = Py_TYPE((PyObject *)D);
    freefunc release_memory = (freefunc)PyType_GetSlot(type, Py_tp_free);
    demux_free(&D->x);
    release_memory(D);
    Py_DECREF(type);
}

static PyMethodDef DEMUX_METHODS[] = {
    {"block", (PyCFunction)demux_py_block, METH_VARARGS, "block(data, at=0, done=0)"},
    {"frame", (PyCFunction)demux_py_frame, METH_VARARGS, "frame(time, wire, data, tci, tpid)"},
    {"take", (PyCFunction)demux_py_take, METH_O, "take(device)"},
    {"take_stream", (PyCFunction)demux_py_take_stream, METH_NOARGS, "take_stream()"},
    {"pending", (PyCFunction)demux_py_pending, METH_NOARGS, "pending()"},
    {"fresh", (PyCFunction)demux_py_fresh, METH_NOARGS, "fresh()"},
    {"devices", (PyCFunction)demux_py_devices, METH_VARARGS, "devices(first=0, count=all)"},
    {"forget", (PyCFunction)demux_py_forget, METH_O, "forget(device)"},
    {"totals", (PyCFunction)demux_py_totals, METH_NOARGS, "totals()"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot DEMUX_SLOTS[] = {
    {Py_tp_init, demux_py_init},
    {Py_tp_new, demux_py_new},
    {Py_tp_dealloc, demux_py_dealloc},
    {Py_tp_methods, DEMUX_METHODS},
    {Py_tp_doc, "Frames to the devices they name; see plugin/core/_reference_demux.py."},
    {0, NULL},
};

static PyType_Spec DEMUX_SPEC = {"plugin.core._core.Demux", sizeof(Demux), 0, Py_TPFLAGS_DEFAULT, DEMUX_SLOTS};

#endif
