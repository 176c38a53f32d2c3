extension CUDAFakeRuntime {
    /// Two devices; a device address is a host address with a bit set that no pointer can have.
    static let source = #"""
        #include <pthread.h>
        #include <stdarg.h>
        #include <stddef.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>

        #define DEVICE_COUNT 2
        #define DEVICE_BIT ((uintptr_t)1 << 60)
        #define ALLOCATION_MAX 64
        #define JOURNAL_SIZE 65536
        enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_DEVICE = 101 };

        static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        static _Thread_local int current_device = 0;
        static _Thread_local int last_error = SUCCESS;
        static struct { char *base; size_t size; int device; } allocations[ALLOCATION_MAX];
        static void *registrations[ALLOCATION_MAX];
        static char journal[JOURNAL_SIZE];
        static char failing_function[64];
        static int failing_status;

        static void note(const char *format, ...) {
            size_t used = strlen(journal);
            va_list arguments;
            va_start(arguments, format);
            vsnprintf(journal + used, JOURNAL_SIZE - used, format, arguments);
            va_end(arguments);
        }

        static int injected(const char *function) {
            if (failing_status == SUCCESS || strcmp(failing_function, function) != 0) return SUCCESS;
            int status = failing_status;
            failing_status = SUCCESS;
            return status;
        }

        static int finish(int status) {
            if (status != SUCCESS) last_error = status;
            pthread_mutex_unlock(&mutex);
            return status;
        }

        // The host address behind a device address of the current device, or NULL.
        static char *resolve(const void *address, size_t size) {
            if (!((uintptr_t)address & DEVICE_BIT)) return NULL;
            char *host = (char *)((uintptr_t)address & ~DEVICE_BIT);
            for (int i = 0; i < ALLOCATION_MAX; i++)
                if (allocations[i].base && allocations[i].device == current_device
                    && host >= allocations[i].base
                    && host + size <= allocations[i].base + allocations[i].size)
                    return host;
            return NULL;
        }

        int cudaGetDeviceCount(int *count) {
            pthread_mutex_lock(&mutex);
            note("cudaGetDeviceCount\n");
            *count = DEVICE_COUNT;
            return finish(injected("cudaGetDeviceCount"));
        }

        int cudaGetDevice(int *device) {
            pthread_mutex_lock(&mutex);
            *device = current_device;
            return finish(injected("cudaGetDevice"));
        }

        int cudaSetDevice(int device) {
            pthread_mutex_lock(&mutex);
            note("cudaSetDevice %d\n", device);
            int status = injected("cudaSetDevice");
            if (status == SUCCESS && (device < 0 || device >= DEVICE_COUNT)) status = INVALID_DEVICE;
            if (status == SUCCESS) current_device = device;
            return finish(status);
        }

        int cudaMalloc(void **address, size_t size) {
            pthread_mutex_lock(&mutex);
            note("cudaMalloc %zu\n", size);
            int status = injected("cudaMalloc");
            if (status != SUCCESS) return finish(status);
            for (int i = 0; i < ALLOCATION_MAX; i++) {
                if (allocations[i].base) continue;
                allocations[i].base = calloc(1, size);
                allocations[i].size = size;
                allocations[i].device = current_device;
                *address = (void *)((uintptr_t)allocations[i].base | DEVICE_BIT);
                return finish(SUCCESS);
            }
            return finish(OUT_OF_MEMORY);
        }

        int cudaFree(void *address) {
            pthread_mutex_lock(&mutex);
            note("cudaFree\n");
            char *host = resolve(address, 0);
            for (int i = 0; host && i < ALLOCATION_MAX; i++) {
                if (allocations[i].base != host) continue;
                free(host);
                allocations[i].base = NULL;
                return finish(SUCCESS);
            }
            return finish(INVALID_VALUE);
        }

        static int copy_rows(char *to, size_t to_pitch, const char *from, size_t from_pitch, size_t width,
                             size_t height, int kind) {
            size_t to_size = (height - 1) * to_pitch + width, from_size = (height - 1) * from_pitch + width;
            if (width > to_pitch || width > from_pitch) return INVALID_VALUE;
            if (kind == 1) to = resolve(to, to_size);
            else if (kind == 2) from = resolve(from, from_size);
            else return INVALID_VALUE;
            if (!to || !from) return INVALID_VALUE;
            for (size_t row = 0; row < height; row++)
                memcpy(to + row * to_pitch, from + row * from_pitch, width);
            return SUCCESS;
        }

        int cudaMemcpy(void *to, const void *from, size_t size, int kind) {
            pthread_mutex_lock(&mutex);
            note("cudaMemcpy %zu kind %d\n", size, kind);
            int status = injected("cudaMemcpy");
            if (status == SUCCESS) status = copy_rows(to, size, from, size, size, 1, kind);
            return finish(status);
        }

        int cudaMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                         size_t height, int kind) {
            pthread_mutex_lock(&mutex);
            note("cudaMemcpy2D pitch %zu from %zu width %zu height %zu kind %d\n",
                 to_pitch, from_pitch, width, height, kind);
            int status = injected("cudaMemcpy2D");
            if (status == SUCCESS) status = copy_rows(to, to_pitch, from, from_pitch, width, height, kind);
            return finish(status);
        }

        int cudaHostRegister(void *address, size_t size, unsigned flags) {
            pthread_mutex_lock(&mutex);
            note("cudaHostRegister %zu flags %u\n", size, flags);
            int status = injected("cudaHostRegister");
            if (status != SUCCESS) return finish(status);
            for (int i = 0; i < ALLOCATION_MAX; i++) {
                if (registrations[i]) continue;
                registrations[i] = address;
                return finish(SUCCESS);
            }
            return finish(OUT_OF_MEMORY);
        }

        int cudaHostUnregister(void *address) {
            pthread_mutex_lock(&mutex);
            note("cudaHostUnregister\n");
            // Reading it proves that the memory is still mapped.
            volatile char first = *(volatile char *)address;
            (void)first;
            for (int i = 0; i < ALLOCATION_MAX; i++) {
                if (registrations[i] != address) continue;
                registrations[i] = NULL;
                return finish(SUCCESS);
            }
            return finish(INVALID_VALUE);
        }

        const char *cudaGetErrorString(int status) {
            static _Thread_local char text[64];
            snprintf(text, sizeof text, "the fake's text for %d", status);
            return text;
        }

        int cudaGetLastError(void) {
            int status = last_error;
            last_error = SUCCESS;
            return status;
        }

        ptrdiff_t fake_live_device_bytes(void) {
            ptrdiff_t sum = 0;
            pthread_mutex_lock(&mutex);
            for (int i = 0; i < ALLOCATION_MAX; i++)
                if (allocations[i].base) sum += (ptrdiff_t)allocations[i].size;
            pthread_mutex_unlock(&mutex);
            return sum;
        }

        ptrdiff_t fake_live_registrations(void) {
            ptrdiff_t count = 0;
            pthread_mutex_lock(&mutex);
            for (int i = 0; i < ALLOCATION_MAX; i++) count += registrations[i] != NULL;
            pthread_mutex_unlock(&mutex);
            return count;
        }

        ptrdiff_t fake_last_error(void) { return last_error; }

        void fake_fail_next(const char *function, int status) {
            pthread_mutex_lock(&mutex);
            snprintf(failing_function, sizeof failing_function, "%s", function);
            failing_status = status;
            pthread_mutex_unlock(&mutex);
        }

        const char *fake_journal(void) { return journal; }
        void fake_clear_journal(void) { journal[0] = 0; }
        """#
}
