/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lease.pml - lease, attempt, fence and journal: two tickets, two workers, a manager that may crash once and go on from its journal.
 * What is modelled and what is left out: README.md. Each guard of the design can be taken away; lease.sh sees that a property
 * then fails.
 *
 * Each choice below is a message that arrives, or something that happens to a process, and is one step of the broker's core or of
 * the collector; which of them comes first is what is searched through.
 */
#include <states.def>

/* The environment says which guard is taken away, so the searcher is built once: WITHOUT=3 ./pan */
c_decl {
    \#include <stdlib.h>
    static int without (int guard)
    {
        static int chosen = -1;
        if (chosen < 0)
            chosen = getenv ("WITHOUT") ? atoi (getenv ("WITHOUT")) : 0;
        return chosen == guard;
    }
}
#define WITHOUT(guard) c_expr { without (guard) }

#define NO_COME_BACK WITHOUT (1) /* what a lost worker had waits again */
#define NO_MAXIMUM WITHOUT (2)   /* a ticket that fails so often is dead */
#define NO_FENCE WITHOUT (3)     /* who was given up is not heard when its ticket has ended */
#define NO_STALE WITHOUT (4)     /* nor is a second holder */
#define COUNTS_EARLY WITHOUT (5) /* what is counted is in the journal */
#define NO_SKIP WITHOUT (6)      /* what was answered before does not run again */
#define NO_REPLAY WITHOUT (7)    /* and is in the dictionary of the run that goes on */
#define NO_RUN_CHECK WITHOUT (8) /* a message of another run is not heard */
#define EXIT_LIES WITHOUT (9)    /* 0 means that all was answered */

#ifndef ATTEMPTS_MAX
#define ATTEMPTS_MAX 3
#endif
#ifndef FAULTS
#define FAULTS 4 /* workers lost, and refusals */
#endif

mtype = { CORE_STATES }
mtype = { CORE_HAPPENINGS }
mtype = { CORE_VERDICTS }

/* ---- the broker's ledger -------------------------------------------------------------------------------------------- */

bool open[2];
byte lane[2];     /* the worker that holds it, plus 1; 0: it waits */
byte copy[2];     /* the second one */
byte attempt[2];  /* pushes so far */
byte held[2];     /* the attempt that `lane` has; `copy` has the last one */
byte strikes[2];  /* failures */
byte handed[2];   /* the worker that it was handed over from, plus 1 */
bool excused[2];  /* it failed while another had it, who then left without a failure */
byte put;         /* tickets that the feeder has come to */

/* ---- workers: attempts by bit, of worker w at ticket t: has[2 * w + t] ------------------------------------------------ */

byte has[4];
bool down[2];     /* nobody is in that slot any more */
bool ghost[2];    /* somebody who was given up, or died with its last words under way, may still say done */
bool older[2];    /* the same, by handle, of the run before the crash */
bool shifted;     /* ticket 1 has the handle that ticket 0 has in a run that skips nothing */

/* ---- the manager ----------------------------------------------------------------------------------------------------- */

byte told[2];     /* its result is on the way to the collector, or gathered there */
byte kept[2];     /* its result is in the journal, and not in the dictionary yet */
bool journal[2];  /* its answer is in the journal */
byte dict[2];     /* entries of the dictionary */
bool is_dead[2];  /* what all these say */
bool finished;

/* ---- the world ------------------------------------------------------------------------------------------------------- */

byte faults = FAULTS;
bool crashed, handed_over, copied;
bool reported[2]; /* somebody has seen the answer: it was in the dictionary */

byte state, verdict;
byte a, at;

#define BIT(n) (1 << (n))
#define HOLDS(w) ((lane[0] == w + 1) + (lane[1] == w + 1) + (copy[0] == w + 1) + (copy[1] == w + 1))
#define WAITS(t) (open[t] && lane[t] == 0)
#define OTHER(w) (1 - w)

#define STATE(t) (!open[t] -> ENDED : (lane[t] == 0 -> WAITING : (copy[t] == 0 -> HELD : SHARED)))

/* The table that broker/core/ledger.c has: of its rows one applies. */
inline judge (t, happening)
{
    state = STATE (t);
#define ROW(s, h, v) (state == s && happening == h) * v +
    verdict = CORE_STATE_TABLE (ROW) 0;
    assert (verdict != CANNOT_BE)
}

/* Any attempt out of a set that is not empty. */
inline pick (set)
{
    a = 1;
    do
    :: (set & BIT (a)) -> break
    :: (set >> (a + 1)) -> a++
    od
}

inline forget (t)
{
    open[t] = false; lane[t] = 0; copy[t] = 0; held[t] = 0; handed[t] = 0;
    attempt[t] = 0; strikes[t] = 0; excused[t] = false
}

/* A ticket has one result, in each run. */
inline answer (t)
{
    assert (told[t] + kept[t] + dict[t] == 0);
    told[t] = 1;
    forget (t)
}

inline die (t)
{
    assert (told[t] + kept[t] + dict[t] == 0);
    told[t] = 1; is_dead[t] = true;
    forget (t)
}

inline give (t, w)
{
    attempt[t]++;
    has[2 * w + t] = has[2 * w + t] | BIT (attempt[t])
}

inline push (t, w)
{
    judge (t, PUSHED);
    assert (verdict == IS_HELD);
    assert (strikes[t] < ATTEMPTS_MAX || excused[t]); /* else it is dead */
    give (t, w);
    held[t] = attempt[t];
    lane[t] = w + 1
}

inline come_back (t)
{
    if
    :: NO_COME_BACK
    :: else -> lane[t] = 0; held[t] = 0
    fi
}

inline strike (t)
{
    strikes[t]++;
    assert (strikes[t] <= ATTEMPTS_MAX + 1) /* one more than the maximum: see "its holder decides" in README.md */
}

#define IS_OUT(t) (strikes[t] >= ATTEMPTS_MAX && !NO_MAXIMUM)

/* The only holder has failed. */
inline fail (t)
{
    strike (t);
    if
    :: IS_OUT (t) -> die (t)
    :: else -> come_back (t)
    fi
}

inline leave_to_the_other (t, w)
{
    if
    :: copy[t] == w + 1 -> copy[t] = 0
    :: else -> lane[t] = copy[t]; held[t] = attempt[t]; copy[t] = 0
    fi
}

/* ---- what is heard --------------------------------------------------------------------------------------------------- */

/* Of those attempts that are held it is known who has them; older ones any lane of the queue may speak for. */
#define MAY_SPEAK(t, w)                                                                                                \
    ((copy[t] && a == attempt[t]) -> copy[t] == w + 1                                                                  \
                                  : ((lane[t] && a == held[t]) -> lane[t] == w + 1 : a <= attempt[t]))
#define HOLDS_IT(t, w) ((lane[t] == w + 1 && a == held[t]) || (copy[t] == w + 1 && a == attempt[t]))

inline done (t, w)
{
    judge (t, DONE);
    if
    :: verdict == IS_ANSWERED && MAY_SPEAK (t, w) -> answer (t)
    :: verdict == IS_STALE && NO_STALE -> answer (t)
    :: else
    fi
}

inline refused (t, w)
{
    if
    :: HOLDS_IT (t, w) -> judge (t, REFUSED)
    :: else -> judge (t, OLD_REFUSAL)
    fi;
    if
    :: verdict == FAILS -> fail (t)
    :: verdict == STAYS -> strike (t); leave_to_the_other (t, w)
    :: else
    fi
}

/* Who was given up says done: heard while the ticket is open, since it can have no other holder of that attempt. There may be
 * more such. */
inline late (t)
{
    judge (t, DONE);
    if
    :: verdict == IS_ANSWERED && open[t] ->
        answer (t);
        if
        :: true
        :: ghost[t] = false
        fi
    :: else ->
        ghost[t] = false;
        if
        :: NO_FENCE -> answer (t)
        :: else
        fi
    fi
}

/* The worker's session is gone, while it was at ticket `at` - 1; 0: at none, or it has said BYE. */
inline lose (t, w)
{
    if
    :: lane[t] == w + 1 || copy[t] == w + 1 ->
        judge (t, LOST);
        if
        :: verdict == STAYS && at == t + 1 -> strike (t); leave_to_the_other (t, w)
        :: verdict == STAYS && at != t + 1 -> leave_to_the_other (t, w)
        :: verdict == COMES_BACK && at == t + 1 -> fail (t)
        :: verdict == COMES_BACK && at != t + 1 -> come_back (t)
        :: else
        fi
    :: lane[t] != w + 1 && copy[t] != w + 1 && handed[t] == w + 1 && at == t + 1 ->
        strike (t); /* blamed for what it was handed over from; who holds it now decides */
        if
        :: lane[t] == 0 && IS_OUT (t) -> die (t)
        :: lane[t] != 0 -> excused[t] = IS_OUT (t)
        :: else
        fi
    :: else
    fi;
    handed[t] = (handed[t] == w + 1 -> 0 : handed[t]);
    if /* its last words come some time, or never */
    :: ghost[t] = ghost[t] || has[2 * w + t]
    :: true
    fi;
    has[2 * w + t] = 0
}

/* ---- the collector, the manager's end and its second life ---------------------------------------------------------------- */

/* One group: what has come by now, of the tickets of this set. */
#define COMMIT(set)                                                                                                    \
    atomic { (!((set) & 1) || told[0]) && (!((set) & 2) || told[1]) && kept[0] + kept[1] == 0 ->                       \
             if                                                                                                        \
             :: ((set) & 1) -> write (0); told[0] = 0; kept[0] = 1                                                     \
             :: else                                                                                                   \
             fi;                                                                                                       \
             if                                                                                                        \
             :: ((set) & 2) -> write (1); told[1] = 0; kept[1] = 1                                                     \
             :: else                                                                                                   \
             fi }

/* Only an answer keeps its ticket from being run again. */
inline write (t)
{
    journal[t] = journal[t] || !is_dead[t]
}

/* The group goes to the dictionary, and is acknowledged. */
inline count (t)
{
    dict[t]++;
    reported[t] = reported[t] || !is_dead[t];
    assert (dict[t] == 1) /* at most once */
}

/* A write of a group that was under way is in the file, or not, or in part. */
inline tear (t)
{
    if
    :: true
    :: told[t] -> write (t)
    fi
}

inline begin_again (t)
{
    assert (!reported[t] || journal[t]); /* what was reported survives */
    older[t] = NO_RUN_CHECK && (ghost[t] || has[t] || has[2 + t]); /* else it is as if they had never come */
    ghost[t] = false; has[t] = 0; has[2 + t] = 0; down[t] = false;
    forget (t);
    told[t] = 0; kept[t] = 0; is_dead[t] = false;
    dict[t] = journal[t] && !NO_REPLAY
}

/* ---- what may happen next ------------------------------------------------------------------------------------------------ */

/* What a step was about means nothing behind it. An attempt is only ever compared: when nobody has one, it may be any. */
#define FADE(t)                                                                                                        \
    if                                                                                                                 \
    :: WAITS (t) && has[t] == 0 && has[2 + t] == 0 -> attempt[t] = 0                                                   \
    :: else                                                                                                            \
    fi
#define SETTLE a = 0; at = 0; state = 0; verdict = 0; FADE (0); FADE (1)

#define TICKET(t)                                                                                                      \
    :: atomic { WAITS (t) && !down[w] && HOLDS (w) < 2 -> push (t, w); SETTLE }                                        \
    :: atomic { has[2 * w + t] -> pick (has[2 * w + t]); has[2 * w + t] = has[2 * w + t] & ~BIT (a);                   \
                if                                                                                                     \
                :: done (t, w)                                                                                         \
                :: faults > 0 -> faults--; refused (t, w)                                                              \
                fi;                                                                                                    \
                SETTLE }                                                                                               \
    :: atomic { !handed_over && open[0] && open[1] && lane[0] == w + 1 && lane[1] == w + 1 && !down[OTHER (w)] &&      \
                HOLDS (OTHER (w)) == 0 ->                                                                              \
                handed_over = true; come_back (t); handed[t] = w + 1; push (t, OTHER (w)); SETTLE }                    \
    :: atomic { !copied && put == 2 && !WAITS (0) && !WAITS (1) && open[t] && lane[t] == w + 1 && copy[t] == 0 &&      \
                strikes[t] == 0 && !down[OTHER (w)] && HOLDS (OTHER (w)) == 0 ->                                       \
                copied = true; judge (t, COPIED); assert (verdict == IS_SHARED);                                       \
                give (t, OTHER (w)); copy[t] = OTHER (w) + 1; SETTLE }

active [2] proctype worker ()
{
    byte w = _pid;
end:
    do
    TICKET (0)
    TICKET (1)
    :: atomic { faults > 0 && !down[w] -> faults--;
                if /* it can only be at a ticket that it has */
                :: true
                :: has[2 * w] -> at = 1
                :: has[2 * w + 1] -> at = 2
                fi;
                lose (0, w); lose (1, w);
                if /* slot 0 is always filled again: the healthy worker that remains */
                :: true
                :: w == 1 -> down[1] = true
                fi;
                SETTLE }
    od
}

#define LATE(t) :: atomic { ghost[t] -> late (t); SETTLE }

/* A handle of the run before means another ticket by now. */
#define OLDER(t)                                                                                                       \
    :: atomic { older[t] -> older[t] = false;                                                                          \
                if                                                                                                     \
                :: t + shifted < 2 && open[t + shifted] -> assert (!shifted)                                           \
                :: else                                                                                                \
                fi }

#define COUNT(t)                                                                                                       \
    :: atomic { kept[t] -> kept[t] = 0; count (t) }                                                                    \
    :: atomic { COUNTS_EARLY && told[t] -> told[t] = 0; count (t) }

#define IS_SKIPPED (journal[put] && !NO_SKIP)
/* All has ended: the answers are counted, or else it is told that there are none. */
#define IS_ANSWERED_ONCE(t) (dict[t] == 1 && !is_dead[t])
#define EXIT_IS_0 ((IS_ANSWERED_ONCE (0) && IS_ANSWERED_ONCE (1)) || EXIT_LIES)
#define IS_OVER                                                                                                        \
    (put == 2 && !open[0] && !open[1] && told[0] + told[1] + kept[0] + kept[1] == 0)

active proctype manager ()
{
    do
    :: atomic { put < 2 ->
                if
                :: IS_SKIPPED -> shifted = (put == 0)
                :: else -> open[put] = true
                fi;
                put++ }
    LATE (0)
    LATE (1)
    OLDER (0)
    OLDER (1)
    :: COMMIT (1)
    :: COMMIT (2)
    :: COMMIT (3)
    COUNT (0)
    COUNT (1)
    :: atomic { !crashed -> crashed = true; tear (0); tear (1); begin_again (0); begin_again (1); put = 0 }
    :: atomic { IS_OVER -> finished = true; break }
    od;
    assert (!EXIT_IS_0 || (IS_ANSWERED_ONCE (0) && IS_ANSWERED_ONCE (1)));
    assert (dict[0] == 1 && dict[1] == 1); /* none is missing */
    assert ((!reported[0] || IS_ANSWERED_ONCE (0)) && (!reported[1] || IS_ANSWERED_ONCE (1)))
}
