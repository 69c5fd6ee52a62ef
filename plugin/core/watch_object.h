/* What single packets tell that no session record holds: counts by second, ARP, and who uses his address.
 *
 * plugin/sessions/watch.py and plugin/sessions/uses.py say what is told, and do the same where this is not
 * compiled. Records are copied before they are looked at; whatever they hold, nothing is read but the tables
 * here.
 */
#ifndef HALIA_WATCH_OBJECT_H
#define HALIA_WATCH_OBJECT_H
#include "lru.h"
#include "seconds.h"

enum { RECENT_USES = 64 };

typedef struct {
    i64 time;
    i32 mac, arp_sha;
    u16 operation;
    u8 src_ip[16], dst_ip[16], reserved[6];
} arp_row;

typedef struct {
    i64 time;
    i32 mac;
    u8 ip[16], reserved[4];
} use_row;

_Static_assert(sizeof(arp_row) == 56, "arp layout");
_Static_assert(sizeof(use_row) == 32, "uses layout");

typedef struct {
    i64 second;
    int told;
} use;

/* A look-up of before: its outcome for a second stands until a pair is met. */
typedef struct {
    i64 second;
    u8 ip[16];
    i32 mac;
} recent_use;

typedef struct {
    PyObject_HEAD
    counts counts;
    lru pairs; /* of a device and its address: when it was told last */
    u64 most;
    u8 *ports;
    recent_use recent[RECENT_USES];
    arp_row *arp;
    use_row *uses;
    u64 n_arp, n_uses, arp_room, uses_room;
    int busy;
} Watch;

static void watch_forget(Watch *w) {
    for (int i = 0; i < RECENT_USES; i++) w->recent[i].mac = -1;
}

/* Room for one more row. 0 = out of memory. */
static int one_more(void *rows, u64 *room, u64 n, u64 size) {
    void **place = rows, *more;
    if (n < *room) return 1;
    more = realloc(*place, (*room + 64) * 2 * size);
    if (!more) return 0;
    *place = more;
    *room = (*room + 64) * 2;
    return 1;
}

static ALWAYS_INLINE int is_v4(const u8 *ip) {
    static const u8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return !memcmp(ip, mapped, 12);
}

/* ARP gives an address to a device. */
static int watch_meet(Watch *w, const packet *k) {
    lru_key key = key_of_ip(k->src_ip, (u64)k->arp_sha, 0);
    int fresh;
    if (!is_v4(k->src_ip)) return 1;
    if (!lru_touch(&w->pairs, &key, &fresh)) return 0;
    if (fresh) watch_forget(w);
    if (w->pairs.count > w->most) lru_remove(&w->pairs, lru_oldest(&w->pairs));
    return 1;
}

static ALWAYS_INLINE int watch_use(Watch *w, const packet *k) {
    i64 second = k->time / A_SECOND - (k->time % A_SECOND < 0);
    recent_use *seen = w->recent + (u32)k->src_mac % RECENT_USES;
    lru_key key;
    use *known;
    if (seen->mac == k->src_mac && seen->second == second && !memcmp(seen->ip, k->src_ip, 16)) return 1;
    seen->mac = k->src_mac;
    seen->second = second;
    memcpy(seen->ip, k->src_ip, 16);
    key = key_of_ip(k->src_ip, (u64)k->src_mac, 0);
    known = lru_find(&w->pairs, &key);
    if (!known || (known->told && known->second == second)) return 1;
    known->told = 1;
    known->second = second;
    lru_renew(&w->pairs, known);
    if (!one_more(&w->uses, &w->uses_room, w->n_uses, sizeof *w->uses)) return 0;
    w->uses[w->n_uses] = (use_row){.time = k->time, .mac = k->src_mac};
    memcpy(w->uses[w->n_uses++].ip, k->src_ip, 16);
    return 1;
}

static int watch_arp(Watch *w, const packet *k) {
    arp_row *row;
    if (k->arp_sha < 0) return 1;
    if (!watch_meet(w, k)) return 0;
    if (k->src_mac < 0) return 1;
    if (!one_more(&w->arp, &w->arp_room, w->n_arp, sizeof *w->arp)) return 0;
    row = w->arp + w->n_arp++;
    *row = (arp_row){.time = k->time, .mac = k->src_mac, .arp_sha = k->arp_sha, .operation = k->arp_op};
    memcpy(row->src_ip, k->src_ip, 16);
    memcpy(row->dst_ip, k->dst_ip, 16);
    return 1;
}

/* 0 = out of memory. */
static int watch_packets(Watch *w, const u8 *records, u64 n) {
    packet k;
    w->n_arp = w->n_uses = 0;
    if (!counts_begin(&w->counts, n)) return 0;
    for (u64 i = 0; i < n; i++) {
        memcpy(&k, records + i * sizeof k, sizeof k);
        if (k.arp_op) {
            if (!watch_arp(w, &k)) return 0;
        } else if (w->pairs.count && k.src_mac >= 0 && is_v4(k.src_ip) && !watch_use(w, &k)) {
            return 0;
        }
        count_packet(&w->counts, &k, w->ports);
    }
    return 1;
}

static PyObject *watch_feed(Watch *w, PyObject *packets) {
    Py_buffer records;
    PyObject *found = NULL;
    int done;
    if (PyObject_GetBuffer(packets, &records, PyBUF_SIMPLE)) return NULL;
    if (!w->ports || w->busy) {
        PyErr_SetString(PyExc_RuntimeError, "this watch was not set up, or is in use by another thread");
    } else if ((u64)records.len % sizeof(packet) || (u64)records.len / sizeof(packet) > UINT32_MAX / 4) {
        PyErr_SetString(PyExc_ValueError, "whole records are expected");
    } else {
        w->busy = 1;
        Py_BEGIN_ALLOW_THREADS
        done = watch_packets(w, records.buf, (u64)records.len / sizeof(packet));
        Py_END_ALLOW_THREADS
        w->busy = 0;
        if (done)
            found = Py_BuildValue("y#y#y#", w->counts.rows, (Py_ssize_t)(w->counts.n * sizeof(counted)),
                                  w->arp ? (char *)w->arp : "", (Py_ssize_t)(w->n_arp * sizeof *w->arp),
                                  w->uses ? (char *)w->uses : "", (Py_ssize_t)(w->n_uses * sizeof *w->uses));
        else
            PyErr_NoMemory();
    }
    PyBuffer_Release(&records);
    return found;
}

static int watch_init(Watch *w, PyObject *args, PyObject *kw) {
    static char *names[] = {"ports", "most", "seed", NULL};
    const char *ports, *seed;
    Py_ssize_t ports_len, seed_len;
    unsigned long long most;
    u64 s[2];
    if (!PyArg_ParseTupleAndKeywords(args, kw, "y#Ky#", names, &ports, &ports_len, &most, &seed, &seed_len)) return -1;
    if (ports_len != PORTS || seed_len != sizeof s || !most || w->ports) {
        PyErr_SetString(PyExc_ValueError, "Watch: a table of all ports, a limit and 16 bytes of seed, set up once");
        return -1;
    }
    memcpy(s, seed, sizeof s);
    memcpy(w->counts.seed, s, sizeof s);
    w->most = most;
    watch_forget(w);
    w->ports = malloc(PORTS);
    if (!w->ports || !lru_init(&w->pairs, sizeof(use), s)) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(w->ports, ports, PORTS);
    return 0;
}

static PyObject *watch_new(PyTypeObject *type, PyObject *args, PyObject *kw) {
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    (void)args;
    (void)kw;
    return alloc(type, 0); /* zeroed */
}

static void watch_dealloc(Watch *w) {
    PyTypeObject *type = Py_TYPE((PyObject *)w);
    freefunc release_memory = (freefunc)PyType_GetSlot(type, Py_tp_free);
    counts_free(&w->counts);
    lru_free(&w->pairs);
    free(w->ports);
    free(w->arp);
    free(w->uses);
    release_memory(w);
    Py_DECREF(type);
}

static PyMethodDef WATCH_METHODS[] = {
    {"feed", (PyCFunction)watch_feed, METH_O, "feed(packets)"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot WATCH_SLOTS[] = {
    {Py_tp_init, watch_init},
    {Py_tp_new, watch_new},
    {Py_tp_dealloc, watch_dealloc},
    {Py_tp_methods, WATCH_METHODS},
    {Py_tp_doc, "What single packets tell; see plugin/sessions/watch.py."},
    {0, NULL},
};

static PyType_Spec WATCH_SPEC = {"plugin.core._core.Watch", sizeof(Watch), 0, Py_TPFLAGS_DEFAULT, WATCH_SLOTS};
#endif
