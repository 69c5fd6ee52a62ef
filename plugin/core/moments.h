/* Rows in order of time: captures are nearly so, and of one time their order stays. */
#ifndef HALIA_MOMENTS_H
#define HALIA_MOMENTS_H
#include "wire.h"

enum { RUN = 16 };

typedef struct {
    i64 time;
    u32 row;
} moment;

static int sort_moments(moment *some, u64 n) {
    moment *left;
    u64 late = 0;
    for (u64 i = 1; i < n; i++) late += some[i].time < some[i - 1].time;
    if (!late) return 1;
    left = malloc(n * sizeof *left);
    if (!left) return 0;
    for (u64 begin = 0; begin < n; begin += RUN)
        for (u64 i = begin + 1; i < n && i < begin + RUN; i++) {
            moment one = some[i];
            u64 at = i;
            for (; at > begin && some[at - 1].time > one.time; at--) some[at] = some[at - 1];
            some[at] = one;
        }
    for (u64 size = RUN; size < n; size *= 2)
        for (u64 begin = 0; begin + size < n; begin += 2 * size) {
            u64 end = begin + 2 * size < n ? begin + 2 * size : n, a = 0, b = begin + size, to = begin;
            if (some[b - 1].time <= some[b].time) continue;
            memcpy(left, some + begin, size * sizeof *left);
            while (a < size) some[to++] = b < end && some[b].time < left[a].time ? some[b++] : left[a++];
        }
    free(left);
    return 1;
}
#endif
