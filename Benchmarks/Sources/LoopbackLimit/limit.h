// The ring of buffers that stands for a store, and the two protocols over it.

#ifndef LIMIT_H
#define LIMIT_H

#include <stddef.h>

#include "LoopbackSupport.h"

extern size_t value_byte_count;
extern struct ring ring;

/// Answers one lm:// request (0.5.6 headers). Returns 0, or -1 when the connection is over.
int serve_lm(int descriptor);

/// Prepares what `serve_resp` compares with; the ring's sizes must be set.
void prepare_resp(void);

/// Answers RESP commands until the connection is over.
void serve_resp(int descriptor);

#endif
