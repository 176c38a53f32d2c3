// The two protocols, as the exact bytes of each command and of each reply that is no surprise.

#ifndef DIALECT_H
#define DIALECT_H

#include <stddef.h>

enum { TEXT_BYTE_COUNT_MAX = 256 };

/// Text that may come or go on the wire; a NUL is not part of it.
struct text {
    char bytes[TEXT_BYTE_COUNT_MAX];
    size_t byte_count;
};

/// What does not depend on the key.
struct dialect {
    const char *name;
    const char *stored;      // the reply to a put
    const char *value_tail;  // what ends a get's reply, behind the value
    const char *not_found;   // the reply to a get that misses
    const char *exists;      // the replies to an exists; both have four bytes
    const char *absent;
    struct text (*put)(const char *key, size_t value_byte_count);  // up to the value, which a CR LF follows
    struct text (*get)(const char *key);
    struct text (*get_reply)(const char *key, size_t value_byte_count);  // up to the value
    struct text (*exist)(const char *key);
};

enum { EXISTS_REPLY_BYTE_COUNT = 4 };

/// The dialect of that name, or `NULL`.
const struct dialect *dialect_named(const char *name);

/// The redis command that authenticates.
struct text auth_command(const char *password);

#endif
