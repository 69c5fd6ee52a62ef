/* The compiled core: capture bytes in, packet, session and MAC records out.
 *
 * One pass, no allocation a packet, the GIL released. What it does is told, function by function, by
 * the plain-Python reference (_reference.py), to which it must be equal on every byte.
 */
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030b0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "container.h"
#include "decode.h"
#include "demux_object.h"
#include "flows_object.h"
#include "judge_object.h"
#include "predict.h"
#include "sessions.h"
#include "sos_object.h"
#include "watch_object.h"

enum { MORE, PACKETS_FULL, SESSIONS_FULL, FAILED };

typedef struct {
    PyObject_HEAD
    container in;
    mac_table macs;
    sessions sessions;
    i64 backstep, first, last, previous;
    u64 packets, wire_bytes, captured_bytes, ip_packets, cut, later_fragments, no_time, base;
    int busy, finished, bare; /* bare: packets without sessions, and without what only sessions need */
} Engine;

/* Everything about one packet once its record has been found. */
static ALWAYS_INLINE int one(Engine *E, const record *r, packet *k, const int detail) {
    u32 wire = r->wire > WIRE_LEN_MAX ? WIRE_LEN_MAX : r->wire;
    *k = PACKET_NONE;
    k->time = r->time;
    k->wire_len = wire;
    k->interface = r->interface;
    if (r->no_time) k->marks = MARK_NO_TIME;
    decode(&E->macs, r->link, r->data, r->captured, wire, k, detail);
    if (!E->packets++) E->first = E->last = k->time;
    if (k->time < E->first) E->first = k->time;
    if (k->time > E->last) E->last = k->time;
    E->previous = k->time;
    E->wire_bytes += wire;
    E->captured_bytes += r->captured;
    E->cut += r->captured < r->wire;
    E->no_time += (u64)r->no_time;
    if (k->src_mac >= 0) macs_count(&E->macs, k->src_mac, 1, wire, k->time);
    if (k->dst_mac >= 0) macs_count(&E->macs, k->dst_mac, 0, wire, k->time);
    if (!k->ip_version) return 1;
    E->ip_packets++;
    E->later_fragments += (k->marks & MARK_LATER_FRAGMENT) != 0;
    if (E->bare) return 1;
    return sessions_add(&E->sessions, k);
}

/* The clock, and what it ends. 0 = the session buffer is full (nothing was consumed). */
static ALWAYS_INLINE int tick(Engine *E, i64 t) {
    sessions *s = &E->sessions;
    if (E->bare) return 1;
    if (!E->packets) {
        s->clock = t;
    } else if (t < s->clock - E->backstep) {
        if (!drain(s, END_CLOCK)) return 0;
        s->clock = t;
    } else if (t > s->clock) {
        s->clock = t;
    }
    if (s->next_check < s->clock && !sweep(s)) return 0;
    return !full(s, 1);
}

static ALWAYS_INLINE int run(Engine *E, const u8 *buf, u64 *at, u64 end, packet *out, u64 room,
                             u64 *n_out, const int detail) {
    const u8 *p = buf + *at, *e = buf + end, *next = p;
    packet scratch;
    int status = MORE;
    record r;
    for (;;) {
        int got;
        PREFETCH(p + 1536);
        got = container_next(&E->in, p, (u64)(e - p), &r, &next);
        if (got == GOT_SKIP) {
            p = next;
            continue;
        }
        if (got != GOT_PACKET) {
            if (got == GOT_ERROR) status = FAILED;
            break;
        }
        if (out && *n_out == room) {
            status = PACKETS_FULL;
            break;
        }
        if (r.no_time) r.time = E->previous;
        if (!tick(E, r.time)) {
            status = SESSIONS_FULL;
            break;
        }
        if (!one(E, &r, out ? out + (*n_out)++ : &scratch, detail)) E->sessions.no_memory = 1;
        p = r.next;
        if (E->sessions.no_memory | E->macs.no_memory) break;
    }
    E->base += (u64)(p - buf) - *at;
    *at = (u64)(p - buf);
    return status;
}

static int out_of_memory(Engine *E) {
    if (!(E->sessions.no_memory | E->macs.no_memory | E->in.no_memory)) return 0;
    PyErr_NoMemory();
    return 1;
}

static int enter(Engine *E) {
    if (E->busy) {
        PyErr_SetString(PyExc_RuntimeError, "this engine is in use by another thread");
        return 0;
    }
    if (!E->sessions.hot) {
        PyErr_SetString(PyExc_RuntimeError, "this engine was not set up");
        return 0;
    }
    E->busy = 1;
    return 1;
}

/* A writable record buffer, or nothing for None. */
static int take_buffer(PyObject *o, Py_buffer *b, size_t size, const char *what) {
    b->buf = NULL;
    b->len = 0;
    b->obj = NULL;
    if (o == Py_None) return 1;
    if (PyObject_GetBuffer(o, b, PyBUF_WRITABLE)) return 0;
    if ((size_t)b->len < size || (uintptr_t)b->buf % 8) {
        PyBuffer_Release(b);
        PyErr_Format(PyExc_ValueError, "%s: room for no record, or not aligned to 8 bytes", what);
        return 0;
    }
    return 1;
}

static void use_sessions(Engine *E, Py_buffer *b) {
    E->sessions.out = b->buf;
    E->sessions.out_room = (u64)b->len / sizeof(session);
    E->sessions.n_out = 0;
}

static PyObject *engine_feed(Engine *E, PyObject *args) {
    Py_buffer in, pk, ss;
    PyObject *opk, *oss;
    unsigned long long start, end;
    u64 at, n_packets = 0;
    int status, detail = E->sessions.stats;
    if (!PyArg_ParseTuple(args, "y*KKOO", &in, &start, &end, &opk, &oss)) return NULL;
    if (start > end || end > (u64)in.len || detail != (oss != Py_None) || (opk != Py_None && !detail && !E->bare)) {
        PyBuffer_Release(&in);
        PyErr_SetString(PyExc_ValueError,
                        "feed: 0 <= start <= end <= len(data); record buffers exactly with stats=True, or packets bare");
        return NULL;
    }
    if (!take_buffer(opk, &pk, sizeof(packet), "packets")) {
        PyBuffer_Release(&in);
        return NULL;
    }
    if (!take_buffer(oss, &ss, sizeof(session), "sessions") || !enter(E)) {
        if (pk.obj) PyBuffer_Release(&pk);
        PyBuffer_Release(&in);
        return NULL;
    }
    at = start;
    use_sessions(E, &ss);
    Py_BEGIN_ALLOW_THREADS
    if (detail)
        status = run(E, in.buf, &at, end, pk.buf, (u64)pk.len / sizeof(packet), &n_packets, 1);
    else
        status = run(E, in.buf, &at, end, pk.buf, (u64)pk.len / sizeof(packet), &n_packets, 0);
    Py_END_ALLOW_THREADS
    E->busy = 0;
    PyBuffer_Release(&in);
    if (pk.obj) PyBuffer_Release(&pk);
    if (ss.obj) PyBuffer_Release(&ss);
    if (out_of_memory(E)) return NULL;
    return Py_BuildValue("KKKi", at - start, n_packets, E->sessions.n_out, status);
}

static PyObject *engine_finish(Engine *E, PyObject *oss) {
    Py_buffer ss;
    int done;
    if ((oss != Py_None) != E->sessions.stats) {
        PyErr_SetString(PyExc_ValueError, "finish: a session buffer exactly with stats=True");
        return NULL;
    }
    if (!take_buffer(oss, &ss, sizeof(session), "sessions")) return NULL;
    if (!enter(E)) {
        if (ss.obj) PyBuffer_Release(&ss);
        return NULL;
    }
    use_sessions(E, &ss);
    Py_BEGIN_ALLOW_THREADS
    done = drain(&E->sessions, END_OPEN);
    Py_END_ALLOW_THREADS
    E->busy = 0;
    if (ss.obj) PyBuffer_Release(&ss);
    if (out_of_memory(E)) return NULL;
    return Py_BuildValue("Ki", E->sessions.n_out, done);
}

static PyObject *engine_next_input(Engine *E, PyObject *unused) {
    (void)unused;
    if (!enter(E)) return NULL;
    container_restart(&E->in);
    E->base = 0;
    E->busy = 0;
    Py_RETURN_NONE;
}

static PyObject *engine_totals(Engine *E, PyObject *unused) {
    u64 devices = 0;
    (void)unused;
    for (u32 i = 0; i < E->macs.count; i++) {
        const mac_row *m = &E->macs.rows[i];
        devices += m->tx_packets && !(m->mac[0] & 1) && (be32(m->mac) | be16(m->mac + 4));
    }
    return Py_BuildValue("KKKLLKKKKKKKKKK", E->packets, E->wire_bytes, E->captured_bytes, E->first, E->last,
                         E->sessions.started, E->sessions.n_open, devices, E->ip_packets, E->cut,
                         E->later_fragments, E->no_time, E->sessions.evicted, (u64)E->macs.count,
                         E->macs.dropped);
}

static PyObject *engine_macs(Engine *E, PyObject *args) {
    unsigned int first = 0;
    if (!PyArg_ParseTuple(args, "|I", &first)) return NULL;
    if (first > E->macs.count) first = E->macs.count;
    return PyBytes_FromStringAndSize((const char *)(E->macs.rows + first),
                                     (Py_ssize_t)((E->macs.count - first) * sizeof(mac_row)));
}

static PyObject *engine_links(Engine *E, PyObject *unused) {
    PyObject *list = PyList_New(0);
    (void)unused;
    for (u32 i = 0; list && i < E->in.n_links; i++) {
        PyObject *n = PyLong_FromLong(E->in.links[i]);
        if (!n || PyList_Append(list, n)) Py_CLEAR(list);
        Py_XDECREF(n);
    }
    return list;
}

static PyObject *engine_error(Engine *E, PyObject *unused) {
    (void)unused;
    return Py_BuildValue("iKKKi", E->in.error, E->base, E->in.error_value, E->in.skip, E->in.format);
}

static int engine_init(Engine *E, PyObject *args, PyObject *kw) {
    static char *names[] = {"timeouts", "backstep", "max_open", "max_macs", "seed", "stats", "bare", NULL};
    long long t[8], backstep;
    unsigned long long max_open;
    unsigned int max_macs;
    const char *seed;
    Py_ssize_t seed_len;
    int stats, bare = 0;
    u64 s[6];
    if (!PyArg_ParseTupleAndKeywords(args, kw, "(LLLLLLLL)LKIy#p|p", names, t, t + 1, t + 2, t + 3, t + 4, t + 5,
                                     t + 6, t + 7, &backstep, &max_open, &max_macs, &seed, &seed_len, &stats, &bare))
        return -1;
    if ((stats && bare) || seed_len != sizeof s || !max_open || max_open > 0x7fffffff || max_macs > 0x7fffffff || E->sessions.hot) {
        PyErr_SetString(PyExc_ValueError, "Engine: a seed of 48 bytes, limits of 1 to 2^31 - 1, set up once; stats or bare");
        return -1;
    }
    memcpy(s, seed, sizeof s);
    E->bare = bare;
    memcpy(E->sessions.seed, s, sizeof E->sessions.seed);
    for (int i = 0; i < CLASSES; i++) {
        if (t[i] < 0 || t[i] > TIME_MAX || t[i + 4] < 0 || t[i + 4] > TIME_MAX || backstep < 0 || backstep > TIME_MAX) {
            PyErr_SetString(PyExc_ValueError, "Engine: times are nanoseconds, not negative");
            return -1;
        }
        E->sessions.idle[i] = t[i];
        E->sessions.active[i] = t[i + 4];
    }
    E->backstep = backstep;
    if (!sessions_init(&E->sessions, stats, max_open) || !macs_init(&E->macs, max_macs, s[4], s[5] | 1)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static PyObject *engine_new(PyTypeObject *type, PyObject *args, PyObject *kw) {
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    (void)args;
    (void)kw;
    return alloc(type, 0); /* zeroed */
}

static void engine_dealloc(Engine *E) {
    PyTypeObject *type = Py_TYPE((PyObject *)E);
    freefunc release_memory = (freefunc)PyType_GetSlot(type, Py_tp_free);
    sessions_free(&E->sessions);
    macs_free(&E->macs);
    free(E->in.interfaces);
    release_memory(E);
    Py_DECREF(type);
}

static PyMethodDef METHODS[] = {
    {"feed", (PyCFunction)engine_feed, METH_VARARGS, "feed(data, start, end, packets, sessions)"},
    {"finish", (PyCFunction)engine_finish, METH_O, "finish(sessions)"},
    {"next_input", (PyCFunction)engine_next_input, METH_NOARGS, "next_input()"},
    {"totals", (PyCFunction)engine_totals, METH_NOARGS, "totals()"},
    {"macs", (PyCFunction)engine_macs, METH_VARARGS, "macs(first=0)"},
    {"links", (PyCFunction)engine_links, METH_NOARGS, "links()"},
    {"error", (PyCFunction)engine_error, METH_NOARGS, "error()"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot SLOTS[] = {
    {Py_tp_init, engine_init},
    {Py_tp_new, engine_new},
    {Py_tp_dealloc, engine_dealloc},
    {Py_tp_methods, METHODS},
    {Py_tp_doc, "Decode and sessions in one pass; see plugin/core/_reference.py."},
    {0, NULL},
};

static PyType_Spec SPEC = {"plugin.core._core.Engine", sizeof(Engine), 0, Py_TPFLAGS_DEFAULT, SLOTS};
static PyMethodDef FUNCTIONS[] = {
    {"net", predict_net, METH_VARARGS, "net((indptr, indices, data, n_columns), (W0, b0, W1, b1, scale), out)"},
    {"forest", predict_forest, METH_VARARGS,
     "forest((indptr, indices, data, n_columns), (feature, threshold, left, right, value, roots), n_classes, out)"},
    {"sos", select_sos, METH_VARARGS,
     "sos(rows, n_columns, (perplexity, squared, tolerance), (first, last), (out, beta, log_sum))"},
    {"behaviours", judge_capture, METH_VARARGS,
     "behaviours((sessions, macs, seconds, arp, uses), last, ports, rules, seed)"},
    {"flow_parts", part_flows, METH_VARARGS, "flow_parts(starts, time, limits, grid, least, drop)"},
    {"flow_pieces", take_pieces, METH_VARARGS, "flow_pieces(begin, end, (time, size, ttl, flags))"},
    {"flow_rows", rows_of_flows, METH_VARARGS,
     "flow_rows((starts, time, size, ttl, flags), (kind, header, window), width, out)"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_core", NULL, 0, FUNCTIONS, NULL, NULL, NULL, NULL};

static int add_type(PyObject *module, PyType_Spec *spec, const char *name) {
    PyObject *type = PyType_FromSpec(spec);
    if (type && !PyModule_AddObject(module, name, type)) return 1;
    Py_XDECREF(type);
    return 0;
}

PyMODINIT_FUNC PyInit__core(void) {
    PyObject *module = PyModule_Create(&MODULE);
    if (module && add_type(module, &SPEC, "Engine") && add_type(module, &DEMUX_SPEC, "Demux") &&
        add_type(module, &FLOW_SPEC, "FlowTable") && add_type(module, &WATCH_SPEC, "Watch"))
        return module;
    Py_XDECREF(module);
    return NULL;
}
