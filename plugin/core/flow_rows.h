/* Flows parted at their gaps, and made rows of numbers.
 *
 * plugin/flows/cut.py and features.py say what is done; by_numpy.py does the same, to the bit, where this is
 * not compiled.
 */
#ifndef HALIA_FLOW_ROWS_H
#define HALIA_FLOW_ROWS_H
#include <math.h>

#include "flow_table.h"

enum { ROW_IAT, ROW_SIZE, ROW_IAT_SIZE, ROW_STATS, ROW_SAMP_NUM, ROW_SAMP_SIZE, ROW_KINDS };
enum { ROW_FLAGS = 8, ROW_STATISTICS = 12, WINDOWS_MAX = 500 };
#define NANO 1e9

typedef struct {
    const i64 *starts, *time;
    const u32 *size;
    const u8 *ttl, *flags;
    u64 n, packets;
} flow_view;

static const char BAD_FLOWS[] = "a flow has no packet, or reaches out of the columns";

/* Whether every flow has packets, and they are there. */
static int flows_whole(const i64 *starts, u64 n, u64 packets) {
    if (starts[0]) return 0;
    for (u64 i = 0; i < n; i++)
        if (starts[i + 1] <= starts[i]) return 0;
    return (u64)starts[n] == packets;
}

/* Times are in order within a flow; where they are not, the gap is too long rather than undefined. */
static ALWAYS_INLINE u64 gap(i64 from, i64 to) { return (u64)to - (u64)from; }

/* Parts of flows: whose, from, to; each has room for all packets. */
typedef struct {
    i64 *flow, *begin, *end;
    u64 n;
} flow_part;

static ALWAYS_INLINE void part_end(flow_part *p, u64 flow, i64 begin, i64 end, u64 least) {
    if ((u64)(end - begin) < least) return;
    p->flow[p->n] = (i64)flow, p->begin[p->n] = begin, p->end[p->n++] = end;
}

/* The parts of at least so many packets; without the last of each flow that was parted, if asked. What the
 * grid is: plugin/flows/cut.py. */
static void flow_parts(const flow_view *v, const i64 *limits, int grid, u64 least, int drop, flow_part *p) {
    for (u64 f = 0; f < v->n; f++) {
        u64 limit = (u64)limits[f], start = 0, before = 0;
        i64 begin = v->starts[f], end = v->starts[f + 1], first = v->time[begin];
        for (i64 i = begin + 1; i < end; i++) {
            u64 now = gap(first, v->time[i]);
            if (now - before > limit) {
                part_end(p, f, begin, i, least);
                begin = i;
                start = grid && limit ? start + (now - start) / limit * limit : now;
                before = start;
            } else {
                before = now;
            }
        }
        if (!drop || begin == v->starts[f]) part_end(p, f, begin, end, least);
    }
}

/* The packets of parts, one part after the other. 0 = a part reaches out of the columns. */
static int flow_pieces(const flow_view *v, const i64 *begin, const i64 *end, u64 n, const flow_columns *c) {
    u64 at = 0;
    c->starts[0] = 0;
    for (u64 i = 0; i < n; i++) {
        u64 from = (u64)begin[i], some = (u64)end[i] - from;
        if (from > v->packets || some > v->packets - from || some > (u64)c->room - at) return 0;
        memcpy(c->time + at, v->time + from, some * sizeof *c->time);
        memcpy(c->size + at, v->size + from, some * sizeof *c->size);
        memcpy(c->ttl + at, v->ttl + from, some);
        memcpy(c->flags + at, v->flags + from, some);
        at += some;
        c->starts[i + 1] = (i64)at;
    }
    return at == c->room;
}

static int by_size(const void *a, const void *b) {
    u32 x = *(const u32 *)a, y = *(const u32 *)b;
    return (x > y) - (x < y);
}

static double quartile(const u32 *ordered, u64 n, double part) {
    double place = part * (double)(n - 1);
    u64 below = (u64)place, above = below + 1 < n ? below + 1 : n - 1;
    double low = ordered[below], high = ordered[above];
    return low + (high - low) * (place - (double)below);
}

/* The sum of squares is of what sizes are above the least, in whole numbers: it cannot cancel out. */
static void flow_statistics(const i64 *time, const u32 *size, u64 n, u32 *room, double *out) {
    double duration = (double)gap(time[0], time[n - 1]) / NANO;
    u64 total = 0, above = 0;
    unsigned __int128 squares = 0;
    memcpy(room, size, n * sizeof *room);
    qsort(room, n, sizeof *room, by_size);
    for (u64 i = 0; i < n; i++) {
        u64 more = room[i] - room[0];
        total += room[i], above += more, squares += more * more;
    }
    out[0] = duration;
    out[1] = duration > 0 ? (double)n / duration : 0;
    out[2] = duration > 0 ? (double)total / duration : 0;
    out[3] = (double)total / (double)n;
    out[4] = sqrt((double)(squares * n - (unsigned __int128)above * above)) / (double)n;
    out[5] = quartile(room, n, 0.25);
    out[6] = quartile(room, n, 0.5);
    out[7] = quartile(room, n, 0.75);
    out[8] = room[0];
    out[9] = room[n - 1];
    out[10] = (double)n;
    out[11] = (double)total;
}

static void flow_windows(const i64 *time, const u32 *size, u64 n, u64 window, int count, double *out, u64 width) {
    u64 current = 0, inside = count ? 1 : size[0], found = 0;
    for (u64 i = 1; i < n; i++) {
        u64 now = gap(time[0], time[i]), empty;
        if (now - current <= window || now < current) {
            inside += count ? 1 : size[i];
            continue;
        }
        current += window;
        if (found < width && found < WINDOWS_MAX) out[found] = (double)inside;
        empty = (now - current) / window;
        if (empty > WINDOWS_MAX) empty = WINDOWS_MAX;
        found += 1 + empty; /* of the empty ones the row already says 0 */
        current += empty * window;
        if (found > WINDOWS_MAX) return;
        inside = count ? 1 : size[i];
    }
    if (found < width) out[found] = (double)inside;
}

static void flow_sequence(const flow_view *v, u64 begin, u64 n, int kind, double *out, u64 width) {
    if (kind == ROW_SIZE) {
        for (u64 i = 0; i < n && i < width; i++) out[i] = v->size[begin + i];
        return;
    }
    u64 step = kind == ROW_IAT ? 1 : 2;
    for (u64 i = 0; i + 1 < n && i * step < width; i++) {
        out[i * step] = (double)gap(v->time[begin + i], v->time[begin + i + 1]) / NANO;
        if (step == 2 && 2 * i + 1 < width) out[2 * i + 1] = v->size[begin + i];
    }
    if (step == 2 && 2 * (n - 1) < width) out[2 * (n - 1)] = v->size[begin + n - 1];
}

static void flow_header(const flow_view *v, u64 begin, u64 n, double *out, u64 width) {
    u64 counts[ROW_FLAGS] = {0};
    for (u64 i = begin; i < begin + n; i++)
        for (int bit = 0; bit < ROW_FLAGS; bit++) counts[bit] += v->flags[i] >> bit & 1;
    for (int bit = 0; bit < ROW_FLAGS; bit++) out[bit] = (double)counts[bit];
    for (u64 i = 0; i < n && i < width; i++) out[ROW_FLAGS + i] = v->ttl[begin + i];
}

/* A row of zeros for each flow is filled; `width` is of the values, `room` for the packets of the longest flow. */
static void flow_rows(const flow_view *v, int kind, int header, u64 window, double *out, u64 width, u32 *room) {
    u64 headers = header ? ROW_FLAGS + width : 0;
    for (u64 f = 0; f < v->n; f++, out += headers + width) {
        u64 begin = (u64)v->starts[f], n = (u64)v->starts[f + 1] - begin;
        double *values = out + headers;
        if (header) flow_header(v, begin, n, out, width);
        if (kind == ROW_STATS)
            flow_statistics(v->time + begin, v->size + begin, n, room, values);
        else if (kind == ROW_SAMP_NUM || kind == ROW_SAMP_SIZE)
            flow_windows(v->time + begin, v->size + begin, n, window, kind == ROW_SAMP_NUM, values, width);
        else
            flow_sequence(v, begin, n, kind, values, width);
    }
}
#endif
