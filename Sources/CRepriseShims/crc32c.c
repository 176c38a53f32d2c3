#include "CRepriseShims.h"

#include <pthread.h>
#include <string.h>

// The instruction takes a word each cycle and answers three cycles later: three streams keep it busy. The
// checksums of the streams are joined by "shifting" the earlier ones over the bytes that follow them, which
// is linear, so that a table for each byte of the checksum does it.

#if defined(__x86_64__)
#include <nmmintrin.h>
#define TARGET __attribute__((target("sse4.2")))
#define STEP8(checksum, word) _mm_crc32_u64((checksum), (word))
#define STEP1(checksum, byte) _mm_crc32_u8((uint32_t)(checksum), (byte))
#define HAS_INSTRUCTION 1
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#define TARGET __attribute__((target("+crc")))
#define STEP8(checksum, word) __crc32cd((uint32_t)(checksum), (word))
#define STEP1(checksum, byte) __crc32cb((uint32_t)(checksum), (byte))
#define HAS_INSTRUCTION 1
#endif

#ifdef HAS_INSTRUCTION

enum { stream_byte_count = 4096, stream_count = 3 };

static uint32_t shifted[4][256];
static pthread_once_t shifted_once = PTHREAD_ONCE_INIT;

TARGET static uint64_t word_at(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

// Fills the tables that move a checksum over `stream_byte_count` zero bytes.
TARGET static void make_shifted(void) {
    for (int position = 0; position < 4; position++) {
        uint32_t bits[8];
        for (int bit = 0; bit < 8; bit++) {
            uint64_t checksum = (uint32_t)1 << (8 * position + bit);
            for (int offset = 0; offset < stream_byte_count; offset += 8) checksum = STEP8(checksum, 0);
            bits[bit] = (uint32_t)checksum;
        }
        for (int value = 0; value < 256; value++) {
            uint32_t sum = 0;
            for (int bit = 0; bit < 8; bit++) sum ^= (value >> bit & 1) ? bits[bit] : 0;
            shifted[position][value] = sum;
        }
    }
}

static inline uint32_t shift(uint32_t checksum) {
    return shifted[0][checksum & 255] ^ shifted[1][checksum >> 8 & 255] ^ shifted[2][checksum >> 16 & 255]
        ^ shifted[3][checksum >> 24];
}

TARGET uint32_t reprise_crc32c(uint32_t checksum, const void *start, size_t byte_count) {
    const uint8_t *bytes = start;
    uint64_t first = ~checksum;
    if (byte_count >= stream_count * stream_byte_count) pthread_once(&shifted_once, make_shifted);
    while (byte_count >= stream_count * stream_byte_count) {
        uint64_t second = 0, third = 0;
        for (size_t offset = 0; offset < stream_byte_count; offset += 8) {
            first = STEP8(first, word_at(bytes + offset));
            second = STEP8(second, word_at(bytes + stream_byte_count + offset));
            third = STEP8(third, word_at(bytes + 2 * stream_byte_count + offset));
        }
        first = shift(shift((uint32_t)first) ^ (uint32_t)second) ^ (uint32_t)third;
        bytes += stream_count * stream_byte_count;
        byte_count -= stream_count * stream_byte_count;
    }
    for (; byte_count >= 8; bytes += 8, byte_count -= 8) first = STEP8(first, word_at(bytes));
    for (; byte_count > 0; bytes++, byte_count--) first = STEP1(first, *bytes);
    return ~(uint32_t)first;
}

int reprise_has_crc32c(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("sse4.2");
#else
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#endif
}

#else

int reprise_has_crc32c(void) { return 0; }

uint32_t reprise_crc32c(uint32_t checksum, const void *start, size_t byte_count) {
    (void)start;
    (void)byte_count;
    return checksum;
}

#endif
