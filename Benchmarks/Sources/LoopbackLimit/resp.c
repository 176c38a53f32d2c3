// RESP at its limit: SET, GET and EXISTS exactly as ValueBench writes them, compared instead of parsed.
//
// A value's buffer follows from the digits of its key, so that ValueBench gets back what it stored; EXISTS
// always finds. What one recv brought is answered by one send, as a server does that batches pipelines.

#include "limit.h"

#include <stdio.h>
#include <string.h>

// Room for a pipeline of 32 EXISTS; what it catches of a value is copied once more, 0.2 % of 4 MiB.
enum { INPUT_BYTE_COUNT = 8192, TEXT_BYTE_COUNT_MAX = 64 };

/// A command without its key: the bytes in front of the key and behind it.
struct command {
    char head[TEXT_BYTE_COUNT_MAX];
    char tail[TEXT_BYTE_COUNT_MAX];
    size_t head_bytes;
    size_t tail_bytes;
};

/// What one connection has received and not yet answered, and answered and not yet sent.
struct session {
    int descriptor;
    size_t start;
    size_t end;
    size_t reply_bytes;
    char input[INPUT_BYTE_COUNT];
    char replies[INPUT_BYTE_COUNT];
};

static struct command set_command, get_command, exists_command;
static char get_reply_head[TEXT_BYTE_COUNT_MAX];

static void prepare(struct command *command, unsigned part_count, const char *name, const char *tail) {
    snprintf(command->head, sizeof command->head, "*%u\r\n$%zu\r\n%s\r\n$%d\r\n", part_count, strlen(name),
             name, KEY_BYTE_COUNT);
    snprintf(command->tail, sizeof command->tail, "\r\n%s", tail);
    command->head_bytes = strlen(command->head);
    command->tail_bytes = strlen(command->tail);
}

void prepare_resp(void) {
    snprintf(get_reply_head, sizeof get_reply_head, "$%zu\r\n", value_byte_count);
    prepare(&set_command, 3, "SET", get_reply_head);
    prepare(&get_command, 2, "GET", "");
    prepare(&exists_command, 2, "EXISTS", "");
}

/// The key of the next command if it is `command` and whole, having passed over it; else `NULL`.
static const char *take(struct session *session, const struct command *command) {
    const char *text = session->input + session->start;
    size_t byte_count = command->head_bytes + KEY_BYTE_COUNT + command->tail_bytes;
    if (session->end - session->start < byte_count || memcmp(text, command->head, command->head_bytes) != 0) {
        return NULL;
    }
    const char *key = text + command->head_bytes;
    if (memcmp(key + KEY_BYTE_COUNT, command->tail, command->tail_bytes) != 0) {
        return NULL;
    }
    session->start += byte_count;
    return key;
}

static char *buffer_of(const char *key) { return ring_value(&ring, number_of_key(key)); }

static int flush(struct session *session) {
    size_t byte_count = session->reply_bytes;
    session->reply_bytes = 0;
    return byte_count == 0 ? 0 : send_all(session->descriptor, session->replies, byte_count, NULL, 0);
}

/// Puts off a reply until everything that has been received is answered.
static int reply(struct session *session, const char *text, size_t byte_count) {
    if (session->reply_bytes + byte_count > sizeof session->replies && flush(session) != 0) {
        return -1;
    }
    memcpy(session->replies + session->reply_bytes, text, byte_count);
    session->reply_bytes += byte_count;
    return 0;
}

/// Receives a value and its CR LF, of which the input may hold the beginning.
static int receive_value(struct session *session, char *buffer) {
    size_t byte_count = value_byte_count + 2;
    size_t held = session->end - session->start < byte_count ? session->end - session->start : byte_count;
    memcpy(buffer, session->input + session->start, held);
    session->start += held;
    if (receive_all(session->descriptor, buffer + held, byte_count - held) != 0) {
        return -1;
    }
    return reply(session, "+OK\r\n", 5);
}

/// Answers the command at the start of the input. Returns 1, 0 if there is no whole command, or -1.
static int serve_command(struct session *session) {
    const char *key;
    int status;
    if (take(session, &exists_command) != NULL) {
        status = reply(session, ":1\r\n", 4);
    } else if ((key = take(session, &set_command)) != NULL) {
        status = receive_value(session, buffer_of(key));
    } else if ((key = take(session, &get_command)) != NULL) {
        status = flush(session);
        if (status == 0) {
            status = send_all(session->descriptor, get_reply_head, strlen(get_reply_head), buffer_of(key),
                              value_byte_count + 2);
        }
    } else {
        return 0;
    }
    return status == 0 ? 1 : -1;
}

void serve_resp(int descriptor) {
    struct session session = {.descriptor = descriptor};
    int status = 0;
    while (status == 0) {
        // A full input without a whole command is no command of ours: recv then gets no room, and ends it.
        memmove(session.input, session.input + session.start, session.end - session.start);
        session.end -= session.start;
        session.start = 0;
        size_t room = sizeof session.input - session.end;
        ssize_t count = receive_some(descriptor, session.input + session.end, room);
        if (count <= 0) {
            return;
        }
        session.end += (size_t)count;
        do {
            status = serve_command(&session);
        } while (status > 0);
        if (status == 0) {
            status = flush(&session);
        }
    }
}
